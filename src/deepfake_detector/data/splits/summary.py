"""What the splits hold: kept frames and faces of each video, and the counts of each split."""

import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.common.tables import METHOD_COLUMNS
from deepfake_detector.data.splits.split_names import SPLITS

SPLIT_COLUMNS = ["video", "source", "identity", *METHOD_COLUMNS, "labels", "frames", "faces"]
"""What is told about a video of a split; `frames` and `faces` are the kept ones."""


def count_contents(
    videos: pd.DataFrame, annotations: pd.DataFrame, frames: pd.DataFrame
) -> pd.DataFrame:
    """Count what each video gives to training: its kept frames, and their faces by label.

    Returns:
        The videos that have a kept frame, with `labels` (such as `real+fake`, empty for a clip
        without a face), `frames`, `faces`, `real` and `fake`.
    """
    kept = select_kept_faces(annotations, frames)
    counted = videos.drop(columns="frames")
    counted = counted[counted["video"].isin(frames["video"])].reset_index(drop=True)
    for name, table in {
        "frames": frames,
        "faces": kept,
        **{label: kept[kept["label"] == label] for label in FACE_LABELS},
    }.items():
        counts = counted["video"].map(table["video"].value_counts())
        counted[name] = counts.fillna(0).astype(int)
    counted["labels"] = [
        "+".join(label for label in FACE_LABELS if row[label]) for _, row in counted.iterrows()
    ]
    return counted


def select_kept_faces(annotations: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Select the annotated faces of the frames that were extracted."""
    return annotations.merge(frames[["video", "frame"]], on=["video", "frame"])


def summarize_splits(videos: pd.DataFrame) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Count videos, frames and faces of each split, and note which lacks a label."""
    summary, notes = {}, []
    for split in SPLITS:
        rows = videos[videos["split"] == split]
        summary[split] = {
            "videos": len(rows),
            "sources": int(rows["source"].nunique()),
            "frames": int(rows["frames"].sum()),
            **{f"{label}_faces": int(rows[label].sum()) for label in FACE_LABELS},
            **{f"{label}_videos": int((rows[label] > 0).sum()) for label in FACE_LABELS},
            "videos_without_a_face": int((rows["faces"] == 0).sum()),
        }
        notes += [
            f"{split} has no {label} face: its figures for that label will be empty; add videos "
            "of other sources"
            for label in FACE_LABELS
            if rows[label].sum() == 0
        ]
    return summary, notes
