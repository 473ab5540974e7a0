"""Which frames of a video are analyzed, so that a long one costs no more than a bounded number.

Frames between them change little; what is analyzed is spread evenly over the whole video.
"""

from pathlib import Path

from deepfake_detector.video.decoding import open_video


class Sampler:
    """Chooses frame 0, `frame_stride`, 2 `frame_stride`, ...

    Where a video turns out longer than its header said, the distance doubles whenever as many
    frames as wanted at most have been chosen, so that the number hardly grows any more.
    """

    def __init__(self, frame_stride: int, max_frames: int | None = None):
        """Choose every `frame_stride`th frame; `max_frames` is None where a person asked for just that."""
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


def choose_sampler(path: Path, frame_stride: int, max_frames: int) -> Sampler:
    """Look at every `frame_stride`th frame of a video, or at fewer where those were more than `max_frames`.

    Raises:
        ValueError: empty, or not a video.
    """
    return Sampler(max(frame_stride, -(-count_frames_in_header(path) // max_frames)), max_frames)


def count_frames_in_header(path: Path) -> int:
    """Give how many frames a video's header speaks of, 0 where it does not; often wrong.

    Raises:
        ValueError: empty, or not a video.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or 0
        seconds = (container.duration or 0) / 1_000_000  # FFmpeg's AV_TIME_BASE
        return stream.frames or int(seconds * rate)
