"""The frames of a video in decode order.

Frame numbers are decode order from 0, never time x fps. Uses FFmpeg through PyAV, whose errors
(unlike those of OpenCV) can be told from the end. Shapes: `H` height, `W` width in px.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_detector.video.decoding import decode_frames


def read_frames(
    path: Path, frame_stride: int = 1, threads: int = 0
) -> Iterator[tuple[int, np.ndarray]]:
    """Give frame 0, `frame_stride`, 2 `frame_stride`, ... with its number: uint8 RGB [H, W, 3].

    Raises:
        ValueError: as `probe_video`; when the video breaks half-way, after its last good frame.
    """
    path = Path(path)
    for number, frame in enumerate(decode_frames(path, threads)):
        if number % frame_stride == 0:
            yield number, frame.to_rgb()
