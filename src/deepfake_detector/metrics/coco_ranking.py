"""Which detections are right by the COCO rule (pycocotools, `evaluateImg`, bounding boxes).

A detection takes the *free* truth that it overlaps most; only the best-scored detections of an
image and label count. VOC and COCO differ where a detection overlaps two faces enough and the
better one is taken: VOC calls it a false alarm, COCO gives it the other face. Of two equal
overlaps VOC takes the truth listed first, COCO the one listed last.
Shapes: `M` detections, `K` of one label, `P` pairs, `T` thresholds of IoU.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from deepfake_detector.metrics.detections import Detections, Truth
from deepfake_detector.metrics.matching import NONE, Pairs, find_pairs
from deepfake_detector.metrics.ranked_detections import Ranking, argsort_stable, sort_best_first


def rank_by_coco(
    detections: Detections,
    truth: Truth,
    ious: np.ndarray,
    most_per_image: int,
    labels: Sequence[int],
) -> dict[int, list[Ranking]]:
    """Rank the detections of each label for every threshold [T]; right goes by the COCO rule."""
    pairs = find_pairs(detections, truth, np.min(ious))
    rankings = {}
    for label in labels:
        order = _keep_best(sort_best_first(detections, label), detections.image, most_per_image)
        place_of_row = np.full(len(detections.image), NONE, np.int32)
        place_of_row[order] = np.arange(len(order))
        places = place_of_row[pairs.detection]  # [P]
        is_kept = places != NONE
        kept = Pairs(places[is_kept], pairs.truth[is_kept], pairs.iou[is_kept])
        is_right = _take_greedily(kept, truth.image, ious, len(order))  # [T, K]
        count = int(np.count_nonzero(truth.label == label))
        rankings[label] = [Ranking(order, np.flatnonzero(row), count) for row in is_right]
    return rankings


def _keep_best(order: np.ndarray, image: np.ndarray, most_per_image: int) -> np.ndarray:
    """Keep the first `most_per_image` rows of every image, in the order given."""
    images = image[order]
    if len(order) == 0 or np.bincount(images).max() <= most_per_image:
        return order
    return order[_count_within(images) < most_per_image]


def _count_within(groups: np.ndarray) -> np.ndarray:
    """Count for every element how many before it belong to its group."""
    by_group = argsort_stable(groups)
    is_first = np.ones(len(groups), bool)
    is_first[1:] = np.diff(groups[by_group]) != 0
    starts = np.flatnonzero(is_first)
    within = np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))
    counts = np.empty(len(groups), np.int64)
    counts[by_group] = within
    return counts


def _take_greedily(
    pairs: Pairs, image_of_truth: np.ndarray, ious: np.ndarray, count: int
) -> np.ndarray:
    """Let detections choose among free truths, in turn within an image, images side by side.

    Args:
        pairs: `detection` are places in the order of scores.

    Returns:
        bool [T, count]: which places took a truth.
    """
    is_right = np.zeros((len(ious), count), bool)
    is_free = np.ones((len(ious), len(image_of_truth)), bool)
    for turn in _split_into_turns(pairs, image_of_truth):
        is_first = np.ones(len(turn.detection), bool)
        is_first[1:] = turn.detection[1:] != turn.detection[:-1]
        starts = np.flatnonzero(is_first)
        # 1 - 1e-10: pycocotools' guard for a threshold of 1
        is_enough = turn.iou >= np.minimum(ious, 1 - 1e-10)[:, None]  # [T, P]
        wanted = np.where(is_enough & is_free[:, turn.truth], turn.iou, -1.0)
        most = np.maximum.reduceat(wanted, starts, axis=1)  # [T, detections]
        widths = np.diff(np.append(starts, len(turn.detection)))
        is_best = (wanted >= 0) & (wanted == np.repeat(most, widths, axis=1))
        index = np.where(is_best, np.arange(len(turn.detection)), NONE)
        chosen = np.maximum.reduceat(index, starts, axis=1)  # the last of equals, or NONE
        threshold, detection = np.nonzero(chosen != NONE)
        is_right[threshold, turn.detection[starts[detection]]] = True
        is_free[threshold, turn.truth[chosen[threshold, detection]]] = False
    return is_right


def _split_into_turns(pairs: Pairs, image_of_truth: np.ndarray) -> Iterator[Pairs]:
    """Split pairs so that a turn holds the next best detection of every image."""
    by_place = np.argsort(pairs.detection, kind="stable")  # truths of a detection stay in order
    pairs = Pairs(pairs.detection[by_place], pairs.truth[by_place], pairs.iou[by_place])
    is_first = np.ones(len(by_place), bool)
    is_first[1:] = pairs.detection[1:] != pairs.detection[:-1]
    turn_of_detection = _count_within(image_of_truth[pairs.truth[is_first]])
    turns = turn_of_detection[np.cumsum(is_first) - 1]  # [P]
    by_turn = np.argsort(turns, kind="stable")
    first = 0
    for size in np.bincount(turns):
        rows = by_turn[first : first + size]
        first += size
        yield Pairs(pairs.detection[rows], pairs.truth[rows], pairs.iou[rows])
