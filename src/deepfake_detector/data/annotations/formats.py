"""The formats of annotations that are understood, each as a generator of faces and rejections.

- Clay Sciences export, JSON: a list of `{"Labeled Data": ".../NAME.mp4", "Frame": "17", "Label":
  {key: {"geometry": [x, y, width, height] in px, "attributes": {"0" or "1": "Real" or "Fake"}}}}`,
  one key a face; frames from 1.
- CSV of the 2020 project: `frame,xmin,xmax,ymin,ymax,class_id` with `frame` = `NAME_00017.jpg`
  from 1, and class 1 real, 2 fake.
- The project's own CSV: `video,frame,left,top,right,bottom,label` and perhaps `face`; frames
  from 0.

What a box or a label is worth is judged later, by the quality checks: here a number that cannot be
read is NaN, and a label is kept as it is.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urlparse

from deepfake_detector.common.labels import FACE_LABELS

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


def read_clay(text: str) -> Iterator[Face | tuple[int | None, str]]:
    """Read a Clay Sciences export: its faces, and number and reason of rejected entries.

    Raises:
        ValueError: not such an export.
    """
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
    return _parse_label(attributes.get("0") or attributes.get("1") or "")


def _parse_label(text: Any) -> str:
    label = str(text).strip()
    return label.lower() if label.lower() in FACE_LABELS else label


def read_csv(text: str) -> Iterator[Face | tuple[int | None, str]]:
    """Read one of the CSV forms: its faces, and line and reason of rejected rows.

    Raises:
        ValueError: the columns are those of neither form.
    """
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
    name, face = ((cells.get(column) or "").strip() for column in ("video", "face"))
    label = _parse_label(cells["label"] or "")
    return Face(row, name, _parse_frame(cells["frame"]), *box, label, face)


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
