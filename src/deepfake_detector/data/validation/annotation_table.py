"""Annotated faces beside the video they belong to: what the quality checks look at.

Shapes: `N` faces.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.tables import Rejection
from deepfake_detector.data.annotations.fields import FRACTION
from deepfake_detector.data.annotations.reader import AnnotatedFaces
from deepfake_detector.data.validation.same_faces import find_same_faces
from deepfake_detector.video.names import VideoNames

_MAX_FRACTION = 2.0  # a box may reach over the frame; no face in px is this small
_MAX_OFFSET = 30  # frames; a proposal of more would rather be the wrong video


@dataclass(frozen=True)
class NamedVideos:
    """What the names in annotations mean: the video of each, or why there is none."""

    found: dict[str, str]
    problems: dict[str, str]


def find_named_videos(names_said: Iterable[str], videos: list[str]) -> NamedVideos:
    """Find the video, among file names that are there, of every name in annotations."""
    names, named = VideoNames(videos), NamedVideos({}, {})
    for name in dict.fromkeys(names_said):
        try:
            named.found[name] = names.find(name)
        except ValueError as error:
            named.problems[name] = str(error)
    return named


@dataclass(frozen=True)
class Doubts:
    """Where faces may be that no annotation tells of, since their rows were rejected.

    `frames` of videos, after `frame_offset`; `videos`, of each the rows that name no frame of it;
    `files` whose faces may be in any video.
    """

    frames: list[tuple[str, int]]
    videos: dict[str, str]
    files: list[str]


def find_doubts(annotated: AnnotatedFaces, named: NamedVideos, videos: pd.DataFrame) -> Doubts:
    """Find the frames, videos and files where rejected rows may hide a face.

    Args:
        videos: accepted ones, `video, frame_offset`.
    """
    offsets = dict(zip(videos["video"], videos["frame_offset"].astype(int), strict=True))
    doubts = Doubts([], {}, [])
    files = dict.fromkeys(annotated.unreadable)
    for lost in annotated.lost:
        video = named.found.get(lost.name)
        if not lost.name or (video is None and lost.frame is None):  # perhaps misread
            files[lost.file] = None
        elif video in offsets and lost.frame is not None:
            doubts.frames.append((video, lost.frame + offsets[video]))
        elif video in offsets:
            doubts.videos.setdefault(video, f"{lost.file} row {lost.row}")
    doubts.files.extend(files)
    return doubts


def match_videos(
    faces: pd.DataFrame, named: NamedVideos, accepted: set[str]
) -> tuple[pd.DataFrame, list[Rejection]]:
    """Give the faces of accepted videos, with a column `video`, and reject the others.

    Returns:
        Those faces; and one rejection for each other name in each annotation file, at its
        first row.
    """
    problems = dict(named.problems)
    for name, video in named.found.items():
        if video not in accepted:
            problems[name] = f"its video {video} is rejected; correct that first"
    is_lost = faces["name"].isin(problems)
    rejections = [
        Rejection(
            file, int(group["row"].iloc[0]), f"{problems[name]} (faces left out: {len(group)})"
        )
        for (file, name), group in faces[is_lost].groupby(["file", "name"])
    ]
    kept = faces[~is_lost]
    return kept.assign(video=kept["name"].map(named.found).astype(str)), rejections


def make_annotation_table(
    faces: pd.DataFrame, videos: pd.DataFrame, same_face_iou: float
) -> pd.DataFrame:
    """Put each face beside its video, clip its box to the frame, and measure it.

    Args:
        faces: with `video`.
        videos: `video, width_px, height_px, frames, frame_offset`, one row a video.
        same_face_iou: of two boxes of one frame that are one face.

    Returns:
        Faces with a fresh index; `frame` moved by `frame_offset`, `left` to `bottom` in px,
        `clipped_*` inside the frame, and the columns the checks look at.
    """
    known = ["video", "width_px", "height_px", "frames", "frame_offset"]
    table = faces.merge(videos[known], on="video", how="left").reset_index(drop=True)
    table["frame"] = table["frame"] + table["frame_offset"]
    limits = table[["width_px", "height_px"] * 2].to_numpy(float)
    boxes = table[BOX].to_numpy(float)  # [N, 4]
    boxes = np.where(table[["unit"]] == FRACTION, boxes * limits, boxes)
    table[BOX] = boxes
    clipped = np.clip(boxes, 0, limits)
    table[[f"clipped_{side}" for side in BOX]] = clipped
    areas = _compute_areas(boxes)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["outside_fraction"] = np.where(
            areas > 0, 1 - _compute_areas(clipped) / areas, np.nan
        )
    table["face_width_px"] = clipped[:, 2] - clipped[:, 0]
    table["face_height_px"] = clipped[:, 3] - clipped[:, 1]
    is_fraction = (table[BOX].abs() <= _MAX_FRACTION).all(axis=1)
    table["size_advice"] = np.where(
        is_fraction,
        "the box looks like fractions of the frame, 0-1: write it in px",
        "lower that, or remove the row",
    )
    table["advice"] = table["video"].map(_advise(table)).astype(str)
    return table.assign(**find_same_faces(table, same_face_iou))


def propose_offset(first: int, last: int, frames: int) -> int | None:
    """Give the smallest shift that makes frames `first` to `last` exist in a video.

    Returns:
        0 where they do; None where no shift helps, or only one too large to be a matter of
        counting.
    """
    shift = max(0, -first) + min(0, frames - 1 - last)
    fits = first + shift >= 0 and last + shift < frames
    return shift if fits and abs(shift) <= _MAX_OFFSET else None


def _advise(table: pd.DataFrame) -> dict[str, str]:
    advice = {}
    for video, group in table.groupby("video"):
        frames, offset = int(group["frames"].iloc[0]), int(group["frame_offset"].iloc[0])
        shift = propose_offset(int(group["frame"].min()), int(group["frame"].max()), frames)
        advice[video] = "compare its frame numbers with the video"
        if shift:
            advice[video] = (
                f"frame_offset {offset + shift} for {video} in data/videos.csv would make all fit"
            )
    return advice


def _compute_areas(boxes: np.ndarray) -> np.ndarray:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]  # [N]
