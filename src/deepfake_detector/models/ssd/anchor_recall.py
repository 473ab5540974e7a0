"""How well anchors suit the faces of a data set, before anything is trained.

For one size of anchor on one map, the anchor whose centre is nearest to the face's centre overlaps
the face most, in both directions at once. So 30 overlaps a face give the best of all 8,732, and
a data set takes a moment. Shapes: `N` boxes.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import AnchorParams
from deepfake_detector.models.ssd.anchors import list_sizes


@dataclass(frozen=True)
class AnchorPlaces:
    """Where a network's anchors stand: (rows, columns) of each predictor map, finest first."""

    map_sizes: list[tuple[int, int]]
    image_size_px: int


@dataclass(frozen=True)
class AnchorRecall:
    """How well anchors suit boxes; NaN where there are none."""

    best_possible_recall: float
    """Share of the boxes that an anchor overlaps with more than a given IoU."""

    mean_best_iou: float
    """Mean over the boxes of the IoU with the anchor that fits best."""


def measure_anchors(
    boxes: np.ndarray, params: AnchorParams, places: AnchorPlaces, iou_threshold: float
) -> AnchorRecall:
    """Measure how well anchors suit boxes [N, 4] in fractions of the image."""
    if len(boxes) == 0:
        return AnchorRecall(float("nan"), float("nan"))
    best = compute_best_iou(boxes, params, places)
    return AnchorRecall(float((best > iou_threshold).mean()), float(best.mean()))


def compute_best_iou(boxes: np.ndarray, params: AnchorParams, places: AnchorPlaces) -> np.ndarray:
    """Compute the IoU [N] of each box [N, 4] with the anchor that overlaps it most."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    best = np.zeros(len(boxes))
    for sizes, (rows, columns), stride_px in zip(
        list_sizes(params), places.map_sizes, params.strides_px, strict=True
    ):
        step = stride_px / places.image_size_px
        center_x = _find_nearest((boxes[:, 0] + boxes[:, 2]) / 2, columns, step)
        center_y = _find_nearest((boxes[:, 1] + boxes[:, 3]) / 2, rows, step)
        for width, height in sizes:
            shared_x = _fraction(boxes[:, 0], boxes[:, 2], center_x, width)
            shared_y = _fraction(boxes[:, 1], boxes[:, 3], center_y, height)
            shared = shared_x * shared_y
            areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            best = np.maximum(best, shared / (areas + width * height - shared))
    return best


def _find_nearest(centers: np.ndarray, cells: int, step: float) -> np.ndarray:
    """Find the centre of the cell nearest to each centre [N] along one side of the image."""
    cell = np.clip(np.floor(centers / step), 0, cells - 1)
    return (cell + 0.5) * step


def _fraction(low: np.ndarray, high: np.ndarray, center: np.ndarray, length: float) -> np.ndarray:
    """Compute how much of an anchor's side lies within [low, high], each [N]."""
    inside = np.minimum(high, center + length / 2) - np.maximum(low, center - length / 2)
    return np.maximum(inside, 0.0)
