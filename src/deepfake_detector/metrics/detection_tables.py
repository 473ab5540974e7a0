"""From the tables of `prediction` (px of the original frames) to the columns that are scored.

Shapes: `I` images, `F` found faces, `N` annotated faces.
"""

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.metrics.average_precision import (
    compute_class_agnostic_ap,
    compute_coco_map,
    compute_map,
)
from deepfake_detector.metrics.detections import FoundFaces, Truth


def mean_average_precision(
    faces: pd.DataFrame, truth: pd.DataFrame, iou_threshold: float
) -> dict[str, float]:
    """Return `ap_real`, `ap_fake`, `map_50`, `map_50_95` and `class_agnostic_ap_50_95`.

    The first two are VOC's areas, `map_50` is their mean. The others are COCO's, means over IoU
    thresholds from 0.50 to 0.95: `map_50_95` of both labels, and of faces whatever their label,
    which tells how well boxes fit.

    Args:
        faces: `video, frame, left, top, right, bottom, real, fake`, one row per found face.
        truth: `video, frame, left, top, right, bottom, label`, every frame at least once.

    Returns:
        NaN for a label without any annotated face, which counts in no mean.
    """
    images = list_images(truth)
    detections = table_to_faces(faces, images).to_detections()
    annotated = table_to_truth(truth, images)
    return compute_map(detections, annotated, iou_threshold) | {
        "map_50_95": compute_coco_map(detections, annotated),
        "class_agnostic_ap_50_95": compute_class_agnostic_ap(detections, annotated),
    }


def list_images(truth: pd.DataFrame) -> pd.DataFrame:
    """List the frames [I] of a table, `video, frame`; a frame's place is its image number."""
    return truth[["video", "frame"]].drop_duplicates(ignore_index=True)


def table_to_truth(truth: pd.DataFrame, images: pd.DataFrame) -> Truth:
    """Turn annotated faces into columns. Rows with an empty label are frames without a face."""
    truth = truth[truth["label"].isin(FACE_LABELS)]
    labels = np.array([name_to_label(name) for name in truth["label"]], np.int64)
    return Truth(_number_images(truth, images), labels, truth[BOX].to_numpy(np.float64))


def table_to_faces(faces: pd.DataFrame, images: pd.DataFrame) -> FoundFaces:
    """Turn found faces into columns.

    Raises:
        ValueError: a face was found in a frame that is not among `images`.
    """
    scores = faces[list(FACE_LABELS)].to_numpy(np.float32)
    return FoundFaces(_number_images(faces, images), faces[BOX].to_numpy(np.float64), scores)


def _number_images(rows: pd.DataFrame, images: pd.DataFrame) -> np.ndarray:
    """Give the image number of every row."""
    known = pd.MultiIndex.from_frame(images)
    numbers = known.get_indexer(pd.MultiIndex.from_frame(rows[["video", "frame"]]))
    if np.any(numbers < 0):
        row = rows.iloc[int(np.argmax(numbers < 0))]
        raise ValueError(f"{row['video']} frame {row['frame']}: not among the frames to be scored")
    return numbers
