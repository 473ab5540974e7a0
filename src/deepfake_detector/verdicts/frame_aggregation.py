"""Rules that turn the fake shares of a track into features: few numbers that do not depend on
how many frames were analyzed.

All but `logistic` give one feature, in log-odds, higher for fakes. Shapes: `n` usable frames,
`F` features.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import logit

RuleName = Literal["mean", "confident_mean", "trimmed_log_odds", "top", "logistic"]

MIN_PROBABILITY = 1e-3  # a single frame's log-odds stay within ±7
TRIMMED = 0.2  # of the frames, at either end
TOP = 0.25  # of the frames


def compute_log_odds(fake_score: np.ndarray) -> np.ndarray:
    """Turn shares in 0-1 into log-odds, of the same shape."""
    return logit(np.clip(fake_score, MIN_PROBABILITY, 1 - MIN_PROBABILITY))


def mean(fake_scores: np.ndarray) -> np.ndarray:
    """The plain mean of the shares."""
    return compute_log_odds(np.array([fake_scores.mean()]))


def confident_mean(fake_scores: np.ndarray) -> np.ndarray:
    """The mean of the shares, a frame weighing the more, the further it is from one half."""
    weights = np.abs(fake_scores - 0.5) + 1e-6
    return compute_log_odds(np.array([np.average(fake_scores, weights=weights)]))


def top(fake_scores: np.ndarray) -> np.ndarray:
    """The mean of the highest quarter of the shares, at least one: a fake may slip but briefly."""
    count = max(1, round(TOP * len(fake_scores)))
    return compute_log_odds(np.array([np.sort(fake_scores)[-count:].mean()]))


def trimmed_log_odds(fake_scores: np.ndarray) -> np.ndarray:
    """The mean of the log-odds without the lowest and the highest fifth."""
    cut = int(TRIMMED * len(fake_scores))
    kept = np.sort(compute_log_odds(fake_scores))[cut : len(fake_scores) - cut]
    return np.array([kept.mean()])


def logistic(fake_scores: np.ndarray) -> np.ndarray:
    """Statistics for a logistic model: the middle, the top, the spread, the votes for fake."""
    spread = compute_log_odds(fake_scores).std()
    votes = np.mean(fake_scores > 0.5)
    return np.concatenate([trimmed_log_odds(fake_scores), top(fake_scores), [spread, votes]])


RULES: dict[RuleName, Callable[[np.ndarray], np.ndarray]] = {
    "mean": mean,
    "confident_mean": confident_mean,
    "trimmed_log_odds": trimmed_log_odds,
    "top": top,
    "logistic": logistic,
}
"""By name, the simpler ones first: fake shares [n] of at least one frame to features [F]."""
