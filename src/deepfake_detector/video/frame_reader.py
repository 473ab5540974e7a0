"""A video's frames with their times, decoded in a thread while others are analyzed.

Memory holds two batches of frames, however long the video is. Shapes: `H`, `W` in px.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.video.decoding import count_quarter_turns, decode_frames
from deepfake_detector.video.metadata import VideoHeader

MAX_FRAMES = 16  # in a batch
MAX_PX = MAX_FRAMES * 1280 * 720  # so that a batch of 4K frames is not a gigabyte
_END = object()


@dataclass(frozen=True)
class Frame:
    """A frame as a player shows it: number in decode order, time, uint8 RGB image [H, W, 3]."""

    number: int
    seconds: float
    image: np.ndarray


class FrameReader:
    """Reads the wanted frames of a video in batches.

    Attributes:
        count: frames decoded so far, wanted or not.
        seconds: the time of the last one.
        problem: why the video ended early; empty where it did not.
    """

    def __init__(self, path: Path, header: VideoHeader, max_seconds: float | None = None):
        self.count, self.seconds, self.problem = 0, 0.0, ""
        self._path, self._header, self._max_seconds = path, header, max_seconds

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
        fps = self._header.fps
        self._check_length(self._header.frames / fps)
        frames = decode_frames(self._path, threads=0)
        while (frame := self._decode_next(frames)) is not None:
            number = self.count
            self.seconds = number / fps if frame.time is None else float(frame.time)
            self.count += 1
            self._check_length(self.seconds)
            if is_wanted(number):
                turned = np.rot90(frame.to_ndarray(format="rgb24"), count_quarter_turns(frame))
                yield Frame(number, self.seconds, np.ascontiguousarray(turned))

    def _decode_next(self, frames):
        try:
            return next(frames, None)
        except ValueError as error:
            if self.count == 0:
                raise
            self.problem = str(error)
            return None

    def _check_length(self, seconds: float) -> None:
        if self._max_seconds is not None and seconds > self._max_seconds:
            raise ValueError(
                f"{self._path.name}: longer than {self._max_seconds:g} seconds, which is the "
                "limit; cut out the part that matters"
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
