"""Write annotations in the formats that `annotations` reads, and the rows of `videos.csv`.

Clay Sciences JSON and the 2020 project's CSV. Both count frames from 1; here they count from 0.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from deepfake_detector.common.files import write_text
from deepfake_detector.common.labels import REAL, label_to_name
from deepfake_detector.faces.offline_tracker import Track

URL = "https://example.org/videos/"  # the importer looks at the last part only
VIDEO_COLUMNS = ("video", "source", "identity", "split", "frame_offset", "licence")


@dataclass(frozen=True)
class AnnotatedVideo:
    """The faces of a video: its file name, its number of frames, tracks and their labels."""

    name: str
    frames: int
    tracks: list[Track]
    labels: list[int]


def write_annotations(path: Path, videos: Iterable[AnnotatedVideo], form: str) -> None:
    """Write the annotations of videos in the form `clay` or `csv`; the file appears complete."""
    write_text(to_clay(videos) if form == "clay" else to_csv(videos), path)


def to_clay(videos: Iterable[AnnotatedVideo]) -> str:
    """Make a Clay Sciences export: one entry per frame, also of frames without a face."""
    entries = []
    for video in videos:
        labels = _label_frames(video)
        entries += [
            {
                "ID": f"{Path(video.name).stem}-{frame + 1:05d}",
                "Labeled Data": URL + quote(video.name),
                "Frame": str(frame + 1),
                "Label": labels.get(frame, {}),
            }
            for frame in range(video.frames)
        ]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f"[\n{lines}\n]\n" if entries else "[]\n"


def _label_frames(video: AnnotatedVideo) -> dict[int, dict[str, dict]]:
    """Give the `Label` value of every frame that has a face, one key per face."""
    frames: dict[int, dict[str, dict]] = {}
    for face, (track, label) in enumerate(zip(video.tracks, video.labels, strict=True)):
        key, name = ("0" if label == REAL else "1"), label_to_name(label).capitalize()
        for frame, box in zip(track.frames, track.boxes_px, strict=True):
            left, top, right, bottom = np.round(box, 2).tolist()
            frames.setdefault(frame, {})[str(face)] = {
                "class": "Face",
                "geometry": [left, top, round(right - left, 2), round(bottom - top, 2)],
                "attributes": {"explicit": "", key: name},
            }
    return frames


def to_csv(videos: Iterable[AnnotatedVideo]) -> str:
    """Make the 2020 project's table: one row per face; frames without a face have none."""
    rows = []
    for video in videos:
        stem = Path(video.name).stem
        for track, label in zip(video.tracks, video.labels, strict=True):
            for frame, box in zip(track.frames, track.boxes_px, strict=True):
                left, top, right, bottom = np.round(box, 2).tolist()
                rows.append((f"{stem}_{frame + 1:05d}.jpg", left, right, top, bottom, label))
    return _to_table(("frame", "xmin", "xmax", "ymin", "ymax", "class_id"), sorted(rows))


def add_video_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Add rows to a `videos.csv`; a row of a video that is there already is replaced.

    Columns that only a row has are added.

    Raises:
        ValueError: the file is there, but has no column `video`.
    """
    rows, columns, known = list(rows), list(VIDEO_COLUMNS), {}
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "video" not in (reader.fieldnames or ()):
                raise ValueError(f"{path}: expected a column `video`, got {reader.fieldnames}")
            known = {row["video"]: row for row in reader}
            columns = [*reader.fieldnames, *columns]
    columns = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    for row in rows:
        known[row["video"]] = {**known.get(row["video"], {}), **row}
    values = [[row.get(column) or "" for column in columns] for row in known.values()]
    write_text(_to_table(columns, values), path)


def _to_table(columns: Iterable[str], rows: Iterable[Iterable]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
