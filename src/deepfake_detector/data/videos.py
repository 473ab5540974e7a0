"""Videos: frames in decode order, what a file really holds, and writing clips.

Frame numbers are decode order from 0, never time x fps. What a header says is not trusted: frames are
counted by decoding them. Sizes are those a player shows: turned as the file asks for, pixels as they
are stored. Uses FFmpeg through PyAV, whose errors (unlike those of OpenCV) can be told from the end.
Shapes: `H` height, `W` width in px.
"""

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_NOT_VIDEO = ("tty", "image2", "_pipe", "hls", "dash", "concat", "srt", "ass", "webvtt")
"""FFmpeg's demuxers for text, pictures and playlists, which would pass for videos."""

_DURATION_IN_HEADER = ("mp4", "matroska", "avi", "asf", "flv")
"""Containers whose header tells the duration, so that a missing end can be seen."""

_MISSING_SECONDS = 0.5  # a file that ends this much before its header's duration is cut off
_MISSING_SHARE = 0.05  # ... or this share of it, whichever is more


@dataclass(frozen=True)
class VideoFacts:
    """What a video holds, by decoding it whole."""

    width_px: int
    height_px: int
    fps: float
    frames: int
    codec: str


def probe_video(path: Path, threads: int = 0) -> VideoFacts:
    """Decode a video whole and say what is in it.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        ValueError: empty, not a video, cut off, broken, or without a frame; names file and reason.
        FileNotFoundError: there is no such file.
    """
    count, size_px = 0, None
    for frame in _decode(path, threads):
        size_px = size_px or _shown_size(frame)
        count += 1
    with _open(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or 0
        codec = stream.codec_context.codec.canonical_name
    return VideoFacts(*size_px, float(rate), count, codec)


def read_frames(path: Path, every: int = 1, threads: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Give frame 0, `every`, 2 `every`, ... with its number: uint8 RGB [H, W, 3].

    Raises:
        ValueError: as `probe_video`; when the video breaks half-way, after its last good frame.
    """
    for number, frame in enumerate(_decode(path, threads)):
        if number % every == 0:
            image = frame.to_ndarray(format="rgb24")
            yield number, np.ascontiguousarray(np.rot90(image, _quarter_turns(frame)))


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float, crf: int = 18) -> None:
    """Write frames, uint8 RGB [H, W, 3], as H.264 in an MP4 file, which appears when it is complete.

    Odd sizes are padded by a pixel, as 4:2:0 needs.

    Args:
        crf: quality of x264, lower is better.

    Raises:
        ValueError: there is no frame.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with av.open(str(unfinished), "w", format="mp4") as container:
            _encode(container, iter(frames), fps, crf, path)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _encode(container, frames: Iterator[np.ndarray], fps: float, crf: int, path: Path) -> None:
    first = next(frames, None)
    if first is None:
        raise ValueError(f"{path}: expected at least one frame, got none")
    rate = Fraction(fps).limit_denominator(1001)  # 30000/1001 is NTSC's rate
    stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf)})
    stream.pix_fmt = "yuv420p"
    stream.height, stream.width = (side + side % 2 for side in first.shape[:2])
    for frame in itertools.chain([first], frames):
        container.mux(stream.encode(_to_video_frame(frame)))
    container.mux(stream.encode())


def _to_video_frame(image: np.ndarray) -> av.VideoFrame:
    height_px, width_px = image.shape[:2]
    even = np.pad(image, [(0, height_px % 2), (0, width_px % 2), (0, 0)], mode="edge")
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")


def _decode(path: Path, threads: int) -> Iterator[av.VideoFrame]:
    """Give all frames, and raise at the end where they are not all there or not of one size."""
    path, count, size_px, end_seconds = Path(path), 0, None, 0.0
    with _open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        try:
            for packet in container.demux():
                end_seconds = max(end_seconds, _end_of(packet))
                for frame in packet.decode() if packet.stream is stream else ():
                    size_px = size_px or _shown_size(frame)
                    _check_size(path, count, _shown_size(frame), size_px)
                    yield frame
                    count += 1
        except av.error.FFmpegError as error:
            raise ValueError(
                f"{path.name}: breaks after {count} frames ({error.strerror}); copy or encode it again"
            ) from error
        _check_complete(path, container, count, end_seconds)


def _open(path: Path):
    path = Path(path)
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name}: empty file (0 bytes); copy it again")
    try:
        container = av.open(str(path), options={"protocol_whitelist": "file"})
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path.name}: not a video, or cut off before its header ({error.strerror}); "
            "copy or encode it again"
        ) from error
    formats = container.format.name.split(",")
    if not container.streams.video or any(name.endswith(_NOT_VIDEO) for name in formats):
        container.close()
        raise ValueError(f"{path.name}: not a video ({container.format.long_name}); remove it")
    if container.streams.video[0].codec_context is None:
        container.close()
        raise ValueError(f"{path.name}: its codec is not known here; encode it as H.264")
    return container


def _end_of(packet: av.Packet) -> float:
    """Give the time at which a packet ends, in seconds; 0 where it has none."""
    if packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def _check_complete(path: Path, container, count: int, end_seconds: float) -> None:
    if count == 0:
        raise ValueError(f"{path.name}: no frame can be decoded; encode it as H.264")
    formats = container.format.name.split(",")
    if container.duration is None or not any(name in _DURATION_IN_HEADER for name in formats):
        return
    seconds = container.duration / av.time_base
    seconds_found = end_seconds - (container.start_time or 0) / av.time_base
    if seconds - seconds_found > max(_MISSING_SECONDS, _MISSING_SHARE * seconds):
        raise ValueError(
            f"{path.name}: cut off: it holds {seconds_found:.1f} of {seconds:.1f} seconds "
            f"({count} frames); copy it again, or encode the part that is there"
        )


def _check_size(path: Path, number: int, size_px: tuple, expected_px: tuple) -> None:
    if size_px != expected_px:
        raise ValueError(
            f"{path.name}: frame {number} is {size_px[0]}x{size_px[1]} px, those before are "
            f"{expected_px[0]}x{expected_px[1]}; encode it at one size"
        )


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Give how often to turn a frame by 90 degrees, counter-clockwise."""
    return round(frame.rotation / 90) % 4


def _shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    if _quarter_turns(frame) % 2:
        return frame.height, frame.width
    return frame.width, frame.height
