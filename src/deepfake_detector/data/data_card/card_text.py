"""The data card as Markdown, for people (Gebru et al. 2021, "Datasheets for Datasets")."""

from collections.abc import Iterable
from typing import Any

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.splits.split_names import SPLITS

NOT_STATED = "not stated"

_MAX_ROWS = 12
"""Of resolutions, frame rates and codecs, the most frequent ones are listed."""

_CARD = """# Data card

Version `{version}` of the data: what the stage `split` gives to training and measurement. Faces are those of the kept frames.

## Splits

{splits}

## How fakes were made

{methods}

## Data sets

{datasets}

## Licences

{licences}

## Faces

Longer side in px of the original frame.

{sizes}

## Videos

{kinds}

## Drift

{drift}
"""  # noqa: E501 - a paragraph of Markdown

_DRIFT = """From version `{version}` (commit {commit}). Sizes and frame rates: 1 is twice or half as large on average (Wasserstein distance of base-2 logarithms). Label balance and codec: 0 the same, 1 nothing in common (Jensen-Shannon distance).

{table}"""  # noqa: E501


def card_to_markdown(card: dict[str, Any]) -> str:
    """Write a data card, of `make_data_card` and with `drift`, as Markdown."""
    distributions = card["distributions"]
    kinds = {"resolution_px": "resolution, px", "fps": "frames a second", "codec": "codec"}
    return _CARD.format(
        version=card["version"],
        splits=_counts_to_table("split", card["splits"]),
        methods=_counts_to_table("method", card["methods"]),
        datasets=_counts_to_table("data set", card["datasets"]),
        licences=_counts_to_table("licence", card["licences"]),
        sizes=_sizes_to_table(card["face_sizes_px"]),
        kinds="\n\n".join(
            _make_table([title, "videos"], _list_most_frequent(distributions[name]))
            for name, title in kinds.items()
        ),
        drift=_drift_to_text(card),
    )


def drift_to_line(card: dict[str, Any]) -> str:
    """Say in a line which version this is, and how far it is from the last one."""
    version = f"version {card['version']} of the data"
    if card["drift"] is None:
        return f"{version}; no earlier version is committed"
    found = ", ".join(f"{name} {value:g}" for name, value in _list_drift(card))
    return f"{version}; drift from {card['last_version']['version']}: {found}"


def _list_drift(card: dict[str, Any]) -> list[tuple[str, float]]:
    return [
        (name.replace("_", " "), value)
        for name, value in card["drift"].items()
        if value is not None
    ]


def _drift_to_text(card: dict[str, Any]) -> str:
    if card["drift"] is None:
        return "No earlier version of the data is committed."
    rows = [(name, f"{value:.4f}") for name, value in _list_drift(card)]
    table = _make_table(["of", "distance"], rows)
    return _DRIFT.format(**card["last_version"], table=table)


def _counts_to_table(title: str, counts: dict[str, dict[str, int]]) -> str:
    if not counts:
        return "None."
    columns = list(next(iter(counts.values())))
    rows = [(name or NOT_STATED, *row.values()) for name, row in counts.items()]
    return _make_table([title, *(column.replace("_", " ") for column in columns)], rows)


def _sizes_to_table(sizes: dict[str, dict[str, dict[str, float] | None]]) -> str:
    rows = [
        (split, label, *(f"{value:g}" for value in sizes[split][label].values()))
        for split in SPLITS
        for label in FACE_LABELS
        if sizes[split][label] is not None
    ]
    return _make_table(["split", "label", "min", "10 %", "median", "90 %", "max"], rows)


def _list_most_frequent(counts: dict[str, int]) -> list[tuple[str, int]]:
    rows = sorted(counts.items(), key=lambda row: -row[1])
    rest = sum(n for _, n in rows[_MAX_ROWS:])
    return [*rows[:_MAX_ROWS], *([(f"{len(rows) - _MAX_ROWS} others", rest)] if rest else [])]


def _make_table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_to_cell, line))} |" for line in lines)


def _to_cell(value: Any) -> str:
    """Write a value so that it stays in its cell, whatever a user has called a method."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
