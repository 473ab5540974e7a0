"""What was seen of one face, and in which frames it was seen well enough to count.

Shapes: `n` frames in which the face was found.
"""

from dataclasses import dataclass, replace

import numpy as np

from deepfake_detector.config.schema import UsableParams


@dataclass(frozen=True)
class FaceTrack:
    """One face over time: frame numbers rising [n], boxes_px [n, 4] in px of the original frame.

    `real` and `fake` [n] are the detector's scores, `sharpness` [n] is from `measure_sharpness`;
    `brightness` and `blockiness` [n] from `image_quality`, None where they were not measured.
    """

    track: int
    frames: np.ndarray
    boxes_px: np.ndarray
    real: np.ndarray
    fake: np.ndarray
    sharpness: np.ndarray
    brightness: np.ndarray | None = None
    blockiness: np.ndarray | None = None

    def compute_fake_score(self) -> np.ndarray:
        """Give fake / (real + fake) [n]: how fake the face looks, given that it is a face."""
        return self.fake / np.maximum(self.real + self.fake, 1e-9)


def find_usable(evidence: FaceTrack, usable: UsableParams) -> np.ndarray:
    """Tell in which frames [n] the face is large, sharp and certain enough."""
    return ~np.any(list(find_poor(evidence, usable).values()), axis=0)


def find_poor(evidence: FaceTrack, usable: UsableParams) -> dict[str, np.ndarray]:
    """Tell which frames [n] cannot be used, by what is wrong with them, in words."""
    sides_px = evidence.boxes_px[:, 2:] - evidence.boxes_px[:, :2]
    return {
        "too small": sides_px.min(axis=1) < usable.min_face_px,
        "too blurred": evidence.sharpness < usable.min_sharpness,
        "hardly a face": evidence.real + evidence.fake < usable.min_face_score,
    }


def keep_frames(track: FaceTrack, frames: np.ndarray) -> FaceTrack:
    """Return a track as it is in some frames of the video alone; it may be empty there."""
    is_kept = np.isin(track.frames, frames)
    columns = {
        name: column[is_kept]
        for name, column in vars(track).items()
        if isinstance(column, np.ndarray)
    }
    return replace(track, **columns)
