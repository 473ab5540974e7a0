"""What is scored: detections and truth as flat columns, one row per (found face, label).

Shapes: `M` detections, `N` annotated faces, `F` found faces. Images are numbered from 0.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.labels import FACE_LABELS

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
            np.asarray(self.scores).reshape(-1),
            np.repeat(self.boxes, len(labels), axis=0),
        )

    def to_locations(self) -> Detections:
        """Give every face once, labelled `FACE`, scored by the sum of its label scores."""
        scores = np.asarray(self.scores).sum(axis=1)
        return Detections(self.image, np.full(len(self.image), FACE), scores, self.boxes)


def drop_labels(rows: Truth | Detections) -> Truth | Detections:
    """Label every row `FACE`. Of detections, a face listed once per label becomes one.

    Rows of one image with the very same box and different labels are one found face; its score is
    the sum of theirs. A box that is listed twice with the same label stays two detections.
    """
    if isinstance(rows, Truth):
        return Truth(rows.image, np.full(len(rows.image), FACE), rows.boxes)
    order, first_of = _group_same_faces(rows)
    starts = np.flatnonzero(first_of)
    if len(starts) == 0:
        return Detections(rows.image, np.full(0, FACE), rows.score, rows.boxes)
    score = np.add.reduceat(rows.score[order], starts)
    kept = np.minimum.reduceat(order, starts)  # a face stands where its first row stood
    by_row = np.argsort(kept)
    kept, score = kept[by_row], score[by_row]
    return Detections(rows.image[kept], np.full(len(kept), FACE), score, rows.boxes[kept])


def _group_same_faces(rows: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Order rows so that those of one face are neighbours; mark each face's first one.

    Sorting by a 64-bit mix of image and box is four times as fast as sorting by five columns. Neighbours are compared
    themselves, so different boxes never become one.
    """
    order = np.argsort(_mix(rows), kind="stable")
    image, label, boxes = rows.image[order], rows.label[order], rows.boxes[order]
    same_box = (image[1:] == image[:-1]) & np.all(boxes[1:] == boxes[:-1], axis=1)
    is_first = np.ones(len(order), bool)
    is_first[1:] = ~same_box
    ...
    return order, is_first


def _mix(rows: Detections) -> np.ndarray:
    mixed = rows.image.astype(np.uint64)
    for column in rows.boxes.T:
        bits = (column.astype(np.float64) + 0.0).view(np.uint64)
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
