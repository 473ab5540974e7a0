"""Metrics of videos by forgery method, kind of method and data set, as the stages report them."""

import math
from collections import defaultdict

import pandas as pd

from deepfake_detector.common.tables import METHOD_COLUMNS
from deepfake_detector.evaluation.group_metrics import (
    COLUMNS,
    RATES,
    Rates,
    measure_auc,
    measure_groups,
)

ABOUT = ["video", "person", *METHOD_COLUMNS]
"""What is known of a video beside its label."""

TITLES = {"method": "method", "method_group": "kind of method", "dataset": "data set"}


def describe_videos(videos: pd.DataFrame) -> pd.DataFrame:
    """Return `ABOUT` of the videos of a split, by their names; a person is identity or source.

    Args:
        videos: a table of the stage `split`.
    """
    return videos.assign(person=name_people(videos))[ABOUT].set_index("video")


def name_people(videos: pd.DataFrame) -> pd.Series:
    """Name whose videos are drawn together: the identity, or the source where it is empty."""
    return videos["identity"].where(videos["identity"] != "", videos["source"])


def measure_methods_and_sets(
    verdicts: pd.DataFrame, n_bootstrap: int, seed: int, rates: Rates = RATES
) -> pd.DataFrame:
    """Measure fakes by method and by kind, and each label of each data set.

    Args:
        verdicts: as `measure_groups` takes them, with `METHOD_COLUMNS`; videos without a label are
            left out.

    Returns:
        `by` and `COLUMNS`. The AUC of a method is against all real videos, that of a data set
        within it. Empty where no column is filled in.
    """
    known = verdicts[verdicts["label"] != ""]
    is_fake, has_set = known["label"] == "fake", known["dataset"] != ""
    named = known.assign(
        method=known["method"].where(is_fake, ""),
        method_group=known["method_group"].where(is_fake, ""),
        dataset=(known["dataset"] + ", " + known["label"]).where(has_set, ""),
    )
    tables = [
        measure_groups(named, by, n_bootstrap, seed, rates).assign(by=by) for by in METHOD_COLUMNS
    ]
    within = _measure_sets(known[has_set], n_bootstrap, seed)
    whole = pd.concat([*tables, within], ignore_index=True)
    is_doubled = (whole["by"] == "dataset") & (whole["metric"] == "AUC")
    is_doubled &= whole["group"].str.endswith(", fake")  # of another data set's real videos, too
    return whole[~is_doubled][["by", *COLUMNS]].reset_index(drop=True)


def _measure_sets(known: pd.DataFrame, n_bootstrap: int, seed: int) -> pd.DataFrame:
    """Measure the AUC within each data set that has both labels."""
    rows = [
        (name, len(own), own["person"].nunique(), "AUC", *measure_auc(own, n_bootstrap, seed))
        for name, own in known.groupby("dataset", sort=True)
        if own["label"].nunique() == 2
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(by="dataset")


def groups_to_text(groups: pd.DataFrame) -> str:
    """Make the table for people; empty where no method and no data set is named."""
    if groups.empty:
        return ""
    metrics = list(dict.fromkeys(groups["metric"]))
    rows = defaultdict(dict)
    for row in groups.itertuples():
        counts = f"{row.videos} videos, {row.people} people"
        rows[TITLES[row.by], row.group, counts][row.metric] = _cell_to_text(row)
    width = 2 + max(len(group) for _, group, _ in rows)
    head = f"{'':<16}{'':<{width}}{'':<24}" + "".join(f"{name:<22}" for name in metrics).rstrip()
    lines = [
        f"{title:<16}{group:<{width}}{counts:<24}"
        + "".join(f"{cells.get(name, ''):<22}" for name in metrics).rstrip()
        for (title, group, counts), cells in rows.items()
    ]
    return "\n".join([head, *lines, "95 % intervals by drawing people."])


def _cell_to_text(row) -> str:
    if math.isnan(row.value):
        return "n/a"
    if math.isnan(row.ci95_low):
        return f"{row.value:.2f}"
    return f"{row.value:.2f} ({row.ci95_low:.2f}-{row.ci95_high:.2f})"
