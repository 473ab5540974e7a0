"""Which stream of a file is the video: the one that a player shows.

Cover pictures, thumbnails, the tiles of a photo and streams that only help another one are none.
"""

from pathlib import Path

from av.stream import Disposition

from deepfake_detector.video.media.errors import LimitError, RejectedFileError, show_name
from deepfake_detector.video.media.limits import FALLBACK_FPS, MAX_FPS, MAX_VIDEO_PX, MIN_FPS

_NOT_VIDEO = ("tty", "image2", "_pipe", "hls", "dash", "concat", "srt", "ass", "webvtt")
"""FFmpeg's demuxers for text, pictures and playlists, which would pass for videos."""

_NOT_SHOWN = 1 << 10 | 1 << 11 | 1 << 19 | 1 << 20
"""FFmpeg's dispositions attached_pic, timed_thumbnails, dependent (tiles), still_image."""

_TILE = 1 << 19

_MIN_ASPECT = 0.1  # a pixel longer than ten times its width is a mistake of the file


def check_streams(path: Path, container) -> None:
    """Check that a container holds a video that can be decoded here.

    Raises:
        RejectedFileError: text, a picture, a playlist, sound, an unknown codec.
        LimitError: frames of more than `MAX_VIDEO_PX`.
    """
    name, formats = show_name(path), container.format.name.split(",")
    streams = list_shown(container)
    if any(format_name.endswith(_NOT_VIDEO) for format_name in formats):
        raise RejectedFileError(f"{name}: not a video ({container.format.long_name}); remove it")
    if not streams:
        raise RejectedFileError(f"{name}: not a video ({_say_what_it_is(container)})")
    context = choose_stream(container).codec_context
    if context is None:
        raise RejectedFileError(f"{name}: its codec is not known here; encode it as H.264")
    if context.width * context.height > MAX_VIDEO_PX:
        raise LimitError(
            f"{name}: {context.width}x{context.height} px are over {MAX_VIDEO_PX} pixels, which "
            "is the limit; encode it smaller"
        )


def list_shown(container) -> list:
    """List the video streams that a player could show, in their order."""
    return [s for s in container.streams.video if not int(s.disposition) & _NOT_SHOWN]


def choose_stream(container):
    """Choose the video stream that a player shows: the default one, else the largest."""

    def rank(stream) -> tuple[bool, int]:
        context = stream.codec_context
        size_px = context.width * context.height if context else 0
        return bool(stream.disposition & Disposition.default), size_px

    return max(list_shown(container), key=rank)  # of equals, the first


def choose_rate(stream) -> float:
    """Return a stream's frames a second as its header has them, where that can be meant."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and MIN_FPS <= rate <= MAX_FPS:
            return float(rate)
    return FALLBACK_FPS


def read_pixel_aspect(stream) -> float:
    """Return width over height of a pixel as stored, so before a turn; 1 where none is said."""
    ratio = float(stream.sample_aspect_ratio or 0) or 1.0
    return ratio if _MIN_ASPECT <= ratio <= 1 / _MIN_ASPECT else 1.0


def _say_what_it_is(container) -> str:
    if any(int(stream.disposition) & _TILE for stream in container.streams.video):
        return "a photo in tiles, HEIC or AVIF; save it as JPEG or PNG"
    if container.streams.audio:
        return "sound without a moving picture; remove it"
    if container.streams.video:
        return "a picture that does not move; save it as JPEG or PNG"
    return f"{container.format.long_name}; remove it"
