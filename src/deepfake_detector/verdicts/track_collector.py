"""A video read frame by frame, and what was seen of each face in it.

Kept are a few numbers for a face in a frame, no image.
"""

from dataclasses import dataclass, field

import numpy as np

from deepfake_detector.faces.image_quality import measure_blockiness, measure_brightness
from deepfake_detector.faces.online_tracker import FaceTracker
from deepfake_detector.faces.sharpness import measure_sharpness
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.video.shot_changes import ShotChangeDetector

NOT_FOLLOWED = 0


@dataclass
class _Seen:
    """The columns of a track while it grows."""

    frames: list[int] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    quality: list[tuple[float, float, float]] = field(default_factory=list)


class TrackCollector:
    """Follows the faces of one video and collects what is seen of them.

    Attributes:
        sharpness: of the faces [N] of the last frame; NaN where one is not followed.
    """

    def __init__(self, min_face_score: float):
        """Follow faces whose scores of real and fake add up to `min_face_score` or more."""
        self._min_face_score = min_face_score
        self._tracker = FaceTracker()
        self._cuts = ShotChangeDetector()
        self._seen: dict[int, _Seen] = {}
        self.sharpness = np.zeros(0)

    def add(
        self, frame: int, picture: np.ndarray, faces: np.ndarray, scale: float = 1.0
    ) -> np.ndarray:
        """Look at the next frame.

        Args:
            frame: its number, higher than the one before.
            picture: uint8 RGB [height, width, 3].
            faces: left, top, right, bottom, real, fake [N, 6]; px of the original frame.
            scale: px of the picture for one px of the original frame.

        Returns:
            The track number of each face, from 1; `NOT_FOLLOWED` where it is hardly a face.
        """
        numbers = np.full(len(faces), NOT_FOLLOWED)
        is_followed = faces[:, 4] + faces[:, 5] >= self._min_face_score
        rows = faces[is_followed]
        numbers[is_followed] = self._tracker.add(
            frame, rows[:, :4], self._cuts.is_shot_change(picture)
        )
        blockiness = measure_blockiness(picture) if len(rows) else 1.0
        self.sharpness = np.full(len(faces), np.nan)
        self.sharpness[is_followed] = [measure_sharpness(picture, row[:4] * scale) for row in rows]
        for number, row, sharpness in zip(
            numbers[is_followed].tolist(), rows, self.sharpness[is_followed].tolist(), strict=True
        ):
            seen = self._seen.setdefault(number, _Seen())
            seen.frames.append(frame)
            seen.rows.append(row.tolist())
            brightness = measure_brightness(picture, row[:4] * scale)
            seen.quality.append((sharpness, brightness, blockiness))
        return numbers

    def collect(self) -> list[FaceTrack]:
        """Give what was seen so far, by track number; empty where no face was followed."""
        return [_to_track(number, seen) for number, seen in sorted(self._seen.items())]


def _to_track(number: int, seen: _Seen) -> FaceTrack:
    rows = np.array(seen.rows)  # [n, 6]
    return FaceTrack(
        number, np.array(seen.frames), rows[:, :4], rows[:, 4], rows[:, 5],
        *np.array(seen.quality).T,
    )  # fmt: skip
