"""Importers of annotations: the format is recognised from the content of a file.

- Clay Sciences export, JSON: a list of `{"Labeled Data": ".../NAME.mp4", "Frame": "17", "Label":
  {key: {"geometry": [x, y, width, height] in px, "attributes": {"0" or "1": "Real" or "Fake"}}}}`,
  one key a face; frames from 1.
- CSV of the 2020 project: `frame,xmin,xmax,ymin,ymax,class_id` with `frame` = `NAME_00017.jpg`
  from 1, and class 1 real, 2 fake.
- The project's own CSV: `video,frame,left,top,right,bottom,label` and perhaps `face`; frames from
0.

What a box or a label is worth is judged later, by the quality checks: here a number that cannot be
read is NaN, and a label is kept as it is.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlparse

import pandas as pd

from deepfake_detector.data.tables import Refusal
from deepfake_detector.labels import FACE_LABELS

_CSV_2020 = ("frame", "xmin", "xmax", "ymin", "ymax", "class_id")
_CSV_PROJECT = ("video", "frame", "left", "top", "right", "bottom", "label")
_FRAME_NAME = re.compile(r"(?P<name>.+)_(?P<frame>\d+)\.(jpg|jpeg|png)", re.IGNORECASE)
_CLASS_IDS = {"1": "real", "2": "fake"}
_EMPTY = (None, "no annotation in it (an empty list); annotate, or remove the file")


class Face(NamedTuple):
    """One annotated face as a file has it: frame from 0, box in px (perhaps NaN), any label."""

    row: int
    name: str
    frame: int
    left: float
    top: float
    right: float
    bottom: float
    label: str
    face: str


@dataclass(frozen=True)
class AnnotatedFaces:
    """The faces of a folder (columns of `Face` and `file`), refused entries, unreadable files."""

    faces: pd.DataFrame
    refusals: list[Refusal]
    unreadable: list[str]


def read_annotation_folder(folder: Path) -> AnnotatedFaces:
    """Read all annotation files of a folder, which need not be there, but for hidden ones."""
    tables = [pd.DataFrame([Face(0, "", 0, 0, 0, 0, 0, "", "")]).assign(file="").iloc[:0]]
    found = AnnotatedFaces(tables[0], [], [])
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith("."):
            continue
        try:
            faces, refusals = read_annotations(path)
            tables.append(faces)
            found.refusals.extend(refusals)
        except (ValueError, OSError) as error:
            found.refusals.append(Refusal(path.as_posix(), None, str(error)))
            found.unreadable.append(path.as_posix())
    filled = [table for table in tables if len(table)] or tables[:1]
    return replace(found, faces=pd.concat(filled, ignore_index=True))


def read_annotations(path: Path) -> tuple[pd.DataFrame, list[Refusal]]:
    """Read an annotation file of any known format.

    Returns:
        The faces, columns of `Face` and `file`, and refusals of entries that name no video or
        frame.

    Raises:
        ValueError: the file cannot be read as any of the formats; says why.
    """
    if path.is_dir():
        raise ValueError("a folder; put the files directly into data/annotations")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text; save it as JSON or CSV in UTF-8") from error
    read = _read_clay if text.lstrip()[:1] in ("[", "{") else _read_csv
    faces, refusals = [], []
    try:
        for found in read(text):
            if isinstance(found, Face):
                faces.append(found)
            else:
                refusals.append(Refusal(path.as_posix(), *found))
    except csv.Error as error:
        raise ValueError(f"not valid CSV ({error}); save it again") from error
    return pd.DataFrame(faces, columns=Face._fields).assign(file=path.as_posix()), refusals


def _read_clay(text: str) -> Iterator[Face | tuple[int | None, str]]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error}); export it again") from error
    if not isinstance(entries, list):
        raise ValueError("expected a list of Clay Sciences entries, got a JSON object")
    if not entries:
        yield _EMPTY
    for row, entry in enumerate(entries, start=1):
        try:
            name, frame, faces = _parse_clay_entry(entry)
        except ValueError as error:
            yield row, f"{error}; correct or remove the entry"
            continue
        for key, face in faces.items():
            face = face if isinstance(face, dict) else {}
            box = _parse_geometry(face.get("geometry"))
            yield Face(row, name, frame, *box, _parse_attributes(face.get("attributes")), key)


def _parse_clay_entry(entry: Any) -> tuple[str, int, dict]:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {entry!r:.40}")
    missing = [key for key in ("Labeled Data", "Frame", "Label") if key not in entry]
    if missing:
        raise ValueError(f"key {missing[0]!r} is missing")
    if not isinstance(entry["Label"], dict):
        raise ValueError(f"Label: expected a key for each face, got {entry['Label']!r:.40}")
    return _url_to_name(entry["Labeled Data"]), _parse_frame(entry["Frame"]) - 1, entry["Label"]


def _url_to_name(url: Any) -> str:
    """Give the file name at the end of an address; what climbs up folders stays as it is."""
    address = unquote(urlparse(str(url)).path)
    if ".." in address.split("/"):
        return address
    last = urlparse(str(url)).path.rsplit("/", 1)[-1]
    return unquote(last)


def _parse_geometry(geometry: Any) -> tuple[float, float, float, float]:
    if not isinstance(geometry, list) or len(geometry) != 4:
        return (math.nan,) * 4
    left, top, width, height = map(_parse_number, geometry)
    return left, top, left + width, top + height


def _parse_attributes(attributes: Any) -> str:
    attributes = attributes if isinstance(attributes, dict) else {}
    label = str(attributes.get("0") or attributes.get("1") or "")
    return label.lower() if label.lower() in FACE_LABELS else label


def _read_csv(text: str) -> Iterator[Face | tuple[int | None, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [column.strip() for column in reader.fieldnames or []]
    if set(columns) == set(_CSV_2020):
        parse = _parse_2020_row
    elif set(columns) - {"face"} == set(_CSV_PROJECT):
        parse = _parse_project_row
    else:
        raise ValueError(
            "not a known format: expected a Clay Sciences JSON list, or CSV that begins with "
            f"{','.join(_CSV_2020)} or {','.join(_CSV_PROJECT)}; got {','.join(columns)[:80]!r}"
        )
    reader.fieldnames = columns
    for cells in reader:
        try:
            yield parse(reader.line_num, cells)
        except ValueError as error:
            yield reader.line_num, f"{error}; correct or remove the row"
    if reader.line_num <= 1:
        yield _EMPTY


def _parse_2020_row(row: int, cells: dict) -> Face:
    picture = _FRAME_NAME.fullmatch((cells["frame"] or "").strip())
    if picture is None:
        raise ValueError(f"frame: expected a name like NAME_00017.jpg, got {cells['frame']!r}")
    box = (_parse_number(cells[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
    label = (cells["class_id"] or "").strip()
    frame = int(picture["frame"]) - 1
    return Face(row, picture["name"], frame, *box, _CLASS_IDS.get(label, label), "")


def _parse_project_row(row: int, cells: dict) -> Face:
    box = (_parse_number(cells[side]) for side in ("left", "top", "right", "bottom"))
    name, label = ((cells[column] or "").strip() for column in ("video", "label"))
    return Face(row, name, _parse_frame(cells["frame"]), *box, label, cells.get("face") or "")


def _parse_frame(text: Any) -> int:
    try:
        return int(str(text).strip())
    except ValueError as error:
        raise ValueError(f"frame: expected a whole number, got {text!r:.40}") from error


def _parse_number(text: Any) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan
