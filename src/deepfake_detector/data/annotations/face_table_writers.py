"""Write a table of faces as CVAT for video 1.1, COCO with videos, YOLO, or this project's CSV.

What each can carry is in docs/annotation_formats.md. All but YOLO take boxes in px; frames are
counted from 0, but in the names of images, from 1.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import write_text
from deepfake_detector.common.labels import FACE_LABELS

Sizes = Mapping[str, tuple[int, int]]
"""Width and height in px of videos, those that are known."""

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CSV_COLUMNS = ["name", "frame", *BOX, "label", "face"]


def write_cvat(faces: pd.DataFrame, sizes: Sizes, out: Path) -> None:
    """Write CVAT for video: one file, or a folder of one file a video, as a task is one video.

    Args:
        faces: columns of `Face`, boxes in px.
        out: a folder, or a file where it ends in `.xml`.

    Raises:
        ValueError: a file is named, and there are several videos.
    """
    videos = list(faces.groupby("name", sort=True))
    is_file = out.suffix.lower() == ".xml"
    if is_file and len(videos) > 1:
        raise ValueError(
            f"{out}: a file of CVAT is of one video, and there are {len(videos)}; give a folder"
        )
    for name, group in videos:
        path = out if is_file else out / f"{name}.xml"
        write_text(_to_cvat(name, group, sizes.get(name)), path)


def _to_cvat(name: str, faces: pd.DataFrame, size: tuple[int, int] | None) -> str:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>"]
    video = escape(_clean_xml(name))
    size_text = (
        f"<original_size><width>{size[0]}</width><height>{size[1]}</height></original_size>"
        if size
        else ""
    )
    labels = "".join(f"<label><name>{label}</name></label>" for label in FACE_LABELS)
    lines.append(
        f"<meta><task><name>{video}</name><mode>interpolation</mode><labels>{labels}</labels>"
        f"{size_text}<source>{video}</source></task></meta>"
    )
    for track, (label, group) in enumerate(_split_tracks(faces)):
        lines.append(f"<track id={quoteattr(str(track))} label={quoteattr(label)}>")
        rows = list(group.sort_values("frame").itertuples())
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            lines.append(_to_cvat_box(row, row.frame, outside=0))
            if following is None or following.frame > row.frame + 1:
                lines.append(_to_cvat_box(row, row.frame + 1, outside=1))
        lines.append("</track>")
    return "\n".join([*lines, "</annotations>", ""])


def _split_tracks(faces: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield label and faces of each track; a face that is not named is a track of its own."""
    for (label, face), group in faces.groupby(["label", "face"], sort=True):
        if face and not group["frame"].duplicated().any():
            yield label, group
            continue
        for index in range(len(group)):
            yield label, group.iloc[index : index + 1]


def _to_cvat_box(row, frame: int, outside: int) -> str:
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" xtl="{row.left:.2f}" '
        f'ytl="{row.top:.2f}" xbr="{row.right:.2f}" ybr="{row.bottom:.2f}" z_order="0"></box>'
    )


def _clean_xml(text: str) -> str:
    return _NO_XML.sub("?", text)


def write_coco(faces: pd.DataFrame, sizes: Sizes, out: Path) -> None:
    """Write COCO JSON with `videos`; tracks have numbers, `instance_id`, one in each video."""
    videos = {name: number for number, name in enumerate(sorted(faces["name"].unique()), 1)}
    frames = faces[["name", "frame"]].drop_duplicates().sort_values(["name", "frame"])
    images = {key: number for number, key in enumerate(frames.itertuples(index=False), 1)}
    tracks = faces.loc[faces["face"] != "", ["name", "face"]].drop_duplicates()
    numbers = {key: number for number, key in enumerate(tracks.itertuples(index=False), 1)}
    annotations = []
    for number, row in enumerate(faces.sort_values(["name", "frame"]).itertuples(), 1):
        width, height = row.right - row.left, row.bottom - row.top
        entry = {
            "id": number,
            "image_id": images[(row.name, row.frame)],
            "category_id": 1 + FACE_LABELS.index(row.label),
            "bbox": [round(side, 4) for side in (row.left, row.top, width, height)],
            "area": round(width * height, 4),
            "iscrowd": 0,
        }
        if row.face:
            entry["instance_id"] = numbers[(row.name, row.face)]
        annotations.append(entry)
    content = {
        "categories": [{"id": 1 + place, "name": name} for place, name in enumerate(FACE_LABELS)],
        "videos": [{"id": videos[name], "name": name} | _size(sizes, name) for name in videos],
        "images": [
            {
                "id": number,
                "video_id": videos[name],
                "frame_id": frame,
                "file_name": _name_image(name, frame),
            }
            | _size(sizes, name)
            for (name, frame), number in images.items()
        ],
        "annotations": annotations,
    }
    write_text(json.dumps(content, ensure_ascii=False) + "\n", out)


def _size(sizes: Sizes, name: str) -> dict[str, int]:
    return dict(zip(("width", "height"), sizes.get(name, ()), strict=False))


def _name_image(name: str, frame: int) -> str:
    return f"{PurePosixPath(name).stem}_{frame + 1:05d}.jpg"


def write_yolo(faces: pd.DataFrame, sizes: Sizes, out: Path) -> None:
    """Write a folder with `data.yaml` and `labels/NAME_00017.txt`, six decimals; no tracks.

    Raises:
        ValueError: the size of a video is not known.
    """
    for (name, frame), group in faces.groupby(["name", "frame"], sort=True):
        if name not in sizes:
            raise ValueError(f"the size of {name} is needed; put the video where --videos says")
        width, height = sizes[name]
        lines = []
        for row in group.itertuples():
            center = (row.left + row.right) / 2 / width, (row.top + row.bottom) / 2 / height
            size = (row.right - row.left) / width, (row.bottom - row.top) / height
            numbers = " ".join(f"{number:.6f}" for number in (*center, *size))
            lines.append(f"{FACE_LABELS.index(row.label)} {numbers}\n")
        label_file = Path(_name_image(name, frame)).with_suffix(".txt")
        write_text("".join(lines), out / "labels" / label_file)
    names = "".join(f"  {number}: {label}\n" for number, label in enumerate(FACE_LABELS))
    write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}", out / "data.yaml")


def write_csv(faces: pd.DataFrame, _sizes: Sizes, out: Path) -> None:
    """Write this project's own CSV, boxes with four decimals."""
    table = faces[_CSV_COLUMNS].sort_values(["name", "frame"], kind="stable")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["video", *_CSV_COLUMNS[1:]])
    writer.writerows(table.assign(**table[BOX].round(4)).itertuples(index=False))
    write_text(text.getvalue(), out)


WRITERS: dict[str, Callable[[pd.DataFrame, Sizes, Path], None]] = {
    "cvat": write_cvat,
    "coco": write_coco,
    "yolo": write_yolo,
    "csv": write_csv,
}
"""Who writes which format."""
