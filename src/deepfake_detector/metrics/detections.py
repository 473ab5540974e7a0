"""What is scored: detections and truth as flat columns, one row per (found face, label).

Shapes: `M` detections, `N` annotated faces, `F` found faces. Images are numbered from 0.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.common.labels import FACE_LABELS

FACE = 0
"""The one label of `drop_labels`, where only the location counts."""


@dataclass(frozen=True)
class Truth:
    """Annotated faces: image number [N], label [N], boxes [N, 4] in px or in fractions."""

    image: np.ndarray
    label: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True)
class Detections:
    """Scored boxes: image number [M], label [M], score [M], boxes [M, 4] in the truth's unit.

    Ranked by score; equal scores by image number, then by row, as in pycocotools.
    """

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True)
class FoundFaces:
    """Found faces: image number [F], boxes [F, 4], scores [F, 2] of real and of fake."""

    image: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    def to_detections(self) -> Detections:
        """Give every face once per label: 2 F rows, those of one face side by side."""
        labels = np.arange(1, 1 + len(FACE_LABELS))
        return Detections(
            np.repeat(self.image, len(labels)),
            np.tile(labels, len(self.image)),
            self.scores.reshape(-1),
            np.repeat(self.boxes, len(labels), axis=0),
        )

    def to_locations(self) -> Detections:
        """Give every face once, labelled `FACE`, scored by the sum of its label scores."""
        label = np.full(len(self.image), FACE)
        return Detections(self.image, label, self.scores.sum(axis=1), self.boxes)


def drop_truth_labels(truth: Truth) -> Truth:
    """Label every annotated face `FACE`."""
    return Truth(truth.image, np.full(len(truth.image), FACE), truth.boxes)


def merge_labels(detections: Detections) -> Detections:
    """Label every row `FACE`; a face that is listed once per label becomes one row.

    Rows of one image with the very same box and different labels are one found face; its score is
    the sum of theirs. A box that is listed twice with the same label stays two detections.
    """
    order, is_first = _group_faces(detections)
    starts = np.flatnonzero(is_first)
    if len(starts) == 0:
        return detections
    score = np.zeros(len(order), detections.score.dtype)
    is_kept = np.zeros(len(order), bool)
    row = np.minimum.reduceat(order, starts)  # a face stands where its first row stood
    score[row] = np.add.reduceat(detections.score[order], starts)
    is_kept[row] = True
    image, score, boxes = (
        column[is_kept] for column in (detections.image, score, detections.boxes)
    )
    return Detections(image, np.full(len(image), FACE), score, boxes)


def _group_faces(detections: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Give an order [M] in which the rows of a face are neighbours, and which row starts one."""
    mixed = _mix_image_and_box(detections)
    order = np.argsort(mixed)
    is_first = _differ_from_previous([mixed[order]])
    # compared, not trusted: two boxes with the same mix stay two
    same = np.flatnonzero(~is_first)
    row, previous = order[same], order[same - 1]
    is_first[same] = (detections.image[row] != detections.image[previous]) | np.any(
        detections.boxes[row] != detections.boxes[previous], axis=1
    )
    if np.any(_count_occurrences(detections.label[order], is_first) > 0):
        return _split_repeated(detections.label, order, np.cumsum(is_first))
    return order, is_first


def _split_repeated(
    label: np.ndarray, order: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Split groups in which a label is repeated: first ones together, second ones together."""
    order = order[np.lexsort((order, group))]
    occurrence = _count_occurrences(label[order], _differ_from_previous([group]))
    by_face = np.lexsort((occurrence, group))
    return order[by_face], _differ_from_previous([group[by_face], occurrence[by_face]])


def _differ_from_previous(columns: list[np.ndarray]) -> np.ndarray:
    """Say of every element whether it differs from the one before it; the first one does."""
    differs = np.ones(len(columns[0]), bool)
    differs[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return differs


def _count_occurrences(label: np.ndarray, is_first: np.ndarray) -> np.ndarray:
    """Count for every row [M] how many rows of its group before it have its label."""
    starts = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    occurrence = np.zeros(len(label), np.int32)
    for one in np.unique(label):
        is_one = label == one
        before = np.cumsum(is_one) - is_one
        occurrence[is_one] = (before - before[starts][group])[is_one]
    return occurrence


def _mix_image_and_box(detections: Detections) -> np.ndarray:
    """Mix image and box of every row into 64 bits [M]: one sort instead of five."""
    mixed = detections.image.astype(np.uint64)
    for side in detections.boxes.T:
        bits = (side.astype(np.float64) + 0.0).view(np.uint64)  # + 0.0: -0.0 becomes 0.0
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)  # odd constant of SplitMix64
        mixed ^= mixed >> np.uint64(29)
    return mixed
