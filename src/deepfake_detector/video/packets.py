"""What a video holds by its packets, read without decoding: a header's count is only a hint."""

from dataclasses import dataclass, field
from pathlib import Path

import av

from deepfake_detector.video.decoding import open_video
from deepfake_detector.video.file_facts import read_facts
from deepfake_detector.video.media.errors import RejectedFileError, reading
from deepfake_detector.video.media.limits import MAX_VIDEO_SECONDS
from deepfake_detector.video.media.streams import (
    choose_rate,
    choose_stream,
    read_pixel_aspect,
)

_MAX_DIFFERENCE = 0.05  # of the seconds that a header says, to those of its count of frames


@dataclass(frozen=True)
class PacketScan:
    """Frames of a video and the seconds they last.

    Attributes:
        fps: frames a second, by the header.
        frames: as far as the file can be read; of a cut-off MP4 all that its index lists.
        seconds: from the first frame, as far as the file can be read.
        pixel_aspect: width over height of a pixel before the frame is turned.
        facts: what the file says about itself, as `read_facts` returns it.
    """

    fps: float
    frames: int
    seconds: float
    pixel_aspect: float = 1.0
    facts: dict[str, str] = field(default_factory=dict, compare=False)


def scan_packets(path: Path) -> PacketScan:
    """Read the packets of a video's stream.

    Returns:
        What is there; 0 frames where nothing is.

    Raises:
        RejectedFileError: not a video.
        FileNotFoundError: there is no such file.
        OSError: trouble of the machine.
    """
    count, first, last = 0, None, None
    with open_video(path) as container:
        stream = choose_stream(container)
        rate, facts = choose_rate(stream), read_facts(container, stream)
        try:
            with reading(path):
                for packet in container.demux(stream):
                    if not packet.size or packet.is_discard:
                        continue
                    count += 1
                    if packet.pts is not None:
                        first = packet.pts if first is None else min(first, packet.pts)
                        last = packet.pts if last is None else max(last, packet.pts)
                span = 0 if first is None else float((last - first) * stream.time_base)
        except RejectedFileError:
            span = 0
        frames = max(count, _count_in_index(container, stream, rate))
        aspect = read_pixel_aspect(stream)
    seconds = max(span, 0) + 1 / rate if span else count / rate
    return PacketScan(rate, frames, seconds, aspect, facts)


def _count_in_index(container, stream, rate: float) -> int:
    """Count the frames that the index of an MP4 file lists, where its duration says the same."""
    seconds = (container.duration or 0) / av.time_base
    is_mp4 = "mp4" in container.format.name.split(",")
    if not is_mp4 or seconds > MAX_VIDEO_SECONDS:
        return 0
    is_consistent = abs(stream.frames / rate - seconds) <= _MAX_DIFFERENCE * seconds
    return stream.frames if is_consistent else 0
