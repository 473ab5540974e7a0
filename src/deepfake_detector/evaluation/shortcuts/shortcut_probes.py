"""Does something other than the face tell real from fake? Trivial classifiers as probes.

Each cue (file size, codec, frame rate, ...) gets a ridge regression, fitted on the train split and
read on the test split. A data set in which one of them works teaches a detector the wrong thing,
and its figures mean little. Whether one beats chance is decided by permuting the labels of the
test split: within a source, and between sources of as many rows; so a few sources warn only where
they can bear it. All cues are permuted together and compared with the best of them (Westfall &
Young 1993), so that ten probes do not warn ten times as often as one.
Shapes: `U` rows of test, `F` features, `D` permutations.
"""

import numpy as np
import pandas as pd

PERMUTATIONS = 2000
LEVEL = 0.05
"""Probability of warning where nothing leaks."""

RIDGE = 1.0
"""On weights of standard features whose variances add up to 1."""

NOT_FEATURES = ["video", "source", "is_fake"]
COLUMNS = ["feature", "auc", "accuracy", "auc_by_chance", "p_value"]


def probe_shortcuts(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Measure how well each cue tells fakes from real ones on test.

    Args:
        train, test: `video, source, is_fake` and features named `feature.feature`.

    Returns:
        `feature, auc, accuracy, auc_by_chance, p_value`, the most telling cue first: `accuracy` is
        the mean of both labels', `auc_by_chance` the 95th percentile of the permutations,
        `p_value` the probability of so good an AUC of the best cue without any leak. Without a
        row where train or test lacks a label.
    """
    if train["is_fake"].nunique() < 2 or test["is_fake"].nunique() < 2:
        return pd.DataFrame(columns=COLUMNS)
    labels = test["is_fake"].to_numpy(bool)
    permuted = permute_labels(
        labels, test["source"].to_numpy(), np.random.default_rng(seed)
    )  # [D, U]
    feature_names = dict.fromkeys(name.split(".")[0] for name in test if name not in NOT_FEATURES)
    scores = {feature: _fit_and_score(train, test, feature) for feature in feature_names}
    by_chance = np.stack([_compute_aucs(score, permuted) for score in scores.values()])
    rows = []
    for score, drawn, feature in zip(scores.values(), by_chance, feature_names, strict=True):
        auc = _compute_aucs(score, labels[None])[0]
        accuracy = ((score[labels] > 0).mean() + (score[~labels] <= 0).mean()) / 2
        better = np.count_nonzero(by_chance.max(axis=0) >= auc - 1e-9)
        p_value = (1 + better) / (1 + len(permuted))
        rows.append((feature, auc, accuracy, np.percentile(drawn, 95), p_value))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("auc", ascending=False, kind="stable", ignore_index=True)


def permute_labels(
    labels: np.ndarray, source: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw labels that mean nothing.

    Each source takes over the labels of a drawn one, in random order, repeated or cut to its own
    number of rows.

    Args:
        labels, source: [U].

    Returns:
        bool [D, U]; draws in which all labels are alike are left out.
    """
    groups = [np.flatnonzero(source == name) for name in np.unique(source)]
    drawn = np.zeros((PERMUTATIONS, len(labels)), bool)
    for row in drawn:
        for group, other in zip(groups, generator.permutation(len(groups)), strict=True):
            taken = generator.permutation(labels[groups[other]])
            row[group] = generator.permutation(np.resize(taken, len(group)))
    return drawn[drawn.any(axis=1) & ~drawn.all(axis=1)]


def _fit_and_score(train: pd.DataFrame, test: pd.DataFrame, feature: str) -> np.ndarray:
    """Fit one cue on train; give the scores of test [U], above 0 for fake."""
    names = [name for name in train if name.split(".")[0] == feature]
    features = train[names].to_numpy(float)
    center, spread = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
    scale = np.where(spread > 1e-9, spread, np.inf) * np.sqrt(len(names))
    known, asked = (
        np.nan_to_num((table.reindex(columns=names).to_numpy(float) - center) / scale)
        for table in (train, test)
    )
    is_fake = train["is_fake"].to_numpy(bool)
    weight = np.where(is_fake, 1 / is_fake.sum(), 1 / (~is_fake).sum()) * len(is_fake) / 2
    middle = np.average(known, axis=0, weights=weight)  # half-way between both labels
    rows = known - middle
    gram = (rows.T * weight) @ rows + RIDGE * np.eye(len(names))
    solution = np.linalg.solve(gram, rows.T @ (weight * np.where(is_fake, 1, -1)))
    return (asked - middle) @ solution


def _compute_aucs(score: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the AUC of one scoring [U] for many labellings [D, U] with both labels."""
    _, place, count = np.unique(score.round(9), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # the mean one of equal scores
    fakes = labels.sum(axis=1)
    return (labels @ ranks - fakes * (fakes + 1) / 2) / (fakes * (labels.shape[1] - fakes))


def shortcuts_to_metrics(probes: pd.DataFrame) -> dict[str, float]:
    """Give `shortcut_auc_frame_rate`, ..., and how many cues tell more than chance does."""
    metrics = {}
    for row in probes.itertuples():
        name = row.feature.replace(" ", "_")
        metrics[f"shortcut_auc_{name}"] = float(row.auc)
        metrics[f"shortcut_accuracy_{name}"] = float(row.accuracy)
        metrics[f"shortcut_p_{name}"] = float(row.p_value)
    return metrics | {"shortcuts": int((probes["p_value"] < LEVEL).sum())}


def shortcuts_to_text(metrics: dict) -> str:
    """Say what the probes found, with a warning where one beats chance; empty without probes."""
    prefix = "shortcut_auc_"
    names = [name.removeprefix(prefix) for name in metrics if name.startswith(prefix)]
    if not names:
        return ""
    listed = ", ".join(f"{name.replace('_', ' ')} {metrics[prefix + name]:.2f}" for name in names)
    lines = [f"Without the face (AUC of trivial classifiers, chance 0.5): {listed}"]
    leaks = [name for name in names if metrics[f"shortcut_p_{name}"] < LEVEL]
    if leaks:
        told = ", ".join(
            f"{name.replace('_', ' ')} (p = {metrics[f'shortcut_p_{name}']:.3f})" for name in leaks
        )
        lines.append(
            f"WARNING: the data leaks. On test, real is told from fake by {told}, and a detector "
            "may have learned that instead of faces. Make real and fake videos alike in it."
        )
    return "\n".join(lines)
