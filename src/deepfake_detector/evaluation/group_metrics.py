"""Metrics of verdicts by group: forgery method, kind of forgery, data set, quality.

Intervals are 95 %, by drawing people (all videos of a person together). Shapes: `V` videos,
`D` draws.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import scipy.stats

from deepfake_detector.metrics.bootstrap import find_interval, sample_weights
from deepfake_detector.metrics.classification import compute_auc

COLUMNS = ["group", "videos", "people", "metric", "value", "ci95_low", "ci95_high"]

Rates = dict[str, Callable[[pd.DataFrame], pd.Series]]

RATES: Rates = {
    "called likely fake": lambda videos: videos["answer"] == "likely fake",
    "called likely real": lambda videos: videos["answer"] == "likely real",
    "answered": lambda videos: videos["answer"] != "cannot tell",
}
"""What is counted of a group's videos, each as a fraction of all of them."""


def measure_groups(
    verdicts: pd.DataFrame, by: str, n_bootstrap: int, seed: int, rates: Rates = RATES
) -> pd.DataFrame:
    """Measure each group of a column, and for fakes their AUC against all real videos.

    Args:
        verdicts: `person, label, answer, probability` (NaN where there is none) and `by`, one row
            a video; rows with an empty `by` belong to no group.
        rates: what is counted; without any, `answer` need not be there.

    Returns:
        `COLUMNS`, one row for each group and metric; empty without a group.
    """
    real = verdicts[verdicts["label"] == "real"]
    rows = []
    for group, videos in verdicts[verdicts[by] != ""].groupby(by, sort=True):
        measured = {name: (rate(videos).astype(float), videos) for name, rate in rates.items()}
        for metric, (values, own) in measured.items():
            value, low, high = _measure_mean(values.to_numpy(), own, n_bootstrap, seed)
            rows.append((group, len(own), own["person"].nunique(), metric, value, low, high))
        if (videos["label"] == "fake").all() and len(real):
            both = pd.concat([videos, real])
            value, low, high = measure_auc(both, n_bootstrap, seed)
            people = videos["person"].nunique()
            rows.append((group, len(videos), people, "AUC", value, low, high))
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_auc(verdicts: pd.DataFrame, n_bootstrap: int, seed: int) -> tuple[float, float, float]:
    """Return the AUC of videos with a probability and its interval; NaN without both labels."""
    known = verdicts[verdicts["probability"].notna()]
    is_fake = (known["label"] == "fake").to_numpy()
    scores = known["probability"].to_numpy(float)
    drawn = [
        compute_auc(is_fake[rows], scores[rows])
        for rows in _draw(known["person"], n_bootstrap, seed)
    ]
    return compute_auc(is_fake, scores), *find_interval(np.array(drawn, float))


def measure_correlations(
    verdicts: pd.DataFrame, columns: Iterable[str], n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Measure how far the scores of real videos follow how they were filmed.

    Spearman's rank correlation of `score` with each column; a detector that is fair to cameras
    has about 0.

    Args:
        verdicts: `person, label, score` and `columns`, one row a video; NaN where not measured.

    Returns:
        `COLUMNS`, one row for each of `columns`; NaN with fewer than 3 real videos.
    """
    real = verdicts[verdicts["label"] == "real"]
    rows = []
    for column in columns:
        known = real[real[["score", column]].notna().all(axis=1)]
        ranked = known["score"].to_numpy(float), known[column].to_numpy(float)
        drawn = [
            _correlate(*(values[rows_drawn] for values in ranked))
            for rows_drawn in _draw(known["person"], n_bootstrap, seed)
        ]
        interval = find_interval(np.array(drawn, float))
        people = known["person"].nunique()
        metric = f"rank correlation with {column}"
        rows.append(("real videos", len(known), people, metric, _correlate(*ranked), *interval))
    return pd.DataFrame(rows, columns=COLUMNS)


def _correlate(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(first, second).statistic)


def compute_precision(true_rate: float, false_rate: float, prevalence: float) -> float:
    """Compute how many of the videos called fake are fake, by Bayes' rule; NaN without any call.

    Args:
        true_rate: of fakes that are called fake.
        false_rate: of real videos that are called fake.
        prevalence: of fakes among all videos.
    """
    called = true_rate * prevalence + false_rate * (1 - prevalence)
    return true_rate * prevalence / called if called else float("nan")


def _measure_mean(values: np.ndarray, videos: pd.DataFrame, n_bootstrap: int, seed: int):
    drawn = [
        values[rows].mean() if len(rows) else np.nan
        for rows in _draw(videos["person"], n_bootstrap, seed)
    ]
    return float(values.mean()), *find_interval(np.array(drawn, float))


def _draw(person: pd.Series, n_bootstrap: int, seed: int):
    """Yield the rows of each draw of people."""
    people, group = np.unique(person.astype(str), return_inverse=True)
    generator = np.random.default_rng(seed)
    weights = sample_weights(len(people), n_bootstrap, generator) if len(people) else []
    for weight in weights:
        yield np.repeat(np.arange(len(group)), weight[group])
