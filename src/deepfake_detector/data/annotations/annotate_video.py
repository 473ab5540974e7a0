"""The faces of one video found and followed: the task of a process, here or on a cluster."""

import functools
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.config.schema import AnnotateParams
from deepfake_detector.data.annotations.annotation_writer import AnnotatedVideo
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, track_faces
from deepfake_detector.video.reading import read_frames

REPORT_SECONDS = 10

logger = logging.getLogger("annotate")


@dataclass(frozen=True)
class VideoToAnnotate:
    """A video, the label of every face in it, and how faces are found."""

    path: Path
    label: int
    params: AnnotateParams

    def load_detector(self) -> MTCNNFaceDetector:
        """Load what finds faces, once in a process."""
        return _load_detector(self.params.min_face_px)


@dataclass(frozen=True)
class Annotating:
    """What came of a video: its faces, or why it cannot be read; and how long that took."""

    video: AnnotatedVideo | None
    problem: str
    seconds_taken: float


def annotate_video(video: VideoToAnnotate) -> Annotating:
    """Find the faces of one video."""
    started, params = time.monotonic(), video.params
    try:
        frames, tracks = track_faces(
            _report_frames(video.path),
            video.load_detector(),
            params.frame_stride,
            params.confidence,
            params.smoothing_frames,
        )
    except (ValueError, FileNotFoundError) as error:  # others are the machine's
        return Annotating(None, str(error), time.monotonic() - started)
    labels = [video.label] * len(tracks)
    found = AnnotatedVideo(video.path.name, frames, tracks, labels)
    return Annotating(found, "", time.monotonic() - started)


@functools.cache
def _load_detector(min_face_px: int) -> MTCNNFaceDetector:
    return MTCNNFaceDetector(min_face_px)


def _report_frames(video: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the frames of a video, and log now and then how far it is."""
    reported = time.monotonic()
    for number, image in read_frames(video):
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            logger.info("  %s: frame %d", video.name, number)
        yield number, image
