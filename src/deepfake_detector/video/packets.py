"""What a video holds by its packets, read without decoding: a header's count is only a hint."""

from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.video.decoding import open_video
from deepfake_detector.video.media.errors import RejectedFileError, reading
from deepfake_detector.video.media.streams import choose_rate, choose_stream


@dataclass(frozen=True)
class PacketScan:
    """Frames of a video and the seconds they last, as far as the file can be read.

    Attributes:
        fps: frames a second, by the header.
    """

    fps: float
    frames: int
    seconds: float


def scan_packets(path: Path) -> PacketScan:
    """Read the packets of a video's stream.

    Returns:
        What is there before the file breaks, if it does; 0 frames where nothing is.

    Raises:
        RejectedFileError: not a video.
        FileNotFoundError: there is no such file.
        OSError: trouble of the machine.
    """
    count, first, last = 0, None, None
    with open_video(path) as container:
        stream = choose_stream(container)
        rate = choose_rate(stream)
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
    return PacketScan(rate, count, max(span, 0) + 1 / rate if span else count / rate)
