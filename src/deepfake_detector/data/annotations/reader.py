"""Annotations of a folder: the known formats, mixed, recognised from the content of a file."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.tables import Rejection
from deepfake_detector.data.annotations.fields import PX, Face, RejectedRow
from deepfake_detector.data.annotations.importers.annotation_file import (
    AnnotationFile,
    open_annotation_file,
)
from deepfake_detector.data.annotations.importers.clay_sciences import is_clay, read_clay
from deepfake_detector.data.annotations.importers.coco import is_coco, read_coco
from deepfake_detector.data.annotations.importers.csv_formats import read_csv
from deepfake_detector.data.annotations.importers.cvat import is_cvat, read_cvat
from deepfake_detector.data.annotations.importers.label_corrections import (
    LabelCorrection,
    is_label_corrections,
    read_label_corrections,
)
from deepfake_detector.data.annotations.importers.label_studio import (
    is_label_studio,
    read_label_studio,
)
from deepfake_detector.data.annotations.importers.pascal_voc import is_pascal_voc, read_pascal_voc
from deepfake_detector.data.annotations.importers.via import (
    is_via,
    is_via_csv,
    read_via,
    read_via_csv,
)
from deepfake_detector.data.annotations.importers.yolo import (
    is_yolo,
    is_yolo_names,
    read_nothing,
    read_yolo,
)
from deepfake_detector.video.images import IMAGE_ENDINGS

_FORMATS: tuple[tuple[Callable, Callable], ...] = (
    (is_yolo_names, read_nothing),
    (is_label_corrections, read_label_corrections),
    (is_cvat, read_cvat),
    (is_pascal_voc, read_pascal_voc),
    (is_coco, read_coco),
    (is_via, read_via),
    (is_via_csv, read_via_csv),
    (is_label_studio, read_label_studio),
    (is_clay, read_clay),
    (is_yolo, read_yolo),
)
"""Who recognises a file, and who reads it, in the order they are asked; `read_csv` is the last."""

MAX_FACES = 5_000_000
"""Faces of one file, 55 hours of one face in each frame."""

_FACES_AT_ONCE = 100_000
_KINDS = {"row": "int64", "frame": "int64", **dict.fromkeys(BOX, "float64")}  # others are text


class LostFace(NamedTuple):
    """Where a face may be that no row tells of, as its row was rejected.

    `name` of a video empty: any video; `frame` None: any frame of the video.
    """

    file: str
    row: int
    name: str
    frame: int | None


@dataclass(frozen=True)
class AnnotatedFaces:
    """The faces of a folder (columns of `Face` and `file`), and what could not be read of it.

    `unreadable` are files of which nothing is known; `lost` are rows of files that were read;
    `corrections` of labels, in the order of files and rows, are not applied to the faces.
    """

    faces: pd.DataFrame
    rejections: list[Rejection] = field(default_factory=list)
    lost: list[LostFace] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    corrections: list[LabelCorrection] = field(default_factory=list)


def read_annotation_folder(folder: Path, csv_columns: Mapping[str, str]) -> AnnotatedFaces:
    """Read all annotation files below a folder, which need not be there, or one file.

    Hidden files and folders are passed over, and images, which exports bring along.
    """
    tables = [_make_table([])]
    found = AnnotatedFaces(tables[0])
    for path in _list_files(folder):
        try:
            read = read_annotation_file(path, csv_columns)
        except (ValueError, FileNotFoundError) as error:  # others are the machine's
            found.rejections.append(Rejection(path.as_posix(), None, str(error)))
            found.unreadable.append(path.as_posix())
            continue
        tables.append(read.faces)
        found.rejections.extend(read.rejections)
        found.lost.extend(read.lost)
        found.corrections.extend(read.corrections)
    filled = [table for table in tables if len(table)] or tables[:1]
    return replace(found, faces=pd.concat(filled, ignore_index=True))


def _list_files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() not in IMAGE_ENDINGS:
                yield path


def read_annotation_file(path: Path, csv_columns: Mapping[str, str]) -> AnnotatedFaces:
    """Read an annotation file of any known format.

    Args:
        csv_columns: name of the column of each field of a CSV file that goes by no usual name.

    Raises:
        ValueError: the file cannot be read as any of the formats; says why.
    """
    file = open_annotation_file(path)
    tables, faces, found = [], [], AnnotatedFaces(_make_table([]))
    count = 0
    try:
        for row in _read(file, csv_columns):
            if isinstance(row, RejectedRow):
                _reject(row, path.as_posix(), found)
                continue
            if isinstance(row, LabelCorrection):
                found.corrections.append(row._replace(file=path.as_posix()))
                continue
            faces.append(row)
            if len(faces) == _FACES_AT_ONCE:
                count += len(faces)
                if count >= MAX_FACES:
                    raise ValueError(f"over {MAX_FACES:,} faces; split it into several files")
                tables.append(_make_table(faces, path))
                faces = []
    except csv.Error as error:
        raise ValueError(f"not valid CSV ({error}); save it again") from error
    except RecursionError as error:
        raise ValueError("nested too deeply; export it again") from error
    tables.append(_make_table(faces, path))
    return replace(found, faces=pd.concat(tables, ignore_index=True))


def read_annotations(path: Path) -> tuple[pd.DataFrame, list[Rejection]]:
    """Read an annotation file whose boxes are in px and whose columns go by usual names.

    Returns:
        The faces, columns of `Face` and `file`, and rejected rows.

    Raises:
        ValueError: the file cannot be read as any of the formats, or has boxes in fractions.
    """
    found = read_annotation_file(path, {})
    if (found.faces["unit"] != PX).any():
        raise ValueError(
            f"{path}: boxes are fractions of the frame; write them in px with "
            f"`python src/convert.py {path} --format csv --out FILE`"
        )
    return found.faces, found.rejections


def _read(
    file: AnnotationFile, csv_columns: Mapping[str, str]
) -> Iterator[Face | RejectedRow | LabelCorrection]:
    for is_format, read in _FORMATS:
        if is_format(file):
            return read(file)
    if file.kind != "text":
        keys = ", ".join(sorted(file.keys)[:5])
        raise ValueError(
            f"not a known format: {file.kind} with {keys[:80] or 'nothing'}; expected that of "
            "CVAT, COCO, Label Studio, VIA, Pascal VOC or Clay Sciences"
        )
    return read_csv(file, csv_columns)


def _reject(row: RejectedRow, file: str, found: AnnotatedFaces) -> None:
    found.rejections.append(Rejection(file, row.row, row.reason))
    if row.row is not None:
        found.lost.append(LostFace(file, row.row, row.name, row.frame))


def _make_table(faces: list[Face], path: Path | None = None) -> pd.DataFrame:
    columns = zip(*faces, strict=True) if faces else [[] for _ in Face._fields]
    table = pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=_KINDS.get(name, str))
            for name, values in zip(Face._fields, columns, strict=True)
        }
    )
    return table.assign(file=path.as_posix() if path else "")
