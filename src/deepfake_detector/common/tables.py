"""Tables between the stages: their columns, rejections, reading and writing."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import write_text

ANNOTATION_COLUMNS = ["video", "frame", *BOX, "label", "face"]
"""A face: frame from 0 in decode order, box in px of the original frame, label as a word."""

METHOD_COLUMNS = ("method", "method_group", "dataset")
"""How a fake was made, the kind of that method, and which data set a video is from."""

VIDEO_COLUMNS = [
    *["video", "source", "identity", "split", "licence", *METHOD_COLUMNS],
    *["width_px", "height_px", "fps", "frames", "codec", "sha256"],
]
"""An accepted video: what the user says about it, and what was found by decoding it."""

_NUMBERS = frozenset(["frame", "frames", "fps", "faces", "real", "fake", "score", "track", *BOX])
_NUMBER_ENDINGS = ("_px", "_score")
"""Columns of numbers. All others are text, also where every value looks like a number."""


@dataclass(frozen=True)
class Rejection:
    """A file, or a row of it, that is left out, and why, with what to do.

    `row` is the line of a CSV file (the header is line 1) or the number of an entry in a JSON list
    (from 1); None is the whole file.
    """

    file: str
    row: int | None
    reason: str


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that a stage wrote. Nothing is guessed: `NA`, `001` and `true` are texts.

    Returns:
        Columns of whole numbers, numbers (NaN where nothing stands) and texts (empty where nothing
        stands), by the names of the columns.

    Raises:
        ValueError: there is no such file, it is no table, or a number is none; names file, column
            and row.
    """
    table = _read_texts(path)
    names = [name for name in table if name in _NUMBERS or name.endswith(_NUMBER_ENDINGS)]
    return table.assign(**{name: _to_numbers(table[name], path) for name in names})


def read_numbers(path: Path) -> pd.DataFrame:
    """Read a table of which every column is one of numbers, such as `history.csv`.

    Returns, Raises:
        As `read_table`.
    """
    table = _read_texts(path)
    return table.assign(**{name: _to_numbers(table[name], path) for name in table})


def _read_texts(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"{path}: not there; run the stage {path.parent.name} first (dvc repro)")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: no table ({error}); run dvc repro again") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes a cell too many for an index
        raise ValueError(f"{path}: no table (a row has more cells than the first)")
    return table


def _to_numbers(texts: pd.Series, path: Path) -> pd.Series:
    if texts.empty:
        return texts.astype("int64")
    numbers = pd.to_numeric(texts.where(texts != "", "nan"), errors="coerce")
    is_bad = numbers.isna() & ~texts.str.lower().isin(["", "nan"])
    if is_bad.any():
        row = int(is_bad.to_numpy().argmax())
        raise ValueError(
            f"{path} row {row + 2}: {texts.name}: expected a number, got {texts.iloc[row]!r:.40}; "
            "run dvc repro again"
        )
    return numbers


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, which appears when it is complete."""
    write_text(table.to_csv(index=False, lineterminator="\n"), path)


def sort_rejections(rejections: Iterable[Rejection]) -> list[Rejection]:
    """Order rejections by file and row, whole files first."""
    return sorted(rejections, key=lambda rejection: (rejection.file, rejection.row or 0))


def write_rejections(rejections: Iterable[Rejection], path: Path) -> None:
    """Write rejections, in the order of their files and rows."""
    table = pd.DataFrame(
        map(asdict, sort_rejections(rejections)), columns=["file", "row", "reason"]
    )
    write_table(table.astype({"row": "Int64"}), path)
