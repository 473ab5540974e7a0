"""What a video file holds.

What a header says is not trusted: frames are counted by decoding them. Sizes are those a player
shows: turned as the file asks for, pixels as they are stored.
"""

from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.video.decoding import decode_frames, get_shown_size, open_video

USUAL_FPS = 25.0  # where a header has no frame rate


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


@dataclass(frozen=True)
class VideoHeader:
    """Frames a second, and how many frames there are; 0 where the header does not tell.

    Good for a progress bar and for choosing frames; often wrong.
    """

    fps: float
    frames: int


def read_header(path: Path) -> VideoHeader:
    """Read a video's header, without decoding.

    Raises:
        ValueError: empty, or not a video.
        FileNotFoundError: there is no such file.
    """
    with open_video(Path(path)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or 0
        seconds = (container.duration or 0) / 1_000_000  # FFmpeg's AV_TIME_BASE
        return VideoHeader(float(rate or USUAL_FPS), stream.frames or int(seconds * rate))
