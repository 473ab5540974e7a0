"""A video watched from beginning to end: its faces followed, their scores kept, then judged.

What is kept grows by a few numbers with each face in a frame that is looked at, never by pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepfake_detector.inference.detector import find_faces
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Judgement, judge_track, judge_video
from deepfake_detector.verdicts.face_track import TrackEvidence
from deepfake_detector.verdicts.track_collector import EvidenceCollector
from deepfake_detector.video.frame_reader import Frame, FrameReader
from deepfake_detector.video.sampling import Sampler


@dataclass(frozen=True)
class Expert:
    """What it takes to judge a video: a detector, and what turns its scores into answers."""

    detector: Any
    calibration: Calibration


@dataclass(frozen=True)
class Watched:
    """What was seen in a video.

    Attributes:
        width_px: as a player shows it, like `height_px`.
        frames_read: decoded ones; `seconds` is the time of the last of them.
        problem: why the video ended before its end; empty where it did not.
        every: the distance of frames looked at, at the end.
        looked_at: the seconds of each frame looked at, by its number.
        faces: `frame` and what `find_faces` gives, `track` (0: hardly a face), one row a face.
        tracks: what was seen of each face over time.
    """

    width_px: int
    height_px: int
    frames_read: int
    seconds: float
    problem: str
    every: int
    looked_at: dict[int, float]
    faces: pd.DataFrame
    tracks: list[TrackEvidence]


@dataclass(frozen=True)
class Verdict:
    """The answer on a video, and on each of its faces by track number."""

    video: Judgement
    tracks: dict[int, Judgement]


class Watcher:
    """Takes in frames of one video, in order."""

    def __init__(self, expert: Expert):
        self._detector = expert.detector
        self._collector = EvidenceCollector(expert.calibration.usable.least_location)
        self.looked_at: dict[int, float] = {}
        self.size_px = (0, 0)
        self._tables: list[pd.DataFrame] = []

    def look_at(self, frames: list[Frame]) -> None:
        """Find and follow the faces of frames."""
        tables = find_faces(self._detector, [frame.image for frame in frames])
        for frame, faces in zip(frames, tables, strict=True):
            numbers = self._collector.add(frame.number, frame.image, faces)
            self.looked_at[frame.number] = frame.seconds
            self.size_px = frame.image.shape[1::-1]
            self._tables.append(faces.assign(frame=frame.number, track=numbers))

    def collect(self) -> tuple[pd.DataFrame, list[TrackEvidence]]:
        """Give all faces found so far, and what was seen of each over time."""
        filled = [table for table in self._tables if len(table)] or self._tables[:1]
        return pd.concat(filled, ignore_index=True), self._collector.collect()


def watch_video(
    path: Path,
    expert: Expert,
    sampler: Sampler,
    longest_seconds: float | None = None,
    tell: Callable[[int], None] = lambda frames_read: None,
) -> Watched:
    """Watch a video; one that breaks is watched as far as it goes.

    Args:
        longest_seconds: a longer one is refused; None is no limit.
        tell: called now and then with the number of frames read so far.

    Raises:
        ValueError: it cannot be read at all, or is too long.
        FileNotFoundError: there is no such file.
    """
    reader, watcher = FrameReader(Path(path), longest_seconds), Watcher(expert)
    for frames in reader.read(sampler.is_wanted):
        watcher.look_at(frames)
        tell(reader.count)
    faces, tracks = watcher.collect()
    return Watched(
        *watcher.size_px, reader.count, reader.seconds, reader.problem, sampler.every,
        watcher.looked_at, faces, tracks,
    )  # fmt: skip


def watch_image(image: np.ndarray, expert: Expert) -> Watched:
    """Look at an image, uint8 RGB [H, W, 3], as at a video of one frame."""
    watcher = Watcher(expert)
    watcher.look_at([Frame(0, 0.0, image)])
    return Watched(*watcher.size_px, 1, 0.0, "", 1, watcher.looked_at, *watcher.collect())


def judge_watched(watched: Watched, calibration: Calibration) -> Verdict:
    """Judge a video and each face in it."""
    judged = {track.track: judge_track(track, calibration) for track in watched.tracks}
    return Verdict(judge_video(watched.tracks, calibration), judged)
