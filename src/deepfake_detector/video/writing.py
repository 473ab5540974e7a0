"""Writing videos: H.264 in MP4 files that appear when they are complete.

Shapes: `H` height, `W` width in px.
"""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from deepfake_detector.common.files import replace_file


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float, crf: int = 18) -> None:
    """Write frames, uint8 RGB [H, W, 3], as H.264 in an MP4 file that appears when complete.

    Odd sizes are padded by a pixel, as 4:2:0 needs.

    Args:
        crf: quality of x264, lower is better.

    Raises:
        ValueError: there is no frame.
    """
    timed = ((number / fps, frame) for number, frame in enumerate(frames))
    write_timed_video(path, timed, fps, {"crf": str(crf)})


def write_timed_video(
    path: Path, frames: Iterable[tuple[float, np.ndarray]], fps: float, options: dict[str, str]
) -> None:
    """Write frames as `write_video` does, each shown at its own time in seconds.

    A frame that is not later than the one before is left out.

    Args:
        fps: frames a second, for the header.
        options: of x264.

    Raises:
        ValueError: there is no frame.
    """
    rate = Fraction(fps).limit_denominator(1001)  # 30000/1001 is NTSC's rate
    with replace_file(path) as unfinished:  # noqa: SIM117
        with av.open(str(unfinished), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate, options=options)
            _encode(container, stream, iter(frames), path)


def _encode(container, stream, frames: Iterator[tuple[float, np.ndarray]], path: Path) -> None:
    first = next(frames, None)
    if first is None:
        raise ValueError(f"{path}: expected at least one frame, got none")
    stream.pix_fmt = "yuv420p"
    stream.height, stream.width = (side + side % 2 for side in first[1].shape[:2])
    stream.codec_context.time_base = tick = _choose_tick(stream.average_rate)
    before = -1
    for seconds, image in itertools.chain([first], frames):
        frame = _to_video_frame(image)
        frame.pts, frame.time_base = round((seconds - first[0]) / tick), tick
        if frame.pts > before:
            container.mux(stream.encode(frame))
            before = frame.pts
    container.mux(stream.encode())


def _choose_tick(rate: Fraction) -> Fraction:
    """Give a unit of time in which each frame of a steady rate has a whole number."""
    return 1 / (rate * max(1, int(1000 / rate)))


def _to_video_frame(image: np.ndarray) -> av.VideoFrame:
    height_px, width_px = image.shape[:2]
    even = np.pad(image, [(0, height_px % 2), (0, width_px % 2), (0, 0)], mode="edge")
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
