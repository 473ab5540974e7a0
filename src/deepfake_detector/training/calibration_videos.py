"""The videos that verdicts are calibrated on: as they are, and as degraded copies.

Each is analyzed as `predict` would. What was seen is kept in a folder, so that a stopped run goes
on where it was; a video or a model of another content has another name there.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import replace_file
from deepfake_detector.evaluation.tracked_videos import name_track, name_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.video.degraded_copies import DegradedCopy, write_degraded_copy

AnalyzeTracks = Callable[[Path], list[FaceTrack]]
"""Returns the tracks of a video file."""

FIELDS = (
    "frames",
    "boxes_px",
    "real",
    "fake",
    "sharpness",
    "brightness",
    "blockiness",
    "classified",
)


@dataclass(frozen=True)
class AnnotatedVideo:
    """A video file with its annotated faces, `frame, left, top, right, bottom, label` in px."""

    path: Path
    sha256: str
    source: str
    method_group: str
    faces: pd.DataFrame


AS_IT_IS = DegradedCopy("undegraded", 1.0, 0)
"""Stands for no copy, but the video itself."""


def label_video(
    video: AnnotatedVideo, tracks: list[FaceTrack], copy: DegradedCopy, iou_threshold: float
) -> LabelledVideo:
    """Give tracks the labels of the annotated faces they lie on.

    Args:
        copy: of the video that was analyzed.
    """
    faces = video.faces.assign(**{side: video.faces[side] * copy.scale for side in BOX})
    labels = [name_track(track, faces, iou_threshold) for track in tracks]
    label = name_video(video.faces["label"])
    kind = video.method_group if label == "fake" else copy.name
    return LabelledVideo(video.path.name, video.source, label, tracks, labels, kind)


def label_copies(
    videos: Iterable[AnnotatedVideo],
    copies: Iterable[DegradedCopy],
    analyze: AnalyzeTracks,
    kept: Path,
    model: str,
    iou_threshold: float,
) -> Iterator[LabelledVideo]:
    """Analyze each video as it is and each of its degraded copies.

    Args:
        kept: folder of what was seen before.
        model: the hash of what analyzes.
    """
    for video in videos:
        tracks = _recall(kept, f"{video.sha256}{model}", lambda v=video: analyze(v.path))
        yield label_video(video, tracks, AS_IT_IS, iou_threshold)
        for copy in copies:
            key = f"{video.sha256}{model}{copy}"
            tracks = _recall(kept, key, lambda v=video, c=copy: _analyze_copy(v.path, c, analyze))
            yield label_video(video, tracks, copy, iou_threshold)


def _analyze_copy(path: Path, copy: DegradedCopy, analyze: AnalyzeTracks) -> list[FaceTrack]:
    with tempfile.TemporaryDirectory() as folder:
        degraded = Path(folder) / f"{path.stem}_{copy.name}.mp4"
        write_degraded_copy(path, copy, degraded)
        return analyze(degraded)


def _recall(folder: Path, key: str, analyze: Callable[[], list[FaceTrack]]) -> list[FaceTrack]:
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    if path.is_file():
        return read_tracks(path)
    tracks = analyze()
    write_tracks(tracks, path)
    return tracks


def write_tracks(tracks: list[FaceTrack], path: Path) -> None:
    """Write tracks as an `.npz` file, which appears when it is complete."""
    arrays = {
        f"{track.track}/{name}": getattr(track, name)
        for track in tracks
        for name in FIELDS
        if getattr(track, name) is not None
    }
    with replace_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def read_tracks(path: Path) -> list[FaceTrack]:
    """Read tracks that `write_tracks` wrote, in the order of their numbers."""
    with np.load(path, allow_pickle=False) as arrays:
        numbers = sorted({int(name.split("/")[0]) for name in arrays})
        return [
            FaceTrack(
                number,
                **{
                    name: arrays[f"{number}/{name}"]
                    for name in FIELDS
                    if f"{number}/{name}" in arrays
                },
            )
            for number in numbers
        ]
