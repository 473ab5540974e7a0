"""A video's frames with their times, decoded in a thread while others are analyzed.

Memory holds two batches of frames, however long the video is. Shapes: `H`, `W` in px.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.decoding import DecodedFrame
from deepfake_detector.video.media.errors import LimitError, RejectedFileError, show_name
from deepfake_detector.video.packets import PacketScan

MAX_FRAMES = 16  # in a batch
MAX_PX = MAX_FRAMES * 1280 * 720  # so that a batch of 4K frames is not a gigabyte
_END = object()


@dataclass(frozen=True)
class Frame:
    """A frame as a player shows it: number, seconds from the first, uint8 RGB image [H, W, 3]."""

    number: int
    seconds: float
    image: np.ndarray


class FrameReader:
    """Reads the wanted frames of a video in batches.

    Attributes:
        count: frames decoded so far, wanted or not.
        seconds: the time of the last one, from the first.
        problem: why the video ended early; empty where it did not.
        pixel_aspect: width over height of a pixel as a player shows it; by the first frame.
        transfer: `pq` or `hlg` where the video is HDR, read as SDR; else empty.
    """

    def __init__(
        self,
        path: Path,
        packets: PacketScan,
        max_seconds: float | None = None,
        decoder: Decoder = Decoder(),  # noqa: B008  has no state
    ):
        self.count, self.seconds, self.problem = 0, 0.0, ""
        self.pixel_aspect, self.transfer = packets.pixel_aspect, ""
        self._path, self._packets, self._max_seconds = path, packets, max_seconds
        self._decoder = decoder

    def restart(self) -> "FrameReader":
        """Return a reader of the same video that is at its beginning."""
        return FrameReader(self._path, self._packets, self._max_seconds, self._decoder)

    def read(self, is_wanted: Callable[[int], bool]) -> Iterator[list[Frame]]:
        """Give the wanted frames, decoding the next batch while one is used.

        A video that breaks gives what is there, and `problem`.

        Raises:
            ValueError: no frame can be read, or the video is longer than `max_seconds`.
        """
        return read_ahead(self._read_batches(is_wanted))

    def _read_batches(self, is_wanted: Callable[[int], bool]) -> Iterator[list[Frame]]:
        batch: list[Frame] = []
        for frame in self._read_wanted(is_wanted):
            batch.append(frame)
            height_px, width_px = frame.image.shape[:2]
            if len(batch) >= count_frames_at_once(width_px, height_px):
                yield batch
                batch = []
        if batch:
            yield batch

    def _read_wanted(self, is_wanted: Callable[[int], bool]) -> Iterator[Frame]:
        fps, start = self._packets.fps, None
        self._check_length(self._packets.seconds)
        frames = self._decoder.decode_frames(self._path)
        while (frame := self._decode_next(frames)) is not None:
            number = self.count
            if number == 0:
                self._describe(frame)
            start = frame.time if start is None else start
            has_time = frame.time is not None and start is not None
            self.seconds = max(0.0, frame.time - start) if has_time else number / fps
            self.count += 1
            self._check_length(self.seconds)
            if is_wanted(number):
                yield Frame(number, self.seconds, frame.to_rgb())

    def _describe(self, first: DecodedFrame) -> None:
        aspect = self._packets.pixel_aspect
        self.pixel_aspect = 1 / aspect if first.is_turned else aspect
        self.transfer = first.transfer

    def _decode_next(self, frames):
        try:
            return next(frames, None)
        except LimitError:
            raise
        except RejectedFileError as error:
            if self.count == 0:
                raise
            self.problem = str(error)
            return None

    def _check_length(self, seconds: float) -> None:
        if self._max_seconds is not None and seconds > self._max_seconds:
            raise LimitError(
                f"{show_name(self._path)}: longer than {self._max_seconds:g} seconds, "
                "which is the limit; cut out the part that matters"
            )


def count_frames_at_once(width_px: int, height_px: int) -> int:
    """Give how many frames of a size go into a batch."""
    return max(1, min(MAX_FRAMES, MAX_PX // (width_px * height_px)))


def read_ahead(items: Iterator) -> Iterator:
    """Give items while a thread makes the next one; what it raises is raised here."""
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(next, items, _END)
        while (item := ahead.result()) is not _END:
            ahead = thread.submit(next, items, _END)
            yield item
