"""A video watched from beginning to end: its faces followed, their scores kept, then judged.

What is kept grows by a few numbers with each face in a frame that is analyzed, never by pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepfake_detector.inference.detector import detect_faces
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Decision, decide_track, decide_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.track_collector import TrackCollector
from deepfake_detector.video.frame_reader import Frame, FrameReader
from deepfake_detector.video.sampling import Sampler


@dataclass(frozen=True)
class Expert:
    """What it takes to analyze a video: a detector, and what turns its scores into answers."""

    detector: Any
    calibration: Calibration


@dataclass(frozen=True)
class VideoAnalysis:
    """What was seen in a video.

    Attributes:
        width_px: as a player shows it, like `height_px`.
        frames_read: decoded ones; `seconds` is the time of the last of them.
        problem: why the video ended before its end; empty where it did not.
        frame_stride: the distance of frames analyzed, at the end.
        analyzed: the seconds of each frame analyzed, by its number.
        faces: `frame` and what `detect_faces` gives, `track` (0: hardly a face), one row a face.
        tracks: what was seen of each face over time.
    """

    width_px: int
    height_px: int
    frames_read: int
    seconds: float
    problem: str
    frame_stride: int
    analyzed: dict[int, float]
    faces: pd.DataFrame
    tracks: list[FaceTrack]


@dataclass(frozen=True)
class Verdict:
    """The answer on a video, and on each of its faces by track number."""

    video: Decision
    tracks: dict[int, Decision]


class VideoAnalyzer:
    """Takes in frames of one video, in order."""

    def __init__(self, expert: Expert):
        self._detector = expert.detector
        self._collector = TrackCollector(expert.calibration.usable.min_face_score)
        self.analyzed: dict[int, float] = {}
        self.size_px = (0, 0)
        self._tables: list[pd.DataFrame] = []

    def analyze_frames(self, frames: list[Frame]) -> None:
        """Find and follow the faces of frames."""
        tables = detect_faces(self._detector, [frame.image for frame in frames])
        for frame, faces in zip(frames, tables, strict=True):
            numbers = self._collector.add(frame.number, frame.image, faces)
            self.analyzed[frame.number] = frame.seconds
            self.size_px = frame.image.shape[1::-1]
            self._tables.append(faces.assign(frame=frame.number, track=numbers))

    def collect(self) -> tuple[pd.DataFrame, list[FaceTrack]]:
        """Give all faces found so far, and what was seen of each over time."""
        filled = [table for table in self._tables if len(table)] or self._tables[:1]
        return pd.concat(filled, ignore_index=True), self._collector.collect()


def analyze_video(
    path: Path,
    expert: Expert,
    sampler: Sampler,
    max_seconds: float | None = None,
    tell: Callable[[int], None] = lambda frames_read: None,
) -> VideoAnalysis:
    """Watch a video; one that breaks is watched as far as it goes.

    Args:
        max_seconds: a longer one is rejected; None is no limit.
        tell: called now and then with the number of frames read so far.

    Raises:
        ValueError: it cannot be read at all, or is too long.
        FileNotFoundError: there is no such file.
    """
    reader, analyzer = FrameReader(Path(path), max_seconds), VideoAnalyzer(expert)
    for frames in reader.read(sampler.is_wanted):
        analyzer.analyze_frames(frames)
        tell(reader.count)
    faces, tracks = analyzer.collect()
    return VideoAnalysis(
        *analyzer.size_px, reader.count, reader.seconds, reader.problem, sampler.frame_stride,
        analyzer.analyzed, faces, tracks,
    )  # fmt: skip


def analyze_image(image: np.ndarray, expert: Expert) -> VideoAnalysis:
    """Look at an image, uint8 RGB [H, W, 3], as at a video of one frame."""
    analyzer = VideoAnalyzer(expert)
    analyzer.analyze_frames([Frame(0, 0.0, image)])
    return VideoAnalysis(*analyzer.size_px, 1, 0.0, "", 1, analyzer.analyzed, *analyzer.collect())


def judge_watched(analysis: VideoAnalysis, calibration: Calibration) -> Verdict:
    """Decide on a video and each face in it."""
    judged = {track.track: decide_track(track, calibration) for track in analysis.tracks}
    return Verdict(decide_video(analysis.tracks, calibration), judged)
