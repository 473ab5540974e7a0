"""What found faces are worth: their label, their size, and what chance alone would give.

Shapes: `F` found faces, `N` annotated faces.
"""

import numpy as np

from deepfake_detector.common.labels import BACKGROUND, FACE_LABELS, LABEL_COUNT
from deepfake_detector.metrics.average_precision import LABELS, compute_area, compute_mean
from deepfake_detector.metrics.detections import (
    FACE,
    Detections,
    FoundFaces,
    Truth,
    drop_truth_labels,
)
from deepfake_detector.metrics.matching import NONE, find_best_truth
from deepfake_detector.metrics.ranked_detections import Ranking, rank_label

SIZES = ("small", "medium", "large")
SIZE_EDGES = np.square([32 / 300, 96 / 300])
"""Shares of the frame's area: COCO's 32² and 96² px in the 300×300 px an SSD300 sees."""


def match_faces(faces: FoundFaces, truth: Truth, iou_threshold: float) -> np.ndarray:
    """Give for every annotated face [N] the row of the face that was found there, or `NONE`.

    Labels do not matter; faces are ranked by the sum of their scores, by the VOC rule.
    """
    best_truth = find_best_truth(faces.to_locations(), drop_truth_labels(truth), iou_threshold)
    ranking = rank_label(faces.to_locations(), best_truth, drop_truth_labels(truth), FACE)
    rows = ranking.order[ranking.right]
    found = np.full(len(truth.image), NONE)
    found[best_truth[rows]] = rows
    return found


def call_labels(faces: FoundFaces) -> np.ndarray:
    """Give the label [F] with the higher score; real where both are equal."""
    return 1 + np.argmax(faces.scores.reshape(-1, len(FACE_LABELS)), axis=1)


def compute_confusion(faces: FoundFaces, truth: Truth, iou_threshold: float, threshold: float):
    """Count annotated faces by what they are (rows) and what they were called (columns).

    Only faces count as found whose higher score is `threshold` or more: those people get to see.

    Returns:
        int [3, 3], both axes in the order of the labels: row 0 are false alarms (nothing there),
        column 0 are missed faces. [0, 0] is always 0.
    """
    seen = np.flatnonzero(faces.scores.max(axis=1, initial=0) >= threshold)
    faces = FoundFaces(faces.image[seen], faces.boxes[seen], faces.scores[seen])
    found = match_faces(faces, truth, iou_threshold)
    called = np.append(call_labels(faces), BACKGROUND)  # NONE takes the last one
    confusion = np.zeros((LABEL_COUNT, LABEL_COUNT), int)
    np.add.at(confusion, (truth.label, called[found]), 1)
    is_alarm = np.ones(len(seen), bool)
    is_alarm[found[found != NONE]] = False
    np.add.at(confusion, (BACKGROUND, called[:-1][is_alarm]), 1)
    return confusion


def compute_chance(
    faces: FoundFaces, truth: Truth, iou_threshold: float, shuffles: int, generator
) -> float:
    """Compute the mAP that the same found faces would have if their labels meant nothing.

    A face's scores are its own certainty (their sum) shared between real and fake. The shares of
    all faces that lie on an annotated face change places; false alarms keep theirs. Mean over
    `shuffles` draws.
    """
    detections = faces.to_detections()
    best_truth = find_best_truth(detections, truth, iou_threshold)
    is_on_face = np.any(best_truth.reshape(-1, len(FACE_LABELS)) != NONE, axis=1)
    maps = []
    for _ in range(shuffles):
        scores = _shuffle_label_fractions(faces.scores, np.flatnonzero(is_on_face), generator)
        shuffled = Detections(
            detections.image, detections.label, scores.reshape(-1), detections.boxes
        )
        rankings = [rank_label(shuffled, best_truth, truth, label) for label in LABELS]
        maps.append(compute_mean(compute_area(ranking) for ranking in rankings))
    return compute_mean(maps)


def _shuffle_label_fractions(scores: np.ndarray, rows: np.ndarray, generator) -> np.ndarray:
    """Let the given rows of scores [F, 2] exchange how they share their sum."""
    sums = scores.sum(axis=1, keepdims=True)
    fractions = np.divide(scores, sums, out=np.full_like(scores, 0.5), where=sums > 0)
    shuffled = scores.copy()
    shuffled[rows] = sums[rows] * fractions[generator.permutation(rows)]
    return shuffled


def name_sizes(fractions: np.ndarray) -> np.ndarray:
    """Give the index in `SIZES` of boxes that cover this share of their frame's area."""
    return np.searchsorted(SIZE_EDGES, fractions, side="right")


def rank_size(
    detections: Detections,
    truth: Truth,
    best_truth: np.ndarray,
    is_size: tuple[np.ndarray, np.ndarray],
    label: int,
) -> Ranking:
    """Rank what concerns faces of one size. COCO's rule: all else is left out, not wrong.

    Args:
        best_truth: of every detection.
        is_size: whether each detection [M] and each annotated face [N] has the size. A detection
            on a face counts by the size of that face, a false alarm by its own.
    """
    detection_is_size, truth_is_size = is_size
    is_counted = np.where(
        best_truth == NONE, detection_is_size, np.append(truth_is_size, False)[best_truth]
    )
    detections = Detections(
        detections.image[is_counted],
        detections.label[is_counted],
        detections.score[is_counted],
        detections.boxes[is_counted],
    )
    ranking = rank_label(detections, best_truth[is_counted], truth, label)
    count = int(np.count_nonzero((truth.label == label) & truth_is_size))
    return Ranking(ranking.order, ranking.right, count)
