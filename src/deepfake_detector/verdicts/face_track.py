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
    `classified` [n] is false where the scores stand between those of other frames
    (`crop_choice.fill_scores`); None: nowhere.
    """

    track: int
    frames: np.ndarray
    boxes_px: np.ndarray
    real: np.ndarray
    fake: np.ndarray
    sharpness: np.ndarray
    brightness: np.ndarray | None = None
    blockiness: np.ndarray | None = None
    classified: np.ndarray | None = None

    def compute_fake_score(self) -> np.ndarray:
        """Give fake / (real + fake) [n]: how fake the face looks, given that it is a face."""
        return self.fake / np.maximum(self.real + self.fake, 1e-9)


def find_usable(evidence: FaceTrack, usable: UsableParams) -> np.ndarray:
    """Tell in which frames [n] the face is large, sharp and certain enough."""
    return ~np.any(list(find_poor(evidence, usable).values()), axis=0)


def find_poor(evidence: FaceTrack, usable: UsableParams) -> dict[str, np.ndarray]:
    """Tell which frames [n] cannot be used, by what is wrong with them, in words."""
    return find_poor_faces(
        evidence.boxes_px, evidence.real + evidence.fake, evidence.sharpness, usable
    )


def find_poor_faces(
    boxes_px: np.ndarray, certainty: np.ndarray, sharpness: np.ndarray, usable: UsableParams
) -> dict[str, np.ndarray]:
    """Tell which faces [N] cannot be used, as `find_poor` does.

    Args:
        boxes_px: [N, 4].
        certainty: that each is a face, 0-1, [N].
        sharpness: [N].
    """
    sides_px = boxes_px[:, 2:] - boxes_px[:, :2]
    return {
        "too small": sides_px.min(axis=1) < usable.min_face_px,
        "too blurred": sharpness < usable.min_sharpness,
        "hardly a face": certainty < usable.min_face_score,
    }


def find_classified(track: FaceTrack, usable: UsableParams) -> np.ndarray:
    """Tell in which frames [n] the face is used and has scores of its own."""
    return find_usable(track, usable) & was_classified(track)


def was_classified(track: FaceTrack) -> np.ndarray:
    """Tell in which frames [n] the scores are the face's own, not between those of others."""
    return np.ones(len(track.frames), bool) if track.classified is None else track.classified


def keep_frames(track: FaceTrack, frames: np.ndarray) -> FaceTrack:
    """Return a track as it is in some frames of the video alone; it may be empty there."""
    is_kept = np.isin(track.frames, frames)
    columns = {
        name: column[is_kept]
        for name, column in vars(track).items()
        if isinstance(column, np.ndarray)
    }
    return replace(track, **columns)
