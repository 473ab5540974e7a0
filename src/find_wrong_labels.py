"""Rank the faces whose label the trained model most confidently disputes, to be looked at.

After training: each face is judged by a classifier on the features of the face classifier that was
fitted to other sources and people only. Writes artifacts/find_wrong_labels/wrong_labels.html, a
page with pictures, and wrong_labels.csv: write the right label into its last column where one is
wrong, and put it into data/annotations/. The next `dvc repro` reads it; no annotation is changed.
"""

import argparse
import logging
import time

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import SHARDS, VALIDATED, WRONG_LABELS
from deepfake_detector.inference.model_folders.model_options import parse_model

logger = logging.getLogger("find_wrong_labels")

MAX_PICTURED = 100
MAX_LOGGED = 10
MAX_CROPS = 8
"""Of each face, spread over its frames."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model",
        type=parse_model,
        metavar="auto|released|trained|FOLDER",
        help="whose face classifier: auto, the default: what was trained here, else the released",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("find_wrong_labels", lambda: find_wrong_labels(arguments.model))


def find_wrong_labels(model: str | None) -> None:
    """Write the table and the page.

    Raises:
        ValueError: a stage has not run, the model has no face classifier, or there are too few
            people or labels.
    """
    from deepfake_detector.common.tables import read_table, write_table
    from deepfake_detector.evaluation.label_errors.disputed_labels import rank_disputed
    from deepfake_detector.reports.wrong_label_page import write_wrong_label_page

    started = time.monotonic()
    videos = read_table(VALIDATED / "videos.csv")
    tracks, probabilities = judge_tracks(videos, read_table(VALIDATED / "annotations.csv"), model)
    disputed = rank_disputed(tracks, probabilities)
    table, page = WRONG_LABELS / "wrong_labels.csv", WRONG_LABELS / "wrong_labels.html"
    write_table(disputed, table)
    write_wrong_label_page(page, disputed, tracks, MAX_PICTURED)
    for row in disputed[disputed["is_issue"]].head(MAX_LOGGED).itertuples():
        logger.warning(
            "%s, face %s, frames %d to %d: labelled %s, which has a probability of %.3f",
            *(row.video, row.face, row.first_frame, row.last_frame, row.label, row.label_quality),
        )
    logger.info(
        "%d of %d faces disputed, %d probably wrong, %.0f s: %s", len(disputed), len(tracks),
        disputed["is_issue"].sum(), time.monotonic() - started, page.resolve().as_uri(),
    )  # fmt: skip


def judge_tracks(videos, annotations, model: str | None):
    """Return the annotated tracks, and the out-of-fold probability that each is fake."""
    import numpy as np

    from deepfake_detector.common.labels import FAKE, label_to_name
    from deepfake_detector.common.tables import read_table
    from deepfake_detector.data.frame_records import make_shard_path
    from deepfake_detector.data.splits.assignment import find_components
    from deepfake_detector.evaluation.label_errors.annotated_tracks import list_annotated_tracks
    from deepfake_detector.evaluation.label_errors.out_of_fold import predict_out_of_fold
    from deepfake_detector.evaluation.label_errors.track_features import compute_track_features
    from deepfake_detector.inference.model_folders.model_files import load_model

    extracted = set(read_table(SHARDS / "frames.csv")["video"])
    shards = [make_shard_path(SHARDS, name) for name in videos["video"] if name in extracted]
    tracks = list_annotated_tracks(shards, annotations, MAX_CROPS)
    classifier = load_model(model, "keras").detector.face_classifier
    if classifier is None:
        raise ValueError("the model has no face classifier; set face_classifier.enabled: true")
    features = compute_track_features(classifier, tracks)
    about = videos.assign(group=find_components(videos)).set_index("video")
    about = about.loc[[track.video for track in tracks]]
    is_fake = np.array([track.label == label_to_name(FAKE) for track in tracks])
    probabilities = predict_out_of_fold(
        features, is_fake, about["source"].to_numpy(str), about["group"].to_numpy()
    )
    return tracks, probabilities


if __name__ == "__main__":
    main()
