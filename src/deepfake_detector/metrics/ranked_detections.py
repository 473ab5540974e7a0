"""Detections in the order of their scores, and which of them are right by the VOC rule.

VOC (Everingham et al. 2010, section 4.2): a detection belongs to the truth that it overlaps most,
whatever the others do; the first in the order takes it, later ones are false alarms. `coco` has
the other rule. Shapes: `M` detections, `K` of one label, `J` right ones, `N` annotated faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepfake_detector.metrics.detections import Detections, Truth
from deepfake_detector.metrics.matching import NONE, find_best_truth


@dataclass(frozen=True)
class Ranking:
    """The detections of one label, best first, and where the right ones stand.

    `order` [K] are rows of the detections, `right` [J] ascending places in it, from 0.
    """

    order: np.ndarray
    right: np.ndarray
    truth_count: int


def rank_by_voc(
    detections: Detections, truth: Truth, iou_threshold: float, labels: Sequence[int]
) -> dict[int, Ranking]:
    """Rank the detections of each label; who is right goes by the VOC rule."""
    best_truth = find_best_truth(detections, truth, iou_threshold)
    return {label: rank_label(detections, best_truth, truth, label) for label in labels}


def rank_label(
    detections: Detections, best_truth: np.ndarray, truth: Truth, label: int
) -> Ranking:
    """Rank the detections of one label by the VOC rule, the truth [M] of each being known."""
    order = sort_best_first(detections, label)
    taken = best_truth[order]
    places = np.flatnonzero(taken != NONE)
    right = _find_first_places(places, taken[places], len(truth.image))
    return Ranking(order, right, int(np.count_nonzero(truth.label == label)))


def sort_best_first(detections: Detections, label: int) -> np.ndarray:
    """Give the rows of one label by falling score; equal ones by image, then by row."""
    rows = np.flatnonzero(detections.label == label)
    images = detections.image[rows]
    if np.any(images[1:] < images[:-1]):
        rows = rows[argsort_stable(images)]
    return rows[_argsort_falling(detections.score[rows])]


def _argsort_falling(scores: np.ndarray) -> np.ndarray:
    """Sort falling and stable."""
    if scores.dtype != np.float32:
        return np.argsort(-scores, kind="stable")
    bits = (scores + np.float32(0)).view(np.uint32)  # + 0: -0.0 becomes 0.0
    sign = np.uint32(0x80000000)
    return argsort_stable(np.where(bits & sign, bits, ~(bits | sign)))  # in the order of -scores


def argsort_stable(values: np.ndarray) -> np.ndarray:
    """Sort whole numbers of 0 to 2³² - 1 rising and stable.

    A number and its place make one of 64 bits; sorting those is seven times as fast as NumPy's
    stable argsort.
    """
    keys = values.astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(values), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64(0xFFFFFFFF)
    return keys.view(np.int64)


def _find_first_places(places: np.ndarray, taken: np.ndarray, count: int) -> np.ndarray:
    """Give the ascending places [J] at which a truth row is named first."""
    never = np.iinfo(np.int64).max
    first = np.full(count, never)
    np.minimum.at(first, taken, places)
    return np.sort(first[first != never])
