"""How good probabilities are: ranking, log loss, equal error rate, calibration.

What cannot be measured (no video, or none of one label) is NaN. Shapes: `V` videos, `K` bins.
"""

import numpy as np
import pandas as pd

SMALLEST = 1e-6
MAX_BINS = 10


def compute_auc(is_fake: np.ndarray, scores: np.ndarray) -> float:
    """Compute the area under the ROC curve: how often a fake [V] scores higher than a real one.

    Equal scores count half.
    """
    fake, real = scores[is_fake], scores[~is_fake]
    if len(fake) == 0 or len(real) == 0:
        return float("nan")
    ordered = np.sort(real)
    below = np.searchsorted(ordered, fake, side="left")
    not_above = np.searchsorted(ordered, fake, side="right")
    return float(np.mean((below + not_above) / 2) / len(real))


def compute_log_loss(is_fake: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the mean of -log of the probability given to the truth; ln 2 knows nothing."""
    if len(is_fake) == 0:
        return float("nan")
    probabilities = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    return float(-np.mean(np.log(np.where(is_fake, probabilities, 1 - probabilities))))


def compute_eer(is_fake: np.ndarray, scores: np.ndarray) -> float:
    """Compute the rate at which as many real ones are called fake as fakes are missed.

    Where no threshold makes both equal, it is where the lines between thresholds cross.
    """
    fake, real = np.sort(scores[is_fake]), np.sort(scores[~is_fake])
    if len(fake) == 0 or len(real) == 0:
        return float("nan")
    thresholds = np.append(np.unique(scores), np.inf)  # called fake from a threshold on
    missed = np.searchsorted(fake, thresholds) / len(fake)  # rising
    alarms = 1 - np.searchsorted(real, thresholds) / len(real)  # falling
    after = int(np.argmax(missed >= alarms))
    if after == 0:
        return float(missed[0])
    gap_before = alarms[after - 1] - missed[after - 1]
    gap_after = missed[after] - alarms[after]
    fraction = gap_before / (gap_before + gap_after)
    return float(missed[after - 1] + fraction * (missed[after] - missed[after - 1]))


def compute_ece(is_fake: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the mean distance between what was said and what came true, bin by bin.

    (Expected calibration error; Naeini et al. 2015, with the bins of `make_reliability`.)
    """
    if len(is_fake) == 0:
        return float("nan")
    said, true, _ = _fill_bins(is_fake, probabilities)
    return float(np.abs(said - true).sum() / len(is_fake))


def compute_ece_if_calibrated(probabilities: np.ndarray, n_bootstrap: int, seed: int) -> float:
    """Compute the calibration error that so few videos show though every probability is right.

    The mean over draws of labels by the probabilities themselves; NaN without videos or draws.
    """
    if len(probabilities) == 0 or n_bootstrap < 1:
        return float("nan")
    thrown = np.random.default_rng(seed).random((n_bootstrap, len(probabilities)))
    is_fake = thrown < probabilities
    return float(np.mean([compute_ece(row, probabilities) for row in is_fake]))


def make_reliability(is_fake: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Make `probability, fake_score, videos`: what was said and what came true, bin by bin.

    Bins hold about as many videos each, in the order of their probability, and are about as many
    as the videos in one: the root of V, at most ten. Equal probabilities are never parted.
    """
    said, true, videos = _fill_bins(is_fake, probabilities)
    columns = {"probability": said / videos, "fake_score": true / videos, "videos": videos}
    return pd.DataFrame(columns)


def _fill_bins(is_fake: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sum probabilities, fakes and videos in each bin that has any: three arrays [K]."""
    total = len(probabilities)
    count = min(MAX_BINS, max(1, round(np.sqrt(total))))
    rank = np.searchsorted(np.sort(probabilities), probabilities)  # equal ones have the same
    place = rank * count // max(1, total)
    videos = np.bincount(place, minlength=count)
    sums = [np.bincount(place, weights, count) for weights in (probabilities, is_fake)]
    return *(one[videos > 0] for one in sums), videos[videos > 0]
