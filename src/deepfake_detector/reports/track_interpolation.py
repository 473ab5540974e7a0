"""Where the faces of a video are in each frame, also between those that were analyzed.

Shapes: `N` faces in a frame, `n` frames of a track.
"""

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.faces.online_tracker import MAX_GAP_FRAMES
from deepfake_detector.reports.smoothing import smooth_boxes, smooth_fake_score
from deepfake_detector.verdicts.face_track import FaceTrack

COLUMNS = [*BOX, "real", "fake"]


class TrackInterpolator:
    """The smoothed boxes and scores of a video's tracks, for every frame."""

    def __init__(self, tracks: list[FaceTrack], frame_stride: int):
        """Take tracks seen in every `frame_stride`th frame."""
        self._numbers = np.array([track.track for track in tracks], int)
        self._frames = [track.frames for track in tracks]
        self._rows = [_smooth_rows(track) for track in tracks]
        self._first = np.array([frames[0] for frames in self._frames], int)
        self._last = np.array([frames[-1] for frames in self._frames], int)
        self._every = frame_stride

    def find(self, frame: int) -> pd.DataFrame:
        """Give the faces of a frame: `left, top, right, bottom, real, fake, track`, px; [N] rows.

        Between two frames in which a face was seen it moves in a straight line; after the last
        one it stays until the next frame that was analyzed.
        """
        is_near = (self._first <= frame) & (frame < self._last + self._every)
        found = [(index, self._interpolate(index, frame)) for index in np.flatnonzero(is_near)]
        shown = [(self._numbers[index], *row) for index, row in found if row is not None]
        return pd.DataFrame(shown, columns=["track", *COLUMNS])

    def _interpolate(self, index: int, frame: int) -> np.ndarray | None:
        """Give a track's row [6] in a frame, None in a gap too long to bridge."""
        frames, rows = self._frames[index], self._rows[index]
        after = int(np.searchsorted(frames, frame, side="right"))
        if after == len(frames) or frames[after - 1] == frame:
            return rows[after - 1]
        gap = frames[after] - frames[after - 1]
        if gap > max(MAX_GAP_FRAMES, 2 * self._every):
            return None
        fake_score = (frame - frames[after - 1]) / gap
        return (1 - fake_score) * rows[after - 1] + fake_score * rows[after]


def _smooth_rows(track: FaceTrack) -> np.ndarray:
    """Give smoothed boxes, real and fake [n, 6]; how surely it is a face stays as it was."""
    location, fake_score = track.real + track.fake, smooth_fake_score(track)
    return np.column_stack(
        [smooth_boxes(track), location * (1 - fake_score), location * fake_score]
    )
