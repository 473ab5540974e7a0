"""Curves of a ranking: precision over recall, and both over the threshold of the score.

Shapes: `J` right detections, `K` detections of one label, `H` thresholds.
"""

import numpy as np

from deepfake_detector.metrics.ranked_detections import Ranking


def compute_precision_recall(ranking: Ranking, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Give recall and precision at right detections, at most `points` of them, evenly spread.

    Empty when nothing is right or there is no annotated face.
    """
    if ranking.truth_count == 0 or len(ranking.right) == 0:
        return np.zeros(0), np.zeros(0)
    count = np.arange(1, 1 + len(ranking.right))
    kept = np.unique(np.linspace(0, len(count) - 1, min(points, len(count))).round().astype(int))
    return (count / ranking.truth_count)[kept], (count / (ranking.right + 1))[kept]


def compute_over_threshold(
    ranking: Ranking, scores: np.ndarray, thresholds: np.ndarray
) -> dict[str, np.ndarray]:
    """Give `precision`, `recall` and `f1` [H] of the detections scored `threshold` or more.

    Args:
        scores: of all detections; the ranking picks its own.

    Returns:
        Precision is NaN where nothing scores that high; recall and F1 are NaN without any
        annotated face.
    """
    falling = scores[ranking.order]
    ranked = len(falling) - np.searchsorted(falling[::-1], thresholds)  # [H]
    right = np.searchsorted(ranking.right, ranked)  # right ones among the first `ranked`
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = right / ranked
        recall = right / np.full(len(thresholds), ranking.truth_count)
        f1 = 2 * right / (ranked + ranking.truth_count)
    f1 = np.where(ranking.truth_count > 0, f1, np.nan)
    return {"precision": precision, "recall": recall, "f1": f1}
