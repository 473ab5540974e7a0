"""By how many frames the annotations of a video are late or early, from faces found in it.

A face's path through the frames is compared with the path that the annotations say, moved by each
number of frames. Where the face moves, only one of them fits. Constant differences between the
boxes of two detectors, or of a detector and a person, do not count. Shapes: `T` frames of a
followed face, `S` shifts.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou
from deepfake_detector.data.annotation_timing.followed_faces import FollowedFace

MAX_SHIFT = 10  # frames, either way
MAX_GAP = 15  # frames between two annotations of a face that are interpolated
MIN_IOU = 0.3  # with the annotated face, at the shift where both are nearest
MIN_FACES = 24  # of all frames together; fewer tell nothing

_BLOCK_FRAMES = 4  # neighbors err alike, so that they count as one
_MAX_ERROR = 0.5  # of the face's size; whatever is further off is no better or worse


@dataclass(frozen=True)
class ShiftCurve:
    """How well annotations fit at each shift.

    Attributes:
        errors: [S] mean distance of found and annotated faces, as a fraction of the face's size,
            at the shifts -10 to 10; a shift is added to the frames of the annotations. Empty where
            too few faces can be compared.
        best: the shift of the least error; None where there is none.
        sureness: [S] by how many standard deviations each shift is worse than the best one.
        faces: that were compared, in all frames.
    """

    errors: np.ndarray
    best: int | None
    sureness: np.ndarray
    faces: int

    @property
    def sureness_of_others(self) -> float:
        """Return by how many standard deviations the shifts not next to the best one are worse."""
        if self.best is None:
            return 0.0
        others = np.abs(np.arange(-MAX_SHIFT, MAX_SHIFT + 1) - self.best) >= 2
        return float(self.sureness[others].min())

    @property
    def sureness_of_best(self) -> float:
        """Return by how many standard deviations no shift at all is worse than the best one."""
        return float(self.sureness[MAX_SHIFT]) if self.best is not None else 0.0


def measure_shifts(annotations: pd.DataFrame, faces: list[FollowedFace]) -> ShiftCurve:
    """Measure how well the annotations of a video fit at each shift.

    Args:
        annotations: `frame`, box in px, `face`.
        faces: found in the video and followed.
    """
    paths = [_Path(rows) for _, rows in annotations.groupby("face")]
    errors = []
    for face in faces:
        offsets = _compare(face, paths)  # [T, S, 4], NaN where it is not annotated at all shifts
        known = ~np.isnan(offsets).any(axis=(1, 2))
        if known.sum() >= _BLOCK_FRAMES:
            errors.append(_measure_errors(offsets[known]))
    count = sum(map(len, errors))
    if count < MIN_FACES:
        return ShiftCurve(np.zeros(0), None, np.zeros(0), count)
    mean = np.concatenate(errors).mean(axis=0)  # [S]
    best = int(mean.argmin())
    sureness = _compare_shifts(mean, best, count // _BLOCK_FRAMES)
    return ShiftCurve(mean, best - MAX_SHIFT, sureness, count)


class _Path:
    """The boxes of an annotated face, by frame, NaN where it is not annotated."""

    def __init__(self, rows: pd.DataFrame):
        rows = rows.drop_duplicates("frame").sort_values("frame")
        frames = rows["frame"].to_numpy()
        self._first = int(frames[0])
        dense = np.arange(frames[0], frames[-1] + 1)
        boxes = rows[BOX].to_numpy(float)
        self._boxes = np.stack([np.interp(dense, frames, side) for side in boxes.T], axis=1)
        places = np.searchsorted(frames, dense, side="right") - 1
        following = frames[np.minimum(places + 1, len(frames) - 1)]
        is_gap = (following - frames[places] > MAX_GAP) & (frames[places] != dense)
        self._boxes[is_gap] = np.nan

    def around(self, frame: int) -> np.ndarray:
        """Return the boxes that a frame has at each shift: [S, 4], NaN where there is none."""
        wanted = frame - np.arange(-MAX_SHIFT, MAX_SHIFT + 1) - self._first
        is_there = (wanted >= 0) & (wanted < len(self._boxes))
        boxes = self._boxes[np.clip(wanted, 0, len(self._boxes) - 1)]
        return np.where(is_there[:, None], boxes, np.nan)


def _compare(face: FollowedFace, paths: list[_Path]) -> np.ndarray:
    """Compare a followed face with the annotated face it is, at each shift.

    Returns:
        By how much each side differs, over the size of the face: [T, S, 4].
    """
    frames = range(face.first, face.first + len(face.boxes_px))
    nothing = np.full((len(frames), 2 * MAX_SHIFT + 1, 4), np.nan)
    here = face.boxes_px[face.center - face.first]
    ious = [float(compute_iou(path.around(face.center), here).max())
            for path in paths]  # fmt: skip
    if max(ious, default=0) < MIN_IOU:
        return nothing
    path = paths[int(np.argmax(ious))]
    size = max(float((here[2:] - here[:2]).mean()), 1.0)
    around = np.stack([path.around(frame) for frame in frames])  # [T, S, 4]
    return (face.boxes_px[:, None] - around) / size


def _measure_errors(offsets: np.ndarray) -> np.ndarray:
    """Measure the distance of a face from its annotation, but for what is constant: [T, S]."""
    rest = offsets - np.median(offsets, axis=0)
    return np.minimum(np.abs(rest).mean(axis=2), _MAX_ERROR)


def _compare_shifts(errors: np.ndarray, best: int, blocks: int) -> np.ndarray:
    """Compute by how many standard deviations each shift is worse than the best one: [S].

    The root of twice the log-likelihood ratio of errors with Laplace's distribution, whose scale
    is their mean; a block of neighboring frames counts as one.
    """
    floor = np.maximum(errors, 1e-6)
    return np.sqrt(2 * blocks * np.maximum(np.log(floor / floor[best]), 0))
