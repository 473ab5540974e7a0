"""Which probability is called real or fake, for stated rates of false alarms and of missed fakes.

Likely fake begins where real videos end, and likely real where fakes end, each found alike. With
enough videos they are counted: the bound is the quantile that the next one exceeds at
the rate (Weibull's plotting position, definition 6 of Hyndman & Fan 1996). Fewer cannot support a
small rate that way; then their log-odds are taken for a bell curve, and the bound is that of
Student's prediction interval for the next one, or their highest, whichever is higher. A detector
that told validation videos apart no better than chance gets no answer at all. Shapes: `V` videos.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from deepfake_detector.config.schema import CalibrateParams
from deepfake_detector.metrics.classification import compute_auc


@dataclass(frozen=True)
class Thresholds:
    """Highest probability of likely real, lowest of likely fake, and what they rest on.

    Where no answer can be given they are 0 and 1, and `note` says why not. `counted_real` [V] are
    the real videos that the lowest of likely fake was counted on.
    """

    max_real_probability: float
    min_fake_probability: float
    note: str
    counted_real: np.ndarray


MIN_KIND_VIDEOS = 10
"""Validation fakes from which on a kind is counted apart: of each kind, as many may be missed."""


def choose_thresholds(
    is_fake: np.ndarray,
    probabilities: np.ndarray,
    params: CalibrateParams,
    kinds: np.ndarray | None = None,
) -> Thresholds:
    """Choose the thresholds from validation videos.

    Args:
        is_fake: bool [V].
        probabilities: [V], of models that did not know the video.
        kinds: texts [V], of a fake the kind of forgery, of a real video the kind of copy; may be
            empty. A kind with `MIN_KIND_VIDEOS` fakes, or with real videos enough to count the
            rate on, is bounded by itself as well, so that common kinds do not hide that another is
            missed, nor degraded copies that their originals are accused.
    """
    if is_fake.all() or not is_fake.any():
        note = "no real and fake videos of other sources were there to compare"
        return Thresholds(0.0, 1.0, note, ~is_fake)
    auc, error = compute_auc(is_fake, probabilities), compute_chance_error(is_fake)
    if auc < 0.5 + error:
        pairs = f"right in {auc:.0%} of pairs"
        note = f"validation videos were told apart no better than by chance, {pairs}"
        return Thresholds(0.0, 1.0, note, ~is_fake)
    alarms, misses = params.max_false_positive_rate, params.max_false_negative_rate
    reals = list_kinds(~is_fake, kinds, "real", math.ceil(1 / alarms - 1))
    (min_fake_probability, of_real), counted = max(
        (choose_threshold(probabilities[videos], alarms, name), name)
        for name, videos in reals.items()
    )
    real_from, of_fake = max(
        choose_threshold(1 - probabilities[fakes], misses, name)
        for name, fakes in list_kinds(is_fake, kinds, "fake", MIN_KIND_VIDEOS).items()
    )
    sure = 0.5 + params.abstain_margin
    note = f"{alarms:.0%} false alarms: {of_real}\n{misses:.0%} missed fakes: {of_fake}"
    return Thresholds(
        1 - max(real_from, sure), max(min_fake_probability, sure), note, reals[counted]
    )


def list_kinds(
    is_label: np.ndarray, kinds: np.ndarray | None, label: str, min_videos: int
) -> dict[str, np.ndarray]:
    """List which videos [V] have a label, all of them and each kind with enough to count apart."""
    chosen = {label: is_label}
    for kind in sorted(set(kinds[is_label])) if kinds is not None else []:
        of_kind = is_label & (kinds == kind)
        if kind and min_videos <= of_kind.sum() < is_label.sum():
            chosen[f"{kind} {label}"] = of_kind
    return chosen


def compute_chance_error(is_fake: np.ndarray) -> float:
    """Compute the standard error that the AUC of guesses has (Mann and Whitney 1947)."""
    fake = np.count_nonzero(is_fake)
    real = len(is_fake) - fake
    return math.sqrt((fake + real + 1) / (12 * fake * real))


def choose_threshold(probabilities: Sequence[float], rate: float, label: str) -> tuple[float, str]:
    """Choose the least probability from which a video is called other than its label.

    Args:
        probabilities: that they are other than their label, of videos of one label that the model
            was not fitted on; at least one.
        rate: share of such videos that may be called so, 0 < rate < 1.
        label: of them, for the words.

    Returns:
        The threshold, and in words what it rests on.
    """
    ordered = np.sort(probabilities)
    count = len(ordered)
    videos = f"{count} {label} validation video{'' if count == 1 else 's'}"
    rank = (count + 1) * (1 - rate)  # of the bound among them, from 1
    if rank <= count:
        bound = np.interp(rank, np.arange(1, count + 1), ordered)
        return _next_above(bound), f"counted on {videos}"
    best = f"counting supports {1 / (count + 1):.0%} at best"
    if count < 2:
        return _next_above(ordered[-1]), f"above {videos}; {best}"
    bound = max(_bound_next(logit(ordered), rate), ordered[-1])
    return _next_above(bound), f"bell curve of {videos}; {best}"


def _bound_next(log_odds: np.ndarray, rate: float) -> float:
    """Give the probability that the next video exceeds at the rate, were log-odds normal."""
    from scipy.stats import t

    count = len(log_odds)
    margin = t.ppf(1 - rate, count - 1) * np.std(log_odds, ddof=1) * math.sqrt(1 + 1 / count)
    return float(expit(log_odds.mean() + margin))


def _next_above(probability: float) -> float:
    """Give the next number above, so that a video as high as the highest one is not called so."""
    return float(min(np.nextafter(probability, 1), 1.0))
