"""A video or an image analyzed: its faces detected, followed and decided on.

What is kept grows by a few numbers with each face in an analyzed frame, never by pictures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from deepfake_detector.inference.detector import Detector, detect_faces
from deepfake_detector.verdicts.decision import Verdict
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.track_collector import TrackCollector
from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.frame_reader import Frame
from deepfake_detector.video.packets import PacketScan

Progress = Callable[[str, int], None]
"""Called now and then with a phase (`analyzing`, `looking_closely`, `drawing`, `explaining`) and
the number of frames of the file that are done in it."""


def ignore_progress(phase: str, frames_done: int) -> None:
    """Do nothing, for those who do not wait."""


@dataclass(frozen=True)
class FrameCounts:
    """How much of a file was analyzed.

    Attributes:
        read: decoded frames.
        seconds: the time of each analyzed frame, by its number.
        stride: the distance of analyzed frames, at the end.
        rejected: frames in the file that could not be decoded; at least 1 where it breaks.
        rejected_because: why the file ended before its end; empty where it did not.
        closely: parts of a long video, from and to in seconds, of which more frames were analyzed.
    """

    read: int
    seconds: dict[int, float]
    stride: int
    rejected: int = 0
    rejected_because: str = ""
    closely: tuple[tuple[float, float], ...] = ()

    @property
    def analyzed(self) -> int:
        return len(self.seconds)


@dataclass(frozen=True)
class VideoAnalysis:
    """What was found in a video, or in an image, which is a video of one frame.

    Attributes:
        path: of the file; None for an image that lies in memory alone.
        started: when the analysis began (UTC).
        packets: what was found without decoding a video; None for an image.
        image: the image itself, uint8 RGB [H, W, 3]; None for a video.
        width_px: as a player shows it, like `height_px`.
        seconds: the time of the last frame that was read.
        faces: `frame`, what `detect_faces` returns and `track` (0: hardly a face), one row a face.
        tracks: each face over time.
        verdict: on the file, and on each track.
        frame_hashes: perceptual hashes of a few frames spread over a video.
        decoder: reads a video again, to draw on it.
        pixel_aspect: width over height of a pixel as a player shows it.
        transfer: `pq` or `hlg` of an HDR video, which is read as SDR; else empty.
    """

    path: Path | None
    started: datetime
    packets: PacketScan | None
    image: np.ndarray | None
    width_px: int
    height_px: int
    seconds: float
    frames: FrameCounts
    faces: pd.DataFrame
    tracks: list[FaceTrack]
    verdict: Verdict
    decoder: Decoder
    pixel_aspect: float = 1.0
    transfer: str = ""
    frame_hashes: tuple[int, ...] = ()


class FrameAnalyzer:
    """Takes in the frames of one video, in order.

    Attributes:
        detected: what `detect_faces` returned for each frame, by its number.
    """

    def __init__(
        self,
        detector: Detector,
        min_face_score: float,
        detected: Mapping[int, pd.DataFrame] = MappingProxyType({}),
    ):
        """Follow faces of `min_face_score`; frames in `detected` are not detected again."""
        self._detector = detector
        self._collector = TrackCollector(min_face_score)
        self._tables: list[pd.DataFrame] = []
        self.detected = dict(detected)
        self.seconds: dict[int, float] = {}
        self.size_px = (0, 0)

    def analyze(self, frames: list[Frame]) -> None:
        """Detect, classify and follow the faces of frames; at least one."""
        new = [frame for frame in frames if frame.number not in self.detected]
        if new:
            tables = detect_faces(self._detector, [frame.image for frame in new])
            self.detected |= {f.number: table for f, table in zip(new, tables, strict=True)}
        for frame in frames:
            faces = self.detected[frame.number]
            numbers = self._collector.add(frame.number, frame.image, faces)
            self.seconds[frame.number] = frame.seconds
            self.size_px = frame.image.shape[1::-1]
            self._tables.append(faces.assign(frame=frame.number, track=numbers))

    def collect(self) -> tuple[pd.DataFrame, list[FaceTrack]]:
        """Return all faces found so far, and each over time."""
        filled = [table for table in self._tables if len(table)] or self._tables[:1]
        return pd.concat(filled, ignore_index=True), self._collector.collect()
