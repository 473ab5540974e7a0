"""The frames that were kept out of training, with what is annotated and what was found there.

Shapes: `I` images.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.metrics import FoundFaces, Truth
from deepfake_detector.metrics.detection_tables import list_images, table_to_faces, table_to_truth


@dataclass(frozen=True)
class EvaluationFrames:
    """Found and annotated faces of all frames of a split, px of the original frames.

    `images` [I] has `video, frame, source, width_px, height_px`; a row's place is its number.
    """

    faces: FoundFaces
    truth: Truth
    images: pd.DataFrame


def make_evaluation_frames(
    faces: pd.DataFrame, truth: pd.DataFrame, videos: pd.DataFrame, frames: pd.DataFrame
) -> EvaluationFrames:
    """Join the tables of `prediction` with what is known of their videos and frames.

    Args:
        faces: `video, frame, left, top, right, bottom, real, fake`.
        truth: `video, frame, left, top, right, bottom, label`; every frame at least once.
        videos: `video, source`.
        frames: `video, frame, width_px, height_px`.
    """
    images = list_images(truth)
    found, annotated = table_to_faces(faces, images), table_to_truth(truth, images)
    images = images.merge(videos[["video", "source"]], on="video", how="left", validate="m:1")
    sizes = frames[["video", "frame", "width_px", "height_px"]]
    images = images.merge(sizes, on=["video", "frame"], how="left", validate="1:1")
    return EvaluationFrames(found, annotated, images)


def count_evaluation_frames(evaluated: EvaluationFrames) -> dict[str, int]:
    """Count what the figures rest on."""
    counts = {
        name: np.count_nonzero(evaluated.truth.label == n) for n, name in enumerate(FACE_LABELS, 1)
    }
    return {
        "videos": evaluated.images["video"].nunique(),
        "sources": evaluated.images["source"].nunique(),
        "frames": len(evaluated.images),
        "faces": len(evaluated.truth.label),
        **{f"faces_{name}": int(count) for name, count in counts.items()},
    }
