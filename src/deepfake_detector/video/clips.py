"""Videos: frames in decode order, what a file really holds, and writing clips.

Frame numbers are decode order from 0, never time x fps. What a header says is not trusted: frames
are counted by decoding them. Sizes are those a player shows: turned as the file asks for, pixels
as they are stored. Uses FFmpeg through PyAV, whose errors (unlike those of OpenCV) can be told
from the end. Shapes: `H` height, `W` width in px.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from deepfake_detector.common.files import replace_file
from deepfake_detector.video.decoding import (
    count_quarter_turns,
    decode_frames,
    get_shown_size,
    open_video,
)


@dataclass(frozen=True)
class VideoMetadata:
    """What a video holds, by decoding it whole."""

    width_px: int
    height_px: int
    fps: float
    frames: int
    codec: str


def probe_video(path: Path, threads: int = 0) -> VideoMetadata:
    """Decode a video whole and say what is in it.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        ValueError: empty, not a video, cut off, broken, or without a frame; names file and reason.
        FileNotFoundError: there is no such file.
    """
    path, count, size_px = Path(path), 0, None
    for frame in decode_frames(path, threads):
        size_px = size_px or get_shown_size(frame)
        count += 1
    with open_video(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or 0
        codec = stream.codec_context.codec.canonical_name
    return VideoMetadata(*size_px, float(rate), count, codec)


def read_header(path: Path) -> tuple[float, int]:
    """Read frame rate and number of frames from a video's header, without decoding.

    The number is often wrong, 0 where it is not there: good for a progress bar.

    Raises:
        ValueError: empty, or not a video.
    """
    with open_video(Path(path)) as container:
        stream = container.streams.video[0]
        return float(stream.average_rate or stream.guessed_rate or 25), stream.frames


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
