"""Degraded copies of a video: compressed harder, or at a lower resolution.

What a platform or a messenger makes of a video. The frames keep their numbers, so annotations stay
valid but for their scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.video.packets import scan_packets
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video


@dataclass(frozen=True)
class DegradedCopy:
    """A kind of copy: `scale` of its sides to those of the original, `crf` of x264."""

    name: str
    scale: float
    crf: int


COPIES = (
    DegradedCopy("crf30", 1.0, 30),
    DegradedCopy("crf38", 1.0, 38),
    DegradedCopy("half", 1 / 2, 23),
    DegradedCopy("quarter", 1 / 4, 23),
)


def write_degraded_copy(video: Path, copy: DegradedCopy, path: Path) -> None:
    """Write a degraded copy of a video as H.264 in an MP4 file that appears when complete.

    Raises:
        ValueError: the video cannot be read.
    """
    write_video(path, _shrink(video, copy.scale), scan_packets(video).fps, copy.crf)


def _shrink(video: Path, scale: float) -> Iterator[np.ndarray]:
    for _, image in read_frames(video):
        if scale == 1.0:
            yield image
            continue
        height, width = (max(2, round(side * scale)) for side in image.shape[:2])
        yield cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
