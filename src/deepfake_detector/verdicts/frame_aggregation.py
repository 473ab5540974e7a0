"""Rules that turn the fake shares of a track into features: few numbers that do not depend on
how many frames were looked at.

All but `logistic` give one feature, in log-odds, higher for fakes. Shapes: `n` usable frames,
`F` features.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

RuleName = Literal["mean", "confident_mean", "trimmed_log_odds", "top", "logistic"]

SMALLEST_SHARE = 1e-3  # a single frame's log-odds stay within ±7
TRIMMED = 0.2  # of the frames, at either end
TOP = 0.25  # of the frames


def compute_log_odds(share: np.ndarray) -> np.ndarray:
    """Turn shares in 0-1 into log-odds, of the same shape."""
    share = np.clip(share, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
    return np.log(share / (1 - share))


def mean(shares: np.ndarray) -> np.ndarray:
    """The plain mean of the shares."""
    return compute_log_odds(np.array([shares.mean()]))


def confident_mean(shares: np.ndarray) -> np.ndarray:
    """The mean of the shares, a frame weighing the more, the further it is from one half."""
    weights = np.abs(shares - 0.5) + 1e-6
    return compute_log_odds(np.array([np.average(shares, weights=weights)]))


def top(shares: np.ndarray) -> np.ndarray:
    """The mean of the highest quarter of the shares, at least one: a fake may slip but briefly."""
    count = max(1, round(TOP * len(shares)))
    return compute_log_odds(np.array([np.sort(shares)[-count:].mean()]))


def trimmed_log_odds(shares: np.ndarray) -> np.ndarray:
    """The mean of the log-odds without the lowest and the highest fifth."""
    cut = int(TRIMMED * len(shares))
    kept = np.sort(compute_log_odds(shares))[cut : len(shares) - cut]
    return np.array([kept.mean()])


def logistic(shares: np.ndarray) -> np.ndarray:
    """Statistics for a logistic model: the middle, the top, the spread, the votes for fake."""
    spread = compute_log_odds(shares).std()
    votes = np.mean(shares > 0.5)
    return np.concatenate([trimmed_log_odds(shares), top(shares), [spread, votes]])


RULES: dict[RuleName, Callable[[np.ndarray], np.ndarray]] = {
    "mean": mean,
    "confident_mean": confident_mean,
    "trimmed_log_odds": trimmed_log_odds,
    "top": top,
    "logistic": logistic,
}
"""By name, the simpler ones first: fake shares [n] of at least one frame to features [F]."""
