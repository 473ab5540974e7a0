"""Decoding a video file to its end, and telling an end from a break.

FFmpeg gives up silently where a file is cut off at a packet's border, so the time reached is
compared with the header's duration, which is trusted for nothing else.
"""

from collections.abc import Iterator
from pathlib import Path

import av

_NOT_VIDEO = ("tty", "image2", "_pipe", "hls", "dash", "concat", "srt", "ass", "webvtt")
"""FFmpeg's demuxers for text, pictures and playlists, which would pass for videos."""

_DURATION_IN_HEADER = ("mp4", "matroska", "avi", "asf", "flv")
"""Containers whose header tells the duration, so that a missing end can be seen."""

_MISSING_SECONDS = 0.5  # a file that ends this much before its header's duration is cut off
_MISSING_SHARE = 0.05  # ... or this share of it, whichever is more


def open_video(path: Path):
    """Open a video.

    Raises:
        ValueError: empty, not a video, or of an unknown codec; names file and reason.
        FileNotFoundError: there is no such file.
    """
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


def decode_frames(path: Path, threads: int) -> Iterator[av.VideoFrame]:
    """Give all frames in order, and raise where they are not all there or not of one size.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        ValueError: as `open_video`, and for a break, after the last good frame.
    """
    count, size_px, end_seconds = 0, None, 0.0
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        try:
            for packet in container.demux():
                end_seconds = max(end_seconds, _give_end(packet))
                for frame in packet.decode() if packet.stream is stream else ():
                    size_px = size_px or get_shown_size(frame)
                    _check_size(path, count, get_shown_size(frame), size_px)
                    yield frame
                    count += 1
        except av.error.FFmpegError as error:
            raise ValueError(
                f"{path.name}: breaks after {count} frames ({error.strerror}); "
                "copy or encode it again"
            ) from error
        _check_complete(path, container, count, end_seconds)


def get_shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Give width and height in px as a player shows the frame."""
    if count_quarter_turns(frame) % 2:
        return frame.height, frame.width
    return frame.width, frame.height


def count_quarter_turns(frame: av.VideoFrame) -> int:
    """Give how often to turn a frame by 90 degrees, counter-clockwise, as a player does."""
    return round(frame.rotation / 90) % 4


def _give_end(packet: av.Packet) -> float:
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
