"""Annotations of a folder: the known formats, mixed, recognised from the content of a file."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deepfake_detector.common.tables import Rejection
from deepfake_detector.data.annotations.formats import Face, read_clay, read_csv


@dataclass(frozen=True)
class AnnotatedFaces:
    """The faces of a folder (columns of `Face` and `file`), rejected entries, unreadable files."""

    faces: pd.DataFrame
    rejections: list[Rejection]
    unreadable: list[str]


def read_annotation_folder(folder: Path) -> AnnotatedFaces:
    """Read all annotation files of a folder, which need not be there, but for hidden ones."""
    tables = [pd.DataFrame([Face(0, "", 0, 0, 0, 0, 0, "", "")]).assign(file="").iloc[:0]]
    found = AnnotatedFaces(tables[0], [], [])
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith("."):
            continue
        try:
            faces, rejections = read_annotations(path)
            tables.append(faces)
            found.rejections.extend(rejections)
        except (ValueError, OSError) as error:
            found.rejections.append(Rejection(path.as_posix(), None, str(error)))
            found.unreadable.append(path.as_posix())
    filled = [table for table in tables if len(table)] or tables[:1]
    return replace(found, faces=pd.concat(filled, ignore_index=True))


def read_annotations(path: Path) -> tuple[pd.DataFrame, list[Rejection]]:
    """Read an annotation file of any known format.

    Returns:
        The faces, columns of `Face` and `file`, and rejections of entries that name no video or
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
    read = read_clay if text.lstrip()[:1] in ("[", "{") else read_csv
    faces, rejections = [], []
    try:
        for found in read(text):
            if isinstance(found, Face):
                faces.append(found)
            else:
                rejections.append(Rejection(path.as_posix(), *found))
    except csv.Error as error:
        raise ValueError(f"not valid CSV ({error}); save it again") from error
    return pd.DataFrame(faces, columns=Face._fields).assign(file=path.as_posix()), rejections
