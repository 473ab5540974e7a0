"""What a version of the data holds, counted: the contents of its data card.

A version is named by the SHA-256 of the tables that `validate` wrote: other videos, annotations or
rows of `videos.csv` are another version, another split or frame stride of the same is not.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.splits.split_names import SPLITS

_VERSION_DIGITS = 12
_QUANTILES = {"min": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "max": 1.0}


def name_version(tables: list[Path]) -> str:
    """Name a version of the data by the content of its tables: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in tables:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_VERSION_DIGITS]


def make_data_card(
    videos: pd.DataFrame, faces: pd.DataFrame, splits: dict[str, dict[str, int]], version: str
) -> dict[str, Any]:
    """Count what the splits hold.

    Args:
        videos: of `count_contents`, with their `split`; at least one.
        faces: the kept ones, `ANNOTATION_COLUMNS`.
        splits: of `summarize_splits`.

    Returns:
        Plain values: `version`; `splits`; `methods` (of videos with a fake face), `datasets` and
        `licences`, each by name (empty: not stated); `face_sizes_px`, quantiles of the longer side
        by split and label (None where there is no such face); and `distributions`, counts of faces
        by label and by longer side in px, and of videos by resolution, frame rate and codec.
    """
    sizes = faces.assign(
        longer_side_px=_measure_longer_sides(faces),
        split=faces["video"].map(videos.set_index("video")["split"]),
    )
    return {
        "version": version,
        "splits": splits,
        "methods": _count_groups(videos[videos["fake"] > 0], "method"),
        "datasets": _count_groups(videos, "dataset"),
        "licences": _count_groups(videos, "licence"),
        "face_sizes_px": _describe_sizes(sizes),
        "distributions": count_distributions(videos, sizes),
    }


def _measure_longer_sides(faces: pd.DataFrame) -> pd.Series:
    width, height = faces["right"] - faces["left"], faces["bottom"] - faces["top"]
    return np.maximum(width, height)


def _count_groups(videos: pd.DataFrame, column: str) -> dict[str, dict[str, int]]:
    """Count the videos, and the faces, of each value of a column, and its videos in each split."""
    return {
        name: {
            "videos": len(group),
            **{split: int((group["split"] == split).sum()) for split in SPLITS},
            **{f"{label}_faces": int(group[label].sum()) for label in FACE_LABELS},
        }
        for name, group in videos.groupby(column, sort=True)
    }


def _describe_sizes(sizes: pd.DataFrame) -> dict[str, dict[str, dict[str, float] | None]]:
    return {
        split: {
            label: _describe(
                sizes.loc[(sizes["split"] == split) & (sizes["label"] == label), "longer_side_px"]
            )
            for label in FACE_LABELS
        }
        for split in SPLITS
    }


def _describe(values: pd.Series) -> dict[str, float] | None:
    if values.empty:
        return None
    return {name: round(float(values.quantile(q)), 1) for name, q in _QUANTILES.items()}


def count_distributions(videos: pd.DataFrame, sizes: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count faces by label and size, and videos by resolution, frame rate and codec."""
    resolutions = videos["width_px"].astype(str) + "x" + videos["height_px"].astype(str)
    counted = {
        "label": sizes["label"],
        "face_size_px": sizes["longer_side_px"].round().astype(int),
        "resolution_px": resolutions,
        "fps": videos["fps"].map("{:.5g}".format),
        "codec": videos["codec"],
    }
    return {
        name: {str(value): int(n) for value, n in values.value_counts().sort_index().items()}
        for name, values in counted.items()
    }
