"""Which frames of a video are looked at, so that a long one costs no more than a bounded number.

Frames between them change little; what is looked at is spread evenly over the whole video.
"""

from pathlib import Path

from deepfake_detector.video.decoding import open_video


class Sampler:
    """Chooses frame 0, `every`, 2 `every`, ...

    Where a video turns out longer than its header said, the distance doubles whenever as many
    frames as wanted at most have been chosen, so that the number hardly grows any more.
    """

    def __init__(self, every: int, most: int | None = None):
        """Choose every `every`th frame; `most` is None where a person asked for just that."""
        self.every = every
        self._most = most
        self._chosen = 0

    def is_wanted(self, number: int) -> bool:
        """Tell whether frame `number` is looked at; to be asked once for each, in order."""
        if number % self.every:
            return False
        if self._most is not None and self._chosen >= self._most:
            self.every, self._chosen = 2 * self.every, 0
            if number % self.every:
                return False
        self._chosen += 1
        return True


def choose_sampler(path: Path, every: int, most: int) -> Sampler:
    """Look at every `every`th frame of a video, or at fewer where those were more than `most`.

    Raises:
        ValueError: empty, or not a video.
    """
    return Sampler(max(every, -(-count_frames_in_header(path) // most)), most)


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
