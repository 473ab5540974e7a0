"""Corrections of labels: a table of faces whose label a person has looked at and decided.

`find_wrong_labels` writes one with an empty `corrected_label`; filled in and put beside the other
annotations, it changes the labels of the faces that it names, and no annotation file. Columns
`video, first_frame, last_frame, corrected_label`, perhaps `face`; frames and faces are those of
`artifacts/validate/annotations.csv`, an empty `face` is every face. Others are passed over.
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.annotations.fields import (
    RejectedRow,
    clean_text,
    parse_frame,
    parse_label,
)
from deepfake_detector.data.annotations.importers.annotation_file import AnnotationFile

CORRECTED_LABEL = "corrected_label"

_COLUMNS = ("video", "first_frame", "last_frame", CORRECTED_LABEL)


class LabelCorrection(NamedTuple):
    """The right label of the faces of a video in frames from `first_frame` to `last_frame`.

    `row` is the line in its file; `name` that of the video, as in `Face`; `face` empty: all.
    """

    row: int
    name: str
    first_frame: int
    last_frame: int
    face: str
    label: str
    file: str = ""


def is_label_corrections(file: AnnotationFile) -> bool:
    """Tell whether this is such a table."""
    if file.kind != "text":
        return False
    header = next(csv.reader([file.text[:2000].split("\n", 1)[0].strip()]), [])
    return {column.strip() for column in header} >= set(_COLUMNS)


def read_label_corrections(file: AnnotationFile) -> Iterator[LabelCorrection | RejectedRow]:
    """Read such a table; rows whose `corrected_label` is empty are passed over.

    A row that cannot be read loses no face: the label stays as it was annotated.
    """
    lines = csv.reader(file.text.splitlines(keepends=True))
    header = [column.strip() for column in next(lines)]
    for cells in lines:
        row = {key: cell.strip() for key, cell in zip(header, cells, strict=False)}
        if not row.get(CORRECTED_LABEL):
            continue
        try:
            yield _parse_row(lines.line_num, row)
        except ValueError as error:
            yield RejectedRow(None, f"row {lines.line_num}: {error}; correct or remove the row")


def _parse_row(line: int, row: dict[str, str]) -> LabelCorrection:
    label = parse_label(row[CORRECTED_LABEL])
    if label not in FACE_LABELS:
        raise ValueError(f"{CORRECTED_LABEL}: expected real, fake or nothing, got {label!r:.40}")
    if not row["video"]:
        raise ValueError("video: expected the name of a video, got nothing")
    first, last = parse_frame(row["first_frame"]), parse_frame(row["last_frame"])
    if first > last:
        raise ValueError(f"first_frame {first} is after last_frame {last}")
    name, face = clean_text(row["video"]), clean_text(row.get("face"))
    return LabelCorrection(line, name, first, last, face, label)
