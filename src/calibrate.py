"""Stage `calibrate`: calibrate verdicts on the validation videos, measure them on the test videos.

Writes the calibration that `predict` decides with, a verdict on every test video and face, and how
good they are; prints a table of that. Registers detector and calibration as MLflow's served model.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import (
    CALIBRATED,
    CALIBRATION,
    DETECTOR,
    EVALUATED,
    RELEASED,
    SHARDS,
    SPLIT_TABLES,
    START,
    TRAINED,
)
from deepfake_detector.common.files import write_json
from deepfake_detector.common.tables import read_table, write_table
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.frame_records import read_records
from deepfake_detector.data.splits.listing import list_shards
from deepfake_detector.evaluation.detection_report import count, metrics_to_json
from deepfake_detector.evaluation.group_tables import (
    describe_videos,
    groups_to_text,
    measure_methods_and_sets,
)
from deepfake_detector.evaluation.tracked_videos import track_labelled_videos
from deepfake_detector.evaluation.verdict_metrics import (
    measure_answers,
    measure_faces,
    measure_probabilities,
)
from deepfake_detector.evaluation.verdict_report import verdicts_to_text
from deepfake_detector.evaluation.verdict_tables import make_face_verdicts, make_video_verdicts
from deepfake_detector.inference.crop_choice import thin_videos
from deepfake_detector.inference.detector import FACE_COLUMNS
from deepfake_detector.inference.model_folders.model_hashes import hash_detector
from deepfake_detector.inference.predictor import make_crop_limits
from deepfake_detector.inference.score_fusion import FAKE_SCORE_COLUMNS
from deepfake_detector.metrics.classification import make_reliability
from deepfake_detector.plots.reliability import draw_reliability
from deepfake_detector.plots.style import save_figure
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.cross_validation import cross_validate
from deepfake_detector.verdicts.fit_calibration import fit_calibration
from deepfake_detector.verdicts.labelled_videos import LabelledVideo, list_faces
from deepfake_detector.verdicts.released_prior import (
    MIN_OWN_VIDEOS,
    ReleasedPrior,
    count_own,
    predict_left_out,
)

PLOTS = CALIBRATED / "plots"

logger = logging.getLogger("calibrate")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("calibrate", lambda: calibrate(load_params()))


def calibrate(params: Params) -> None:
    """Calibrate on `artifacts/split/validation.csv`, measure on `artifacts/split/test.csv`."""
    validation = read_labelled_videos("validation", detect_validation_faces(params), params)
    scored_by = hash_detector(DETECTOR)
    prior = read_prior(validation, params)
    calibration = fit_calibration(validation, params.calibrate, scored_by, prior)
    write_json(calibration.model_dump(), CALIBRATION)
    test = read_labelled_videos("test", read_table(EVALUATED / "detections.csv"), params)
    about = describe_videos(read_table(SPLIT_TABLES / "test.csv"))
    verdicts = make_video_verdicts(test, calibration).join(about, on="video")
    faces = make_face_verdicts(test, calibration)
    write_table(verdicts, CALIBRATED / "verdicts.csv")
    write_table(faces, CALIBRATED / "faces.csv")
    values = {
        **measure_probabilities(verdicts, params.evaluate.n_bootstrap, params.seed),
        **measure_answers(verdicts),
        **measure_faces(faces),
    }
    validation_metrics = measure_validation(validation, calibration, prior, params)
    write_json(
        {"validation": metrics_to_json(validation_metrics), "test": metrics_to_json(values)},
        CALIBRATED / "metrics.json",
    )
    draw(verdicts, calibration)
    print(verdicts_to_text(values, calibration))
    print(f"\n{groups_to_text(write_groups(verdicts, params))}".rstrip())
    log_to_mlflow({"validation": validation_metrics, "test": values}, params)


def read_prior(videos: list[LabelledVideo], params: Params) -> ReleasedPrior | None:
    """Read the calibration of the released model that the training started from, as the prior.

    None where it started from other weights, or where own validation videos suffice.
    """
    from deepfake_detector.inference.model_folders.released import load_released
    from deepfake_detector.inference.shards import predict_shards

    folder = json.loads(START.read_text(encoding="utf-8"))["released"]
    if folder is None or not 0 < count_own(videos, params.calibrate.usable) < MIN_OWN_VIDEOS:
        return None
    detector, calibration, card = load_released(Path(folder), params.inference.engine)
    faces = predict_shards(detector, list_shards("validation"), params.train.batch_size)
    seen = read_labelled_videos("validation", faces, params)
    return ReleasedPrior(calibration, card["version"], seen)


def detect_validation_faces(params: Params) -> pd.DataFrame:
    """Give the faces that the detector finds on validation videos."""
    from deepfake_detector.inference.engine import load_networks
    from deepfake_detector.inference.shards import predict_shards

    shards = list_shards("validation")
    if not shards:
        return pd.DataFrame(columns=["video", "frame", *FACE_COLUMNS, *FAKE_SCORE_COLUMNS])
    detector = load_networks(DETECTOR, params.inference.engine)
    return predict_shards(detector, shards, params.train.batch_size)


def read_labelled_videos(split: str, faces: pd.DataFrame, params: Params) -> list[LabelledVideo]:
    """Follow the found faces through the videos of a split."""
    from deepfake_detector.inference.shards import read_truth

    shards = list_shards(split)
    if not shards:
        return []
    videos = read_table(SPLIT_TABLES / f"{split}.csv")
    min_face_score, iou_threshold = (
        params.calibrate.usable.min_face_score,
        params.evaluate.iou_threshold,
    )
    tables = faces, read_truth(shards)
    tracked = track_labelled_videos(
        SHARDS, videos[videos["frames"] > 0], tables, min_face_score, iou_threshold
    )
    if faces["classifier_fake_score"].isna().all():
        return tracked  # `predict` has the SSD's score of every face, too
    return thin_videos(
        tracked,
        videos.set_index("video")["frames"].to_dict(),
        params.extract_frames.frame_stride,
        make_crop_limits(params.predict),
        params.calibrate.usable,
    )


def measure_validation(
    videos: list[LabelledVideo],
    calibration: Calibration,
    prior: ReleasedPrior | None,
    params: Params,
) -> dict:
    """Measure the chosen rule on validation, each source scored by a model of the others."""
    verdicts = make_video_verdicts(videos, calibration)
    if prior is not None:
        verdicts["probability"] = predict_left_out(videos, prior, calibration.usable)
    elif not calibration.problem:
        faces = list_faces(videos, calibration.usable)
        verdicts["probability"] = cross_validate(videos, faces, calibration.rule, calibration.fit)
    rules = {f"rule_{rule}_log_loss": loss for rule, loss in calibration.fitted.log_loss.items()}
    return measure_probabilities(verdicts, params.evaluate.n_bootstrap, params.seed) | rules


def write_groups(verdicts: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Write, and return, the metrics of verdicts by method of forgery and data set."""
    groups = measure_methods_and_sets(
        verdicts.rename(columns={"verdict": "answer"}), params.evaluate.n_bootstrap, params.seed
    )
    write_table(groups, PLOTS / "groups.csv")
    return groups


def draw(verdicts: pd.DataFrame, calibration: Calibration) -> None:
    """Write the reliability diagram as table and as picture."""
    known = verdicts[(verdicts["label"] != "") & verdicts["probability"].notna()]
    bins = make_reliability(np.array(known["label"] == "fake"), known["probability"].to_numpy())
    write_table(bins, PLOTS / "reliability.csv")
    bounds = calibration.max_real_probability, calibration.min_fake_probability
    subject = (
        f"{count(len(known), 'test video')} of {count(known['source'].nunique(), 'source')}, "
        f"calibrated on {count(calibration.fitted.videos, 'validation video')}"
    )
    chart = draw_reliability(bins, known, bounds, subject)
    save_figure(chart, PLOTS / "reliability.png")


def read_example() -> bytes:
    """Read a test frame with a face as JPEG; one without where there is none."""
    chosen = None
    for frame in read_records(list_shards("test")):
        chosen = chosen or frame
        if len(frame["labels"]):
            return frame["image"]
    return chosen["image"]


def log_to_mlflow(values: dict[str, dict], params: Params) -> None:
    """Tell MLflow, in the run that trained the detector, and register what gives verdicts now.

    The released model, where it is here, is registered before: as version 1 of a new registry.
    """
    run_id = json.loads((TRAINED / "run.json").read_text())["mlflow_run_id"]
    numbers = {
        f"{split}_{name}": value
        for split, figures_ in values.items()
        for name, value in metrics_to_json(figures_).items()
        if name != "intervals"
    }
    with mlflow_tracking.continued_run(run_id):
        mlflow_tracking.log_evaluation(numbers, CALIBRATED)
        example = read_example()
        if (RELEASED / "card.json").is_file():
            mlflow_tracking.register_released(RELEASED, params.predict, example)
        mlflow_tracking.register_detector(DETECTOR, CALIBRATION, params.predict, example)


if __name__ == "__main__":
    main()
