"""CSV: the 2020 project's, this project's own, and tables of any usual column names.

- 2020: `frame,xmin,xmax,ymin,ymax,class_id` with `frame` = `NAME_00017.jpg` from 1, and class 1
  real, 2 fake.
- The project's own: `video,frame,left,top,right,bottom,label` and perhaps `face`; frames from 0.
- Others: a column for each field by one of the names in `_NAMES`, or as
  `advanced.validate.csv_columns` says; frames from 0, boxes as corners, as corner and size or as
  center and size, in px or, where no number is over 2, in fractions of the frame.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from deepfake_detector.data.annotations.fields import (
    EMPTY,
    FRACTION,
    PX,
    Face,
    RejectedRow,
    clean_text,
    guess_video,
    parse_frame,
    parse_label,
    parse_number,
    split_image_name,
    url_to_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import AnnotationFile
from deepfake_detector.video.images import IMAGE_ENDINGS

_CSV_2020 = ("frame", "xmin", "xmax", "ymin", "ymax", "class_id")
_CSV_PROJECT = ("video", "frame", "left", "top", "right", "bottom", "label")
_CLASS_IDS = {"1": "real", "2": "fake"}
_MAX_FRACTION = 2.0  # a box may reach over the frame; no face in px is this small
_SAMPLED_ROWS = 1000  # that decide whether boxes are fractions

_NAMES = {
    "video": "video video_name video_file video_id videoname clip clip_name movie",
    "image": "image image_name image_path image_id filename file_name file path img frame_name",
    "frame": "frame frame_number frame_no frame_num frame_id frame_idx frame_index",
    "left": "left xmin x_min x1 x0 xtl box_left bbox_left bbox_x1 bbox_xmin",
    "top": "top ymin y_min y1 y0 ytl box_top bbox_top bbox_y1 bbox_ymin",
    "right": "right xmax x_max x2 xbr box_right bbox_right bbox_x2 bbox_xmax",
    "bottom": "bottom ymax y_max y2 ybr box_bottom bbox_bottom bbox_y2 bbox_ymax",
    "center_x": "center_x x_center xc cx",
    "center_y": "center_y y_center yc cy",
    "x": "x bbox_x box_x",
    "y": "y bbox_y box_y",
    "width": "w bbox_width bbox_w box_width box_w width",  # `width` may be the image's
    "height": "h bbox_height bbox_h box_height box_h height",
    "label": "label class class_name category name type target",
    "face": "face face_id track track_id object_id person_id identity",
}
"""Names of columns that are recognised for each field, in lower case, `_` for other signs."""

CSV_FIELDS = tuple(_NAMES)
"""The fields that `advanced.validate.csv_columns` may name the column of."""

_BOXES = (
    ("left", "top", "right", "bottom"),
    ("left", "top", "width", "height"),
    ("x", "y", "width", "height"),
    ("center_x", "center_y", "width", "height"),
)


class _Columns(NamedTuple):
    """Where a row has which field: place by field, the fields of its box, words of its labels."""

    places: dict[str, int]
    box: tuple[str, ...]
    labels: dict[str, str]
    unit: str


def read_csv(file: AnnotationFile, csv_columns: Mapping[str, str]) -> Iterator[Face | RejectedRow]:
    """Read a table; a row is its line.

    Args:
        csv_columns: name of the column of each field that goes by no usual name.

    Raises:
        ValueError: the columns are not those of faces.
    """
    delimiter = _find_delimiter(file.text)
    lines = csv.reader(_walk_lines(file.text), delimiter=delimiter)
    header = [column.strip() for column in next(lines, [])]
    columns = _find_columns(header, csv_columns)
    if columns is None:
        raise ValueError(
            "not a known format: expected CVAT, COCO, Label Studio, VIA, Pascal VOC, YOLO or Clay "
            f"Sciences, or CSV that begins with {','.join(_CSV_2020)} or {','.join(_CSV_PROJECT)} "
            f"or the like (advanced.validate.csv_columns names others); got "
            f"{','.join(header)[:80]!r}"
        )
    if columns.unit == "":
        sample = csv.reader(_walk_lines(file.text), delimiter=delimiter)
        columns = columns._replace(unit=_find_unit(islice(sample, 1, _SAMPLED_ROWS), columns))
    for cells in lines:
        if cells:
            yield _parse_row(lines.line_num, cells, columns)
    if lines.line_num <= 1:
        yield EMPTY


def _walk_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text one by one; a copy of all of them would be larger than it."""
    newline = "\n" if "\n" in text or "\r" not in text else "\r"
    start = 0
    while start < len(text):
        end = text.find(newline, start) + 1 or len(text)
        yield text[start:end] if newline == "\n" else text[start:end].replace("\r", "\n")
        start = end


def _find_delimiter(text: str) -> str:
    first = next(_walk_lines(text), "")
    return max(",;\t|", key=lambda sign: (first.count(sign), sign == ","))


def _find_columns(header: list[str], csv_columns: Mapping[str, str]) -> _Columns | None:
    if len(set(header)) < len(header):
        return None
    if set(header) == set(_CSV_2020):
        places = {name: header.index(column) for name, column in _name_2020_columns()}
        return _Columns(places, _BOXES[0], _CLASS_IDS, PX)
    if set(header) - {"face"} == set(_CSV_PROJECT):
        return _Columns({name: header.index(name) for name in header}, _BOXES[0], {}, PX)
    places = {}
    plain = ["_".join(re.split(r"[\W_]+", column.lower())) for column in header]
    for field, names in _NAMES.items():
        if csv_columns.get(field) in header:
            places[field] = header.index(csv_columns[field])
            continue
        found = next((plain.index(name) for name in names.split() if name in plain), None)
        if found is not None:
            places[field] = found
    box = next((box for box in _BOXES if places.keys() >= set(box)), None)
    is_named = "image" in places or "frame" in places
    if box is None or not is_named or "label" not in places:
        return None
    return _Columns(places, box, {}, "")


def _name_2020_columns() -> Iterator[tuple[str, str]]:
    names = ("image", "left", "right", "top", "bottom", "label")
    return zip(names, _CSV_2020, strict=True)


def _find_unit(rows: Iterator[list[str]], columns: _Columns) -> str:
    places = [columns.places[field] for field in columns.box]
    numbers = [
        parse_number(cells[place]) for cells in rows for place in places if place < len(cells)
    ]
    largest = max((abs(number) for number in numbers if not math.isnan(number)), default=math.inf)
    return FRACTION if largest <= _MAX_FRACTION else PX


def _parse_row(row: int, cells: list[str], columns: _Columns) -> Face | RejectedRow:
    video, frame, places = _find_video(cells, columns.places), None, columns.places
    name = video
    try:
        if len(cells) <= max(places.values()):
            raise ValueError(f"expected {max(places.values()) + 1} columns, got {len(cells)}")
        if video and "frame" in places:
            frame = parse_frame(cells[places["frame"]])
        else:
            image = cells[places.get("image", places.get("frame"))]
            name = video or guess_video(image)
            name, frame = split_image_name(image, video)
    except ValueError as error:
        return RejectedRow(row, f"{error}; correct or remove the row", name, frame)
    label = cells[places["label"]].strip()
    label = columns.labels.get(label) or parse_label(label)
    face = clean_text(cells[places["face"]]) if "face" in places else ""
    return Face(row, name, frame, *_parse_box(cells, columns), label, face, columns.unit)


def _find_video(cells: list[str], places: dict[str, int]) -> str:
    """Return the video of a row; empty where it is in the name of an image."""
    place = places.get("video", places.get("image") if "frame" in places else None)
    text = cells[place].strip() if place is not None and place < len(cells) else ""
    if "video" not in places and text.lower().endswith(IMAGE_ENDINGS):
        return ""
    return url_to_name(text) if "/" in text else clean_text(text)


def _parse_box(cells: list[str], columns: _Columns) -> tuple[float, float, float, float]:
    first, second, third, fourth = (
        parse_number(cells[columns.places[field]]) for field in columns.box
    )
    if "right" in columns.box:
        return first, second, third, fourth
    if "center_x" in columns.box:
        first, second = first - third / 2, second - fourth / 2
    return first, second, first + third, second + fourth
