"""Where the faces of a video are in each frame, also between those that were looked at.

Shapes: `N` faces in a frame, `n` frames of a track.
"""

import numpy as np
import pandas as pd

from deepfake_detector.common.tables import BOX
from deepfake_detector.faces.online_tracker import LONGEST_GAP_FRAMES
from deepfake_detector.verdicts.face_track import TrackEvidence
from deepfake_detector.verdicts.smoothing import smooth_boxes, smooth_fake_share

COLUMNS = [*BOX, "real", "fake"]


class FacePlaces:
    """The smoothed boxes and scores of a video's tracks, for every frame."""

    def __init__(self, tracks: list[TrackEvidence], every: int):
        """Take tracks seen in every `every`th frame."""
        self._numbers = np.array([track.track for track in tracks], int)
        self._frames = [track.frames for track in tracks]
        self._rows = [_smooth_rows(track) for track in tracks]
        self._first = np.array([frames[0] for frames in self._frames], int)
        self._last = np.array([frames[-1] for frames in self._frames], int)
        self._every = every

    def find(self, frame: int) -> pd.DataFrame:
        """Give the faces of a frame: `left, top, right, bottom, real, fake, track`, px; [N] rows.

        Between two frames in which a face was seen it moves in a straight line; after the last
        one it stays until the next frame that was looked at.
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
        if gap > max(LONGEST_GAP_FRAMES, 2 * self._every):
            return None
        share = (frame - frames[after - 1]) / gap
        return (1 - share) * rows[after - 1] + share * rows[after]


def _smooth_rows(track: TrackEvidence) -> np.ndarray:
    """Give smoothed boxes, real and fake [n, 6]; how surely it is a face stays as it was."""
    location, share = track.real + track.fake, smooth_fake_share(track)
    return np.column_stack([smooth_boxes(track), location * (1 - share), location * share])
