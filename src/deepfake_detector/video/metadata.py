"""What a video file holds.

What a header says is not trusted: frames are counted by decoding them. Sizes are those a player
shows: turned as the file asks for, pixels as they are stored.
"""

from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.video.decoding import decode_frames, open_video
from deepfake_detector.video.media.streams import choose_rate, choose_stream, read_pixel_aspect


@dataclass(frozen=True)
class VideoMetadata:
    """What a video holds, by decoding it whole.

    Attributes:
        width_px: of the pixels stored, turned as a player does, like `height_px`.
        pixel_aspect: width over height of a pixel as a player shows it, turned likewise.
        transfer: `pq` or `hlg` for HDR, which is read as SDR; else empty.
    """

    width_px: int
    height_px: int
    fps: float
    frames: int
    codec: str
    pixel_aspect: float = 1.0
    transfer: str = ""


def probe_video(path: Path, threads: int = 0) -> VideoMetadata:
    """Decode a video whole and say what is in it.

    Args:
        threads: of the decoder; 0 lets FFmpeg choose.

    Raises:
        ValueError: empty, not a video, cut off, broken, or without a frame; names file and reason.
        FileNotFoundError: there is no such file.
    """
    path, count, first = Path(path), 0, None
    for frame in decode_frames(path, threads):
        first = first or frame
        count += 1
    with open_video(path) as container:
        stream = choose_stream(container)
        codec, aspect = stream.codec_context.codec.canonical_name, read_pixel_aspect(stream)
        return VideoMetadata(
            *first.size_px,
            choose_rate(stream),
            count,
            codec,
            1 / aspect if first.is_turned else aspect,
            first.transfer,
        )
