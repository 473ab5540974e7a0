"""Which frames of a video are analyzed, so that a long one costs no more than a bounded number.

Frames between them change little; what is analyzed is spread evenly over the whole video, and in
a second pass parts of it are analyzed closely.
"""

from dataclasses import dataclass

import numpy as np

CLOSE_FRACTION = 0.5
"""Of `max_frames`, that a second pass may add."""


class Sampler:
    """Chooses frame 0, `frame_stride`, 2 `frame_stride`, ...

    Where a video turns out longer than its header said, the distance doubles whenever as many
    frames as wanted at most have been chosen, so that the number hardly grows any more.
    """

    def __init__(self, frame_stride: int, max_frames: int | None = None):
        """Choose every `frame_stride`th frame; `max_frames` is None where just that is wanted."""
        self.frame_stride = frame_stride
        self._max_frames = max_frames
        self._chosen = 0

    def is_wanted(self, number: int) -> bool:
        """Tell whether frame `number` is analyzed; to be asked once for each, in order."""
        if number % self.frame_stride:
            return False
        if self._max_frames is not None and self._chosen >= self._max_frames:
            self.frame_stride, self._chosen = 2 * self.frame_stride, 0
            if number % self.frame_stride:
                return False
        self._chosen += 1
        return True


@dataclass(frozen=True)
class CropLimits:
    """How many crops of a followed face are classified.

    Attributes:
        max_crops: of a track that is seen through the whole of a short video.
        max_gap_seconds: in a long one, one in so much time is.
    """

    max_crops: int
    max_gap_seconds: float

    def space(self, n_analyzed: float, seconds_apart: float) -> float:
        """Return of how many analyzed frames one is classified, at least 1.

        Args:
            n_analyzed: frames that are analyzed of the video; 0 where that is not known.
            seconds_apart: the distance of those.
        """
        return max(1.0, min(n_analyzed / self.max_crops, self.max_gap_seconds / seconds_apart))


@dataclass(frozen=True)
class Sampling:
    """Which frames of any video are analyzed, and which faces in them are classified.

    Attributes:
        frame_stride: every so many frames, or fewer where those were more than `max_frames`.
        max_frames: about so many frames of a video at most; None: no limit.
        max_seconds: a longer video is rejected; None: no limit.
        crops: None: every followed face is classified in every analyzed frame.
    """

    frame_stride: int
    max_frames: int | None = None
    max_seconds: float | None = None
    crops: CropLimits | None = None

    def space_crops(self, frames: int, frame_stride: int, fps: float) -> float:
        """Return of how many analyzed frames of a face one is classified.

        Args:
            frames: of the video, about.
            frame_stride: the distance of those that are analyzed.
            fps: frames a second of the video.
        """
        if self.crops is None:
            return 1.0
        return self.crops.space(frames / frame_stride, frame_stride / fps)

    def make_sampler(self, frames: int) -> Sampler:
        """Make the sampler of a video of about so many frames."""
        if self.max_frames is None:
            return Sampler(self.frame_stride)
        return Sampler(max(self.frame_stride, -(-frames // self.max_frames)), self.max_frames)

    def is_coarse(self, frame_stride: int) -> bool:
        """Return whether fewer frames than every `self.frame_stride`th were analyzed."""
        return self.max_frames is not None and frame_stride > self.frame_stride

    def choose_close_frames(self, analyzed: set[int], parts: list[tuple[int, int]]) -> set[int]:
        """Choose more frames of a long video, in parts of it.

        Args:
            analyzed: frames that are analyzed already; at least one.
            parts: first and last frame, the ones worth most first.

        Returns:
            Every `self.frame_stride`th frame of the parts, as many parts as half of `max_frames`
            allows.
        """
        chosen: set[int] = set()
        for first, last in parts:
            start = -(-first // self.frame_stride) * self.frame_stride
            more = set(range(start, min(last, max(analyzed)) + 1, self.frame_stride)) - analyzed
            if len(chosen | more) > CLOSE_FRACTION * self.max_frames:
                break
            chosen |= more
        return chosen


def spread(count: int, max_count: int) -> np.ndarray:
    """Choose at most so many of `count` numbers from 0, evenly spread: ascending, int."""
    return np.unique(np.linspace(0, count - 1, min(max_count, count)).round().astype(int))
