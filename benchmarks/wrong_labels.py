"""How many of a few flipped labels does `find_wrong_labels` rank first?

    python benchmarks/wrong_labels.py PROJECT --model released [--seeds 10]

PROJECT is a folder in which validate, extract_frames and split have run. The features of all faces
are computed once; then the labels of k videos are flipped, drawn by each seed, and the videos of
the k most disputed faces are compared with them. Drawn are all videos, and those of validation and
test alone, which a model that was trained on this split has not learned from.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.common.artifacts import SHARDS, SPLIT_TABLES, VALIDATED
from deepfake_detector.common.labels import FAKE, label_to_name
from deepfake_detector.common.tables import read_table
from deepfake_detector.data.frame_records import make_shard_path
from deepfake_detector.data.splits.assignment import find_components
from deepfake_detector.evaluation.label_errors.annotated_tracks import list_annotated_tracks
from deepfake_detector.evaluation.label_errors.disputed_labels import (
    name_other_label,
    rank_disputed,
)
from deepfake_detector.evaluation.label_errors.out_of_fold import predict_out_of_fold
from deepfake_detector.evaluation.label_errors.track_features import compute_track_features
from deepfake_detector.inference.model_folders.model_files import load_model

MAX_CROPS = 8
FLIPPED = (1, 2, 4, 7)
FAKE_NAME = label_to_name(FAKE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("project", type=Path, metavar="PROJECT")
    parser.add_argument("--model", default="released")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    os.chdir(arguments.project)
    videos = read_table(VALIDATED / "videos.csv")
    shards = [make_shard_path(SHARDS, name) for name in videos["video"]]
    tracks = list_annotated_tracks(shards, read_table(VALIDATED / "annotations.csv"), MAX_CROPS)
    started = time.process_time()
    classifier = load_model(arguments.model, "keras").detector.face_classifier
    features = compute_track_features(classifier, tracks)
    print(f"{len(tracks)} faces, {time.process_time() - started:.0f} s of CPU for their features")
    about = videos.assign(group=find_components(videos)).set_index("video")
    about = about.loc[[track.video for track in tracks]]
    unseen = pd.concat([read_table(SPLIT_TABLES / f"{s}.csv") for s in ("validation", "test")])
    drawn = {"all": videos["video"].tolist(), "validation and test": unseen["video"].tolist()}
    for name, candidates in drawn.items():
        for k in FLIPPED:
            found = [
                count_found(tracks, features, about, draw(candidates, k, seed))
                for seed in range(arguments.seeds)
            ]
            first, twice, issues = np.mean(found, axis=0) / k
            print(
                f"flipped {k} of {len(candidates)} ({name}): {first:.0%} in the top {k}, "
                f"{twice:.0%} in the top {2 * k}, {issues:.0%} marked as wrong",
                flush=True,
            )


def draw(videos: list[str], k: int, seed: int) -> set[str]:
    """Draw the videos whose labels are flipped."""
    return set(np.random.default_rng(seed).choice(sorted(videos), k, replace=False).tolist())


def count_found(tracks, features, about, flipped: set[str]) -> tuple[int, int, int]:
    """Count the flipped videos in the top k, in the top 2 k, and among those marked as wrong."""
    spoiled = [
        replace(track, label=name_other_label(track.label)) if track.video in flipped else track
        for track in tracks
    ]
    is_fake = np.array([track.label == FAKE_NAME for track in spoiled])
    sources, groups = about["source"].to_numpy(str), about["group"].to_numpy()
    probabilities = predict_out_of_fold(features, is_fake, sources, groups)
    disputed = rank_disputed(spoiled, probabilities)
    k = len(flipped)
    ranked = disputed["video"].tolist()
    marked = set(disputed.loc[disputed["is_issue"], "video"])
    return (
        len(flipped & set(ranked[:k])), len(flipped & set(ranked[: 2 * k])), len(flipped & marked),
    )  # fmt: skip


if __name__ == "__main__":
    main()
