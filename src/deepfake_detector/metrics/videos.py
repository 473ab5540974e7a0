"""How good one score per video is: ranking, probabilities, and a fake against its own original.

A score is the probability that the video is fake. Every figure is computed for many weightings of
the videos at once, so that one call gives it (weights of one) or its resamples.
Shapes: `V` videos, `D` weightings, `R` real videos, `F` fake ones, `P` pairs, `E` bins.
"""

import numpy as np

from deepfake_detector.metrics.intervals import resample_share

CALIBRATION_BINS = 5
"""Bins of equal width: a dozen videos fill no more."""

LEAST_PROBABILITY = 1e-3
"""The log loss takes a score for no surer than this."""


def compute_auc(score: np.ndarray, is_fake: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute how often a fake video scores above a real one; equal scores count half.

    Args:
        score, is_fake: [V].
        weights: [D, V].

    Returns:
        [D], NaN where a weighting lacks real or fake videos.
    """
    above = _compare(score[is_fake][:, None], score[~is_fake][None])  # [F, R]
    fake, real = weights[:, is_fake], weights[:, ~is_fake]  # [D, F], [D, R]
    won = np.einsum("df,fr,dr->d", fake, above, real)
    return _divide(won, fake.sum(axis=1) * real.sum(axis=1))


def compute_pair_order(
    score: np.ndarray, is_fake: np.ndarray, source: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Compute how often a fake scores above a real video of its own source.

    Args:
        source: [V], anything that can be compared.

    Returns:
        [D], NaN where there is no such pair. A pair weighs as its fake does.
    """
    fake, real = np.nonzero(is_fake[:, None] & ~is_fake & (source[:, None] == source))  # [P]
    won = _compare(score[fake], score[real])
    return _divide(weights[:, fake] @ won, weights[:, fake].sum(axis=1))


def compute_log_loss(score: np.ndarray, is_fake: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the mean of -log(probability of what is true), in nats: [D]."""
    right = np.clip(np.where(is_fake, score, 1 - score), LEAST_PROBABILITY, 1)
    return resample_share(-np.log(right), np.ones(len(score)), weights)


def compute_calibration_error(
    score: np.ndarray, is_fake: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Compute the expected calibration error (Naeini et al. 2015) in equal bins of the score.

    Returns:
        [D]: the mean distance of a bin's mean score from its share of fakes.
    """
    number = np.minimum((score * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = np.eye(CALIBRATION_BINS)[number]  # [V, E]
    gaps = np.abs(weights @ (bins * (is_fake - score)[:, None]))  # [D, E]
    return _divide(gaps.sum(axis=1), weights.sum(axis=1))


def _compare(score: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Give 1 where a score is above the other, ½ where they are equal, 0 where it is below."""
    return (score > other) + 0.5 * (score == other)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
