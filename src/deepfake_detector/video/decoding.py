"""Decoding a video file to its end, and telling an end from a break.

FFmpeg gives up silently where a file is cut off at a packet's border, so the time reached is
compared with the header's duration, which is trusted for nothing else. Shapes: `H` height, `W`
width in px.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from deepfake_detector.video.media.errors import (
    LimitError,
    RejectedFileError,
    check_regular_file,
    reading,
    show_name,
)
from deepfake_detector.video.media.limits import MAX_VIDEO_PX, MAX_VIDEO_SECONDS
from deepfake_detector.video.media.orientation import (
    Orientation,
    orient,
    read_orientation,
)
from deepfake_detector.video.media.streams import check_streams, choose_stream
from deepfake_detector.video.media.tone_mapping import map_tones, name_transfer

_DURATION_IN_HEADER = ("mp4", "matroska", "asf", "flv")
"""Containers whose header tells the duration, so that a missing end can be seen."""

_MISSING_SECONDS = 0.5  # a file that ends this much before its header's duration is cut off
_MISSING_FRACTION = 0.05  # ... or this fraction of it, whichever is more
_UNKNOWN_RIFF_SIZE = 0x7FFFFFFF  # a stream's size is not known; writers put this or more


@dataclass(frozen=True)
class DecodedFrame:
    """A frame of a video, converted to RGB only where it is wanted.

    Attributes:
        time: seconds as the file counts them; None where the frame has no time.
        size_px: width and height as a player shows it, of the pixels stored.
        is_turned: shown by a quarter turn, so that width and height are swapped.
        transfer: `pq` or `hlg` for HDR, which is read as SDR; else empty.
        to_rgb: gives uint8 RGB [H, W, 3] as a player without HDR shows it, turned and mirrored;
            to be called before the next frame is asked for. Pixels stay as they are stored, also
            where they are not square. Raises RejectedFileError where it cannot be converted.
    """

    time: float | None
    size_px: tuple[int, int]
    is_turned: bool
    transfer: str
    to_rgb: Callable[[], np.ndarray]


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


def decode_frames(path: Path, threads: int) -> Iterator[DecodedFrame]:
    """Yield all frames in order, and raise where they are not all there or not of one size.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        RejectedFileError: as `open_video`, and for a break, after the last good frame.
        LimitError: the frames' times go on for more than `MAX_VIDEO_SECONDS`.
    """
    count, size_px, start, end_seconds = 0, None, None, 0.0
    converter = _Converter(path)

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
            for coded in packet.decode() if packet.stream is stream else ():
                frame = converter.describe(coded)
                size_px = size_px or frame.size_px
                start = frame.time if start is None else start
                _check_frame(path, count, frame, size_px, start)
                yield frame
                count += 1
        _check_complete(path, container, count, end_seconds)


class _Converter:
    """Describes and converts the frames of one video.

    PyAV's frame and its side data refer to each other, so that a frame whose side data was looked
    at waits for the garbage collector, with its pixels: they are looked at once for each angle.
    A reformatter of its own has threads of its own, so that there is one for all frames.
    """

    def __init__(self, path: Path):
        self._path, self._reformatter = path, VideoReformatter()
        self._orientations: dict[int, Orientation] = {}

    def describe(self, frame: av.VideoFrame) -> DecodedFrame:
        angle = frame.rotation
        if angle not in self._orientations:
            self._orientations[angle] = read_orientation(frame)
        orientation, transfer = self._orientations[angle], name_transfer(frame.color_trc)
        is_turned = orientation.swaps_axes
        return DecodedFrame(
            frame.time,
            (frame.height, frame.width) if is_turned else (frame.width, frame.height),
            is_turned,
            transfer,
            lambda: self._to_rgb(frame, orientation, transfer),
        )

    def _to_rgb(self, frame: av.VideoFrame, orientation: Orientation, transfer: str) -> np.ndarray:
        with reading(self._path, lambda: "a frame cannot be converted to RGB"):
            if transfer:
                return orient(map_tones(frame, transfer), orientation)
            converted = self._reformatter.reformat(frame, format="rgb24")
            return orient(converted.to_ndarray(), orientation)


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
    path: Path, number: int, frame: DecodedFrame, expected_px: tuple, start: float | None
) -> None:
    size_px = frame.size_px
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
