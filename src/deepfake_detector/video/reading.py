"""The frames of a video in decode order.

Frame numbers are decode order from 0, never time x fps. Uses FFmpeg through PyAV, whose errors
(unlike those of OpenCV) can be told from the end. Shapes: `H` height, `W` width in px.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_detector.video.decoding import count_quarter_turns, decode_frames


def read_frames(
    path: Path, frame_stride: int = 1, threads: int = 0
) -> Iterator[tuple[int, np.ndarray]]:
    """Give frame 0, `frame_stride`, 2 `frame_stride`, ... with its number: uint8 RGB [H, W, 3].

    Raises:
        ValueError: as `probe_video`; when the video breaks half-way, after its last good frame.
    """
    for number, frame in enumerate(decode_frames(Path(path), threads)):
        if number % frame_stride == 0:
            image = frame.to_ndarray(format="rgb24")
            yield number, np.ascontiguousarray(np.rot90(image, count_quarter_turns(frame)))
