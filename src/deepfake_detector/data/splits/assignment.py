"""Splitting videos by the people and clips they come from.

Videos that share a source or an identity, directly or through others, are one component and never
cross splits. Sources and identities are names in one namespace, and so are the videos' own names:
a fake whose `source` is the file name of another video is linked to it. Components are dealt by a
greedy, seeded form of stratification (after Sechidis et al. 2011), so that every split gets both
labels where that is possible. Shapes: `V` videos, `K` components.
"""

from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.config.schema import SplitParams
from deepfake_detector.data.splits.split_names import SPLITS

_COUNTED = ["sources", "videos", "real", "fake", "frames"]
"""What is shared out: components, videos, real faces, fake faces and frames."""

_MISSING = {"train": 1e6, "test": 1e4, "validation": 1e3}
"""The cost of a split without videos; a hundredth of it without a label. Train comes first."""

_MAX_ATTEMPTS = 200
_COMPONENTS_TRIED = 20_000  # attempts times components, a bound on time


def find_components(videos: pd.DataFrame) -> np.ndarray:
    """Give every video [V] the number of its component, in the order of their first videos."""
    parents: dict[str, str] = {}

    def find(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    for row in videos.itertuples():
        first, *others = _list_names(row)
        for other in others:
            parents[find(other)] = find(first)
    roots = [find(_list_names(row)[0]) for row in videos.itertuples()]
    return pd.factorize(np.array(roots, object))[0]


def find_leaking_pins(videos: pd.DataFrame) -> list[str]:
    """Say which components are pinned to more than one split, naming their pinned videos."""
    pinned = videos.assign(component=find_components(videos))
    pinned = pinned[pinned["split"] != ""]
    return [
        "linked by source or identity, yet pinned to different splits: "
        + ", ".join(f"{row.video} ({row.split})" for row in group.itertuples())
        for _, group in pinned.groupby("component")
        if group["split"].nunique() > 1
    ]


def assign_splits(videos: pd.DataFrame, params: SplitParams, seed: int) -> list[str]:
    """Give every video the name of its split.

    Args:
        videos: `video, source, identity, split` (a pin, or empty) and the numbers `real`, `fake`
        (faces)
            and `frames`.

    Returns:
        [V] names.

    Raises:
        ValueError: pins leak, there are not enough components, or train lacks a label.
    """
    leaks = find_leaking_pins(videos)
    if leaks:
        raise ValueError("; ".join(leaks) + "; correct `split` in data/videos.csv")
    counted = videos.assign(component=find_components(videos), videos=1, sources=0)
    components = counted.groupby("component")[_COUNTED].sum().assign(sources=1)
    pins = counted.groupby("component")["split"].max()
    assigned = _assign_components(components, pins.map(_split_to_index).to_numpy(), params, seed)
    _check_assigned(components, assigned)
    return [SPLITS[assigned[component]] for component in counted["component"]]


def _list_names(row) -> list[str]:
    names = [row.video, PurePosixPath(row.video).stem, row.source, row.identity]
    return [name.strip().casefold() for name in names if name.strip()]


def _split_to_index(split: str) -> int:
    return SPLITS.index(split) if split else -1


def _assign_components(components: pd.DataFrame, pins: np.ndarray, params: SplitParams, seed: int):
    """Give the cheapest of many greedy deals: the index of a split for each component [K]."""
    counts = components.to_numpy(float)  # [K, 5]
    counts = counts / np.maximum(counts.sum(axis=0), 1)
    wanted = np.array([getattr(params, split) for split in SPLITS])[:, None]  # [3, 1]
    generator = np.random.default_rng(seed)
    attempts = int(np.clip(_COMPONENTS_TRIED // max(len(counts), 1), 1, _MAX_ATTEMPTS))
    attempts_made = (_assign_once(counts, pins, wanted, generator) for _ in range(attempts))
    return min(attempts_made, key=lambda attempt: attempt[0])[1]


def _assign_once(counts, pins, wanted, generator) -> tuple[float, np.ndarray]:
    """Deal components in random order, each to where the cost is then lowest."""
    assigned = pins.copy()
    held = np.stack([counts[pins == split].sum(axis=0) for split in range(len(SPLITS))])  # [3, 5]
    for component in generator.permutation(np.flatnonzero(pins < 0)):
        costs = []
        for split in range(len(SPLITS)):
            held[split] += counts[component]
            costs.append(_compute_cost(held, wanted))
            held[split] -= counts[component]
        assigned[component] = int(np.argmin(costs))
        held[assigned[component]] += counts[component]
    return _compute_cost(held, wanted), assigned


def _compute_cost(held: np.ndarray, wanted: np.ndarray) -> float:
    """Add up what is missing and the squared distance from the shares that are wanted."""
    missing = np.array([_MISSING[split] for split in SPLITS])
    is_empty, lacks_label = held[:, 0] < 1e-9, held[:, 2:4] < 1e-9
    return float(
        (missing * (is_empty + lacks_label.sum(axis=1) / 100)).sum() + ((held - wanted) ** 2).sum()
    )


def _check_assigned(components: pd.DataFrame, assigned: np.ndarray) -> None:
    empty = [split for index, split in enumerate(SPLITS) if not (assigned == index).any()]
    if empty:
        raise ValueError(
            f"nothing is left for {' and '.join(empty)}: the {len(components)} groups of videos "
            "(by source and identity) must fill train, validation and test; add videos of other "
            "sources, or unpin some in data/videos.csv"
        )
    train = components[assigned == SPLITS.index("train")]
    for label in FACE_LABELS:
        if train[label].sum() == 0:
            raise ValueError(
                f"no {label} face for train; add videos, or unpin some in data/videos.csv"
            )
