"""Anyone's detections and truth from CSV files, every row checked.

Columns: `image` (or `video` and `frame`), `label`, `left`, `top`, `right`, `bottom` in px, and
`score` of detections; further columns are not read. An image without faces is a row with an empty
label. Rows are named by their line in the file; the header is row 1.
"""

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.metrics.detections import Detections, Truth

NAME = pa.dictionary(pa.int32(), pa.string())
UNKNOWN = -1


def read_files(detections_path: Path, truth_path: Path) -> tuple[Detections, Truth, int]:
    """Read detections and truth; give both and the number of images.

    Raises:
        ValueError: a column is missing, a row is wrong, or an image of the detections is not in
            the truth; the message names the file, the row and what was expected.
        FileNotFoundError: there is no such file.
    """
    rows = _read_rows(truth_path, BOX)
    label, boxes = _read_faces(rows, truth_path)
    has_area = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    _reject((label > 0) & ~has_area, truth_path, "box has no area")
    found_rows = _read_rows(detections_path, ["score", *BOX])
    found_label, found_boxes = _read_faces(found_rows, detections_path)
    score = _read_numbers(found_rows, "score")
    is_found = found_label > 0
    _reject(is_found & ~np.isfinite(score), detections_path, "score: expected a number")
    image, found_image = _number_images(rows, found_rows, (truth_path, detections_path))
    unknown = f"not in {truth_path}; an image without faces is a row with an empty label there"
    _reject(found_image == UNKNOWN, detections_path, f"image: {unknown}")
    truth = Truth(image[label > 0], label[label > 0], boxes[label > 0])
    found = (found_image, found_label, score, found_boxes)
    if not np.all(is_found):
        found = tuple(column[is_found] for column in found)
    return Detections(*found), truth, int(image.max(initial=UNKNOWN)) + 1


def _read_rows(path: Path, numbers: list[str]) -> pa.Table:
    """Read the columns that matter."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file), [])
    names = ["video", "frame"] if "video" in header else ["image"]
    columns = [*names, "label", *numbers]
    missing = [column for column in columns if column not in header]
    if missing:
        raise ValueError(
            f"{path}: expected the columns {', '.join(columns)}, got {', '.join(header) or 'none'}"
        )
    types = {"image": NAME, "video": NAME, "frame": pa.int64(), "label": NAME}
    types |= {"score": pa.float64()}  # not float32: that would make ties of close scores
    types = {column: types.get(column, pa.float32()) for column in columns}
    options = arrow_csv.ConvertOptions(column_types=types, include_columns=columns)
    try:
        return arrow_csv.read_csv(path, convert_options=options).unify_dictionaries()
    except pa.ArrowInvalid as error:
        raise ValueError(_describe_bad_row(path, types) or f"{path}: {error}") from error


def _describe_bad_row(path: Path, types: dict[str, pa.DataType]) -> str | None:
    """Describe the first row that cannot be read: slow, and only done when one is there."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        for row in reader:
            place = f"{path} row {reader.line_num}"
            if None in row or None in row.values():
                got = sum(value is not None for value in row.values()) + len(row.get(None, ()))
                return f"{place}: expected {len(reader.fieldnames)} columns, got {got}"
            for column, kind in types.items():
                read = {pa.int64(): int, NAME: str}.get(kind, float)
                try:
                    read(row[column] or 0)
                except ValueError:
                    expected = "a whole number" if read is int else "a number"
                    return f"{place}: {column}: expected {expected}, got {row[column]!r}"
    return None


def _read_faces(rows: pa.Table, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Give label [R] (0 where it is empty) and boxes [R, 4] of all rows."""
    names, codes = _read_names(rows, "label")
    known = [name_to_label(name) if name in FACE_LABELS else UNKNOWN for name in names]
    known = [0 if name == "" else label for name, label in zip(names, known, strict=True)]
    label = np.array([*known, UNKNOWN], np.int8)[codes]
    wrong = names[codes[np.argmax(label == UNKNOWN)]] if len(label) else ""
    _reject(label == UNKNOWN, path, f"label: expected {' or '.join(FACE_LABELS)}, got {wrong!r}")
    boxes = np.stack([_read_numbers(rows, side) for side in BOX], axis=1)
    is_face = label > 0
    _reject(is_face & ~np.all(np.isfinite(boxes), axis=1), path, "box: expected four numbers")
    is_inside_out = np.any(boxes[:, 2:] < boxes[:, :2], axis=1)
    _reject(is_face & is_inside_out, path, "box is inside out (left > right or top > bottom)")
    return label, boxes


def _number_images(rows: pa.Table, found_rows: pa.Table, paths) -> tuple[np.ndarray, np.ndarray]:
    """Number the images of the truth, and those of the detections alike; others are `UNKNOWN`."""
    column = "video" if "video" in rows.column_names else "image"
    if column not in found_rows.column_names:
        raise ValueError(
            f"{paths[0]} and {paths[1]}: both must name images in the same way, by `image` or by "
            "`video` and `frame`"
        )
    names, codes = _read_names(rows, column)
    found_names, found_codes = _read_names(found_rows, column)
    code_of_name = {name: code for code, name in enumerate(names)}
    codes_in_truth = np.array([code_of_name.get(name, UNKNOWN) for name in found_names], np.int64)
    keys, found_keys = codes.astype(np.int64), codes_in_truth[found_codes]
    if column == "video":
        frame, found_frame = _read_frames(rows, paths[0]), _read_frames(found_rows, paths[1])
        span = max(frame.max(initial=0), found_frame.max(initial=0)) + 1
        keys, found_keys = keys * span + frame, found_keys * span + found_frame
    images, image = np.unique(keys, return_inverse=True)
    found_image = np.searchsorted(images, found_keys).astype(np.int32)
    is_known = np.append(images, UNKNOWN)[found_image] == found_keys
    return image, np.where(is_known & (found_keys >= 0), found_image, UNKNOWN)


def _read_frames(rows: pa.Table, path: Path) -> np.ndarray:
    frame = rows["frame"].fill_null(UNKNOWN).to_numpy()
    _reject(frame < 0, path, "frame: expected a whole number from 0 on")
    return frame


def _read_names(rows: pa.Table, column: str) -> tuple[list[str], np.ndarray]:
    """Give the different texts of a column, and for every row [R] which one it has."""
    chunks = rows[column].chunks  # they share one dictionary
    codes = [chunk.indices.to_numpy() for chunk in chunks]
    names = chunks[0].dictionary.to_pylist() if chunks else []
    return names, np.concatenate([np.zeros(0, np.int32), *codes])


def _read_numbers(rows: pa.Table, column: str) -> np.ndarray:
    """Give a column of numbers [R]; NaN where it is empty."""
    return rows[column].to_numpy()


def _reject(is_wrong: np.ndarray, path: Path, message: str) -> None:
    """Raise ValueError with the line of the first wrong row, if there is one."""
    if not np.any(is_wrong):
        return
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        filled = (reader.line_num for row in reader if row)  # empty lines are not read
        line = next(islice(filled, 1 + int(np.argmax(is_wrong)), None))
    raise ValueError(f"{path} row {line}: {message}")
