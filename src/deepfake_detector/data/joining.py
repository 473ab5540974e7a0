"""Several annotated folders joined into one: names made unique by the folder they come from.

Every folder is laid out as `data/` is. Videos are linked, not copied, where the file system can.
"""

import csv
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.tables import METHOD_COLUMNS, Rejection, write_table
from deepfake_detector.data.annotations.fields import PX
from deepfake_detector.data.annotations.importers.label_corrections import (
    CORRECTED_LABEL,
    LabelCorrection,
)
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.video.names import VideoNames

LINKED = ("video", "source", "identity")
"""Columns of `videos.csv` whose names get the folder's name in front."""

VIDEO_LIST_COLUMNS = [
    *["video", "source", "identity", "split", "frame_offset", "licence"],
    *METHOD_COLUMNS,
]

SOURCES = "SOURCES.csv"
"""A table beside `videos.csv` that may say, by `video`, the `method` of a fake and its `group`."""

ANNOTATION_COLUMNS = ["video", "frame", *BOX, "label", "face"]


@dataclass(frozen=True)
class Joined:
    """What was joined: the number of videos, and rows of annotations that no video has."""

    videos: int
    rejections: list[Rejection]


def join_folders(
    folders: list[Path], out: Path, methods: dict[str, tuple[str, str]] | None = None
) -> Joined:
    """Join annotated folders into `out`, which is made anew.

    Args:
        folders: each with `videos/`, `annotations/` and perhaps `videos.csv`; their own names must
            differ.
        methods: method and kind of forgery of the fakes in a folder, by its name, where no table
            says so of each video.

    Raises:
        ValueError: two folders have the same name, or one has no `videos/`.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ValueError(f"folders with the same name: {', '.join(names)}; rename one")
    shutil.rmtree(out, ignore_errors=True)
    for part in ("videos", "annotations"):
        (out / part).mkdir(parents=True)
    rows, rejections, count = [], [], 0
    for prefix, folder in zip(names, folders, strict=True):
        if not (folder / "videos").is_dir():
            raise ValueError(f"{folder}: expected a folder `videos` in it")
        videos = sorted(p for p in (folder / "videos").iterdir() if not p.name.startswith("."))
        for video in videos:
            _link(video, out / "videos" / f"{prefix}_{video.name}")
        count += len(videos)
        rejections += _join_annotations(folder, prefix, [v.name for v in videos], out)
        rows += _read_video_rows(folder, prefix, (methods or {}).get(prefix, ("", "")))
    table = pd.DataFrame(rows, columns=VIDEO_LIST_COLUMNS, dtype=object).fillna("")
    write_table(table, out / "videos.csv")
    return Joined(count, rejections)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _join_annotations(folder: Path, prefix: str, videos: list[str], out: Path) -> list[Rejection]:
    """Write a folder's annotations as one table in the project's form; return what is left out."""
    found, names = read_annotation_folder(folder / "annotations", {}), VideoNames(videos)
    if (found.faces["unit"] != PX).any():
        raise ValueError(
            f"{folder}/annotations: boxes are fractions of the frame; write them in px with "
            f"`python src/convert.py {folder}/annotations --format csv --out FILE`"
        )
    faces, rejections = found.faces, list(found.rejections)
    known = {}
    for name in faces["name"].unique():
        try:
            known[name] = f"{prefix}_{names.find(name)}"
        except ValueError as error:
            rejections.append(Rejection(str(folder), None, str(error)))
    faces = faces[faces["name"].isin(known)]
    table = faces.assign(video=faces["name"].map(known).astype(str))[ANNOTATION_COLUMNS]
    write_table(table, out / "annotations" / f"{prefix}.csv")
    if found.corrections:
        _write_corrections(found.corrections, prefix, out / "annotations")
    return rejections


def _write_corrections(corrections: list[LabelCorrection], prefix: str, folder: Path) -> None:
    table = pd.DataFrame(corrections).rename(columns={"label": CORRECTED_LABEL})
    table["video"] = [f"{prefix}_{name}" for name in table["name"]]
    write_table(table.drop(columns=["row", "name", "file"]), folder / f"{prefix}_labels.csv")


def _read_video_rows(folder: Path, prefix: str, method: tuple[str, str]) -> list[dict[str, str]]:
    """Read what a folder says of its videos; those it does not list are their own source."""
    methods = {row["video"]: row for row in _read_csv(folder / SOURCES)}
    rows = []
    for row in _read_csv(folder / "videos.csv"):
        source = methods.get(row["video"], {})
        about = {
            "method": source.get("method", method[0]),
            "method_group": source.get("group", method[1]),
        }
        named = {key: f"{prefix}_{value}" for key, value in row.items() if key in LINKED and value}
        rows.append(about | row | named | {"dataset": row.get("dataset") or prefix})
    return rows


def _read_csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
