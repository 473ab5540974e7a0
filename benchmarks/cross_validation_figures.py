"""How well a face classifier tells those left out of its training: a table of frame AUCs."""

import numpy as np
import pandas as pd

LEFT_OUT, VALIDATION = "left out", "validation"
DRAWS = 1000


def deal_parts(train: pd.DataFrame, parts: int, seed: int) -> list[set[str]]:
    """Deal the sources that have a fake to so many parts, of about as many sources each.

    Sources that share an identity go to one part: no forger that is left out was seen elsewhere.

    Raises:
        ValueError: there are fewer such groups of sources than parts.
    """
    from deepfake_detector.data.splits.assignment import find_components

    component = find_components(train)
    has_fake = train["labels"].str.contains("fake").groupby(component).transform("any")
    groups = [set(group) for _, group in train["source"][has_fake].groupby(component[has_fake])]
    if len(groups) < parts:
        raise ValueError(f"{len(groups)} identities with a fake in the train split, {parts} parts")
    np.random.default_rng(seed).shuffle(groups)
    assigned: list[set[str]] = [set() for _ in range(parts)]
    for group in sorted(groups, key=len, reverse=True):
        min(assigned, key=len).update(group)
    return assigned


def make_table(scores: pd.DataFrame, other: pd.DataFrame | None) -> pd.DataFrame:
    """Make the table of frame AUCs: a row for each set and part, and for what they have in common.

    Raises:
        ValueError: the other recipe's parts are not of the same sources.
    """
    aucs = measure(scores)
    means = aucs.groupby(level="set", sort=False).mean()
    means.index = pd.MultiIndex.from_product([means.index, ["mean"]], names=aucs.index.names)
    rows = [aucs, means]
    if other is not None:
        rows += [compare(scores, other)]
    return pd.concat(rows).sort_index(level="set", sort_remaining=False)


def measure(scores: pd.DataFrame) -> pd.DataFrame:
    """Measure the frame AUC of each set and part, a column a picture."""
    from deepfake_detector.metrics.classification import compute_auc

    groups = scores.groupby(["set", "part", "picture"], sort=False)
    aucs = {
        key: compute_auc(group["is_fake"].to_numpy(bool), group["logit"].to_numpy())
        for key, group in groups
    }
    table = pd.Series(aucs).unstack()[list(scores["picture"].unique())]
    return table.rename_axis(["set", "part"])


def compare(scores: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Give the difference of the means to another recipe's, and the ends of its 95 % interval."""
    from deepfake_detector.metrics.bootstrap import find_interval

    key = ["set", "part", "picture", "video", "source", "is_fake"]
    if not set(key) <= set(other) or not scores[key].equals(other[key]):
        raise ValueError("the other recipe was measured with other data or parts")
    both = scores.assign(other=other["logit"].to_numpy())
    generator = np.random.default_rng(0)
    n_bootstrap = [_differ(draw_sources(both, generator)) for _ in range(DRAWS)]
    difference, columns = _differ(both), list(scores["picture"].unique())
    rows = {}
    for name in difference.index:
        values = np.array(
            [draw.loc[name, columns] for draw in n_bootstrap], float
        )  # [D, pictures]
        low, high = zip(*(find_interval(column) for column in values.T), strict=True)
        rows |= {
            (name, "difference"): list(difference.loc[name, columns]),
            (name, "from"): low,
            (name, "to"): high,
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).set_index(
        pd.MultiIndex.from_tuples(rows, names=["set", "part"])
    )


def draw_sources(scores: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Draw as many sources of each part, and of validation, as there are, with replacement."""
    stratum = scores["part"].where(scores["set"] == LEFT_OUT, 0)  # validation is one for all parts
    drawn = []
    for _, rows in scores.groupby(stratum):
        places = rows.groupby("source").indices
        names = generator.choice(list(places), len(places))
        drawn.append(rows.iloc[np.concatenate([places[name] for name in names])])
    return pd.concat(drawn)


def _differ(both: pd.DataFrame) -> pd.DataFrame:
    ours, others = (
        measure(both.assign(logit=both[name])).groupby(level="set", sort=False).mean()
        for name in ("logit", "other")
    )
    return ours - others
