"""Decoding a video file to its end, and telling an end from a break.

FFmpeg gives up silently where a file is cut off at a packet's border, so the time reached is
compared with the header's duration, which is trusted for nothing else. Shapes: `H` height, `W`
width in px.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from deepfake_detector.video.media.errors import (
    LimitError,
    RejectedFileError,
    check_regular_file,
    reading,
    show_name,
)
from deepfake_detector.video.media.limits import MAX_VIDEO_PX, MAX_VIDEO_SECONDS
from deepfake_detector.video.media.orientation import orient, read_orientation
from deepfake_detector.video.media.streams import check_streams, choose_stream
from deepfake_detector.video.media.tone_mapping import map_tones, name_transfer

_DURATION_IN_HEADER = ("mp4", "matroska", "asf", "flv")
"""Containers whose header tells the duration, so that a missing end can be seen."""

_MISSING_SECONDS = 0.5  # a file that ends this much before its header's duration is cut off
_MISSING_FRACTION = 0.05  # ... or this fraction of it, whichever is more
_UNKNOWN_RIFF_SIZE = 0x7FFFFFFF  # a stream's size is not known; writers put this or more


def open_video(path: Path):
    """Open a video; `choose_stream` finds the stream that a player shows.

    Raises:
        RejectedFileError: not a file with content, not a video, of an unknown codec, or over a
            limit; names file, reason and remedy.
        FileNotFoundError: there is no such file.
        OSError: trouble of the machine.
    """
    check_regular_file(path)
    options = {"protocol_whitelist": "file", "max_pixels": str(MAX_VIDEO_PX)}
    with reading(path, lambda: "not a video, or cut off before its header"):
        # absolute: FFmpeg takes what stands before a colon for a protocol
        container = av.open(str(path.absolute()), options=options)
        try:
            check_streams(path, container)
        except BaseException:
            container.close()
            raise
    return container


def decode_frames(path: Path, threads: int) -> Iterator[av.VideoFrame]:
    """Yield all frames in order, and raise where they are not all there or not of one size.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        RejectedFileError: as `open_video`, and for a break, after the last good frame.
        LimitError: the frames' times go on for more than `MAX_VIDEO_SECONDS`.
    """
    count, size_px, start, end_seconds = 0, None, None, 0.0

    def describe() -> str:
        if count == 0:
            return f"no frame can be decoded, or none of at most {MAX_VIDEO_PX} pixels"
        return f"breaks after {count} frames"

    with open_video(path) as container, reading(path, describe):
        stream = choose_stream(container)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        stream.codec_context.options = {"max_pixels": str(MAX_VIDEO_PX)}
        for packet in container.demux():
            end_seconds = max(end_seconds, _compute_end(packet))
            for frame in packet.decode() if packet.stream is stream else ():
                size_px = size_px or get_shown_size(frame)
                start = frame.time if start is None else start
                _check_frame(path, count, frame, size_px, start)
                yield frame
                count += 1
        _check_complete(path, container, count, end_seconds)


def to_rgb(path: Path, frame: av.VideoFrame) -> np.ndarray:
    """Return a frame as a player without HDR shows it: uint8 RGB [H, W, 3], turned and mirrored.

    Pixels stay as they are stored, also where they are not square.

    Raises:
        RejectedFileError: it cannot be converted; names the file.
    """
    with reading(path, lambda: "a frame cannot be converted to RGB"):
        transfer = name_transfer(frame.color_trc)
        image = map_tones(frame, transfer) if transfer else frame.to_ndarray(format="rgb24")
        return orient(image, read_orientation(frame))


def get_shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Return width and height in px as a player shows the frame, of the pixels stored."""
    if read_orientation(frame).swaps_axes:
        return frame.height, frame.width
    return frame.width, frame.height


def _compute_end(packet: av.Packet) -> float:
    """Compute the time at which a packet ends, in seconds; 0 where it has none."""
    if packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def _check_complete(path: Path, container, count: int, end_seconds: float) -> None:
    name = show_name(path)
    if count == 0:
        raise RejectedFileError(
            f"{name}: no frame can be decoded, or none of at most {MAX_VIDEO_PX} pixels; "
            "encode it as H.264"
        )
    formats = container.format.name.split(",")
    if "avi" in formats and path.stat().st_size < _read_riff_size(path):
        raise RejectedFileError(
            f"{name}: cut off: {path.stat().st_size} of {_read_riff_size(path)} bytes are there "
            f"({count} frames); copy it again, or encode the part that is there"
        )
    if container.duration is None or not any(name in _DURATION_IN_HEADER for name in formats):
        return
    seconds = container.duration / av.time_base
    seconds_found = end_seconds - (container.start_time or 0) / av.time_base
    if seconds - seconds_found > max(_MISSING_SECONDS, _MISSING_FRACTION * seconds):
        raise RejectedFileError(
            f"{name}: cut off: it holds {seconds_found:.1f} of {seconds:.1f} seconds "
            f"({count} frames); copy it again, or encode the part that is there"
        )


def _read_riff_size(path: Path) -> int:
    """Read how many bytes an AVI file should have; 0 where its writer could not know."""
    with path.open("rb") as file:
        size = struct.unpack("<4xI", file.read(8))[0]
    return 0 if size >= _UNKNOWN_RIFF_SIZE else size + 8


def _check_frame(
    path: Path, number: int, frame: av.VideoFrame, expected_px: tuple, start: float | None
) -> None:
    size_px = get_shown_size(frame)
    if size_px != expected_px:
        raise RejectedFileError(
            f"{show_name(path)}: frame {number} is {size_px[0]}x{size_px[1]} px, those before are "
            f"{expected_px[0]}x{expected_px[1]}; encode it at one size"
        )
    if start is not None and frame.time is not None and frame.time - start > MAX_VIDEO_SECONDS:
        raise LimitError(
            f"{show_name(path)}: frame {number} is at second {frame.time - start:.0f}, and "
            f"{MAX_VIDEO_SECONDS:.0f} is the limit; cut it, or encode it again with right times"
        )
