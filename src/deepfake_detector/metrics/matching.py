"""Which annotated face a detection overlaps, and by how much.

Only boxes of one image and one label meet, a chunk of detections at a time, without a loop over
images. Shapes: `M` detections, `N` annotated faces, `P` pairs, `R` rows of one chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepfake_detector.common.iou import compute_iou
from deepfake_detector.common.labels import LABEL_COUNT
from deepfake_detector.metrics.detections import Detections, Truth

CHUNK = 32_768
"""Detections handled at once: their temporary arrays stay in the processor's second cache."""

NONE = -1


@dataclass(frozen=True)
class Pairs:
    """Detections and truth that overlap enough: rows of both [P] and the IoU [P]."""

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray


def find_best_truth(detections: Detections, truth: Truth, iou_threshold: float) -> np.ndarray:
    """Find the annotated face that each detection overlaps most.

    Of two that it overlaps alike it is the first in the list.

    Args:
        iou: the least that counts, itself included.

    Returns:
        Row of the truth [M], `NONE` where nothing is overlapped enough.
    """
    best = np.full(len(detections.image), NONE, np.int32)
    most = np.full(len(detections.image), np.nextafter(iou_threshold, -np.inf))
    for rows, truth_rows, ious in _meet(detections, truth):
        is_better = ious > most[rows]
        rows = rows[is_better]
        best[rows], most[rows] = truth_rows[is_better], ious[is_better]
    return best


def find_pairs(detections: Detections, truth: Truth, iou_threshold: float) -> Pairs:
    """Find all pairs of a detection and a truth that overlap by `iou` or more."""
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for rows, truth_rows, ious in _meet(detections, truth):
        is_enough = ious >= iou_threshold
        found.append((rows[is_enough], truth_rows[is_enough], ious[is_enough]))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _number_groups(image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Number the (image, label) of every row [R]."""
    return image.astype(np.int64) * LABEL_COUNT + label


def _meet(detections: Detections, truth: Truth) -> Iterator[tuple[np.ndarray, ...]]:
    """Let every detection meet every truth of its group, first ones first.

    Yields:
        Rows of the detections [R], of the truth [R] and their overlaps [R]; a detection is in it
        at most once, and meets the truths of its group in the order of their rows.
    """
    if len(truth.image) == 0:
        return
    groups = _number_groups(truth.image, truth.label)
    by_group = np.argsort(groups, kind="stable")
    groups_with_truth = groups.max() + 1
    counts = np.append(np.bincount(groups), 0)  # the last one: every group past them
    starts = np.cumsum(counts) - counts
    truth_boxes = np.asarray(truth.boxes, np.float64)[by_group]
    for first in range(0, len(detections.image), CHUNK):
        chunk = slice(first, first + CHUNK)
        group = _number_groups(detections.image[chunk], detections.label[chunk])
        group = np.minimum(group, groups_with_truth)
        boxes = np.asarray(detections.boxes[chunk], np.float64)
        for nth in range(counts[group].max()):
            rows = np.flatnonzero(counts[group] > nth)
            place = starts[group[rows]] + nth
            yield first + rows, by_group[place], compute_iou(boxes[rows], truth_boxes[place])
