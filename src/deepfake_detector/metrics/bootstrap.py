"""95 % intervals: how much a figure would move with other videos (bootstrap; Efron 1979).

Frames of one video are nearly copies of each other, so whole groups (videos, or the sources they
were made from) are drawn with replacement. Matching is done once; a draw only weighs the groups.
Shapes: `G` groups, `D` draws, `J` right detections, `K` detections of one label.
"""

import numpy as np

from deepfake_detector.metrics.ranked_detections import Ranking

CHUNK = 8_000_000
"""Numbers held at once while draws are worked through."""


def sample_weights(groups: int, n_bootstrap: int, generator: np.random.Generator) -> np.ndarray:
    """Draw how often each group occurs in each resampled test set: [D, G]."""
    return generator.multinomial(groups, np.full(groups, 1 / groups), size=n_bootstrap)


def resample_area(
    ranking: Ranking, group: np.ndarray, truth_group: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Compute the VOC area AP of every draw.

    Args:
        group: of every detection in the ranking's order [K].
        truth_group: of every annotated face of the label.
        weights: [D, G].

    Returns:
        [D], NaN where a draw has no annotated face of the label.
    """
    truth_counts = np.bincount(truth_group, minlength=weights.shape[1]) @ weights.T  # [D]
    draws_at_once = max(1, CHUNK // max(1, len(ranking.right)))
    sums = [
        _sum_precision(ranking.right, group, weights[first : first + draws_at_once])
        for first in range(0, len(weights), draws_at_once)
    ]
    return _divide(np.concatenate(sums), truth_counts)


def resample_ratio(part: np.ndarray, whole: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute part / whole of every draw [D] from the counts of every group [G]."""
    return _divide(weights @ part, weights @ whole)


def find_interval(values: np.ndarray) -> tuple[float, float]:
    """Give the 2.5 and 97.5 percentiles of the draws that have a value; NaN if none has."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _sum_precision(right: np.ndarray, group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum the envelope over right detections, weighted: [D]."""
    if len(right) == 0:
        return np.zeros(len(weights))
    ranked = _count_ranked(right, group, weights)  # [J, D]
    weight = weights.T[group[right]]  # [J, D]
    precision = np.cumsum(weight, axis=0) / np.maximum(ranked, 1)
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return np.sum(weight * envelope, axis=0)


def _count_ranked(right: np.ndarray, group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Count the weighted detections up to each right one, itself included: [J, D]."""
    ranked = np.zeros((len(right), len(weights)))
    between = np.searchsorted(right, np.arange(right[-1] + 1))  # [K']
    groups_at_once = max(1, CHUNK // len(right))
    for first in range(0, weights.shape[1], groups_at_once):
        some = weights[:, first : first + groups_at_once]
        local = group[: len(between)] - first
        is_here = (local >= 0) & (local < some.shape[1])
        cell = between[is_here] * some.shape[1] + local[is_here]
        counts = np.bincount(cell, minlength=len(right) * some.shape[1])
        counts = np.cumsum(counts.reshape(len(right), -1), axis=0, dtype=np.float64)
        ranked += counts @ some.T.astype(np.float64)
    return ranked


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
