"""Faces followed through a video while it is read: one number a face, in constant memory.

Boxes are linked by IoU, the best first; what is left is linked once more with widened boxes,
so that a fast head, or one that was hidden for some frames, keeps its number (the cascade of Yang
et al. 2023, "Hard to Track Objects with Irregular Motions and Similar Appearances?", section 3).
Shapes: `N` faces in a frame.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.faces.box_linking import link_boxes

MAX_GAP_FRAMES = 30  # a hand or a blur hides a face this long without ending its track
MAX_GAP_ANALYZED = 2  # ... or is missed this often, where only few frames are analyzed
WIDENED = (0.0, 0.5)  # share of a box's sides that is added on every side, one pass each


@dataclass(frozen=True)
class _Seen:
    """Where a face was last seen: in which frame, and that was which of those analyzed."""

    frame: int
    analyzed: int
    box_px: np.ndarray


class FaceTracker:
    """Gives the faces of a video their track numbers, frame by frame.

    A track ends at a cut, and when the face has not been seen for `MAX_GAP_FRAMES` frames and
    in `MAX_GAP_ANALYZED` of the frames that were analyzed.
    Its number is not used again.
    """

    def __init__(self):
        self._open: dict[int, _Seen] = {}
        self._count = 0
        self._analyzed = 0

    def add(self, frame: int, boxes_px: np.ndarray, is_shot_change: bool) -> np.ndarray:
        """Number the faces of the next frame.

        Args:
            frame: its number in the video, higher than the one before; frames may be left out.
            boxes_px: [N, 4] of faces worth following, for false alarms get numbers, too; may be
                none.
            is_shot_change: whether another shot begins here: no face goes on.

        Returns:
            The track number of each face, int [N], from 1.
        """
        self._analyzed += 1
        self._open = {
            number: seen
            for number, seen in self._open.items()
            if not is_shot_change and self._is_near(frame, seen)
        }
        numbers = self._link(boxes_px)
        fresh = np.flatnonzero(numbers == 0)
        numbers[fresh] = self._count + 1 + np.arange(len(fresh))
        self._count += len(fresh)
        for number, box_px in zip(numbers.tolist(), boxes_px, strict=True):
            self._open[number] = _Seen(frame, self._analyzed, box_px)
        return numbers

    def _is_near(self, frame: int, seen: _Seen) -> bool:
        missed = self._analyzed - seen.analyzed - 1
        return frame - seen.frame <= MAX_GAP_FRAMES or missed < MAX_GAP_ANALYZED

    def _link(self, boxes_px: np.ndarray) -> np.ndarray:
        """Give each box [N, 4] the number of an open track, 0 where none fits."""
        numbers = np.zeros(len(boxes_px), int)
        for widened in WIDENED:
            waiting = [number for number in self._open if number not in numbers]
            rows = np.flatnonzero(numbers == 0)
            seen_px = [_widen(self._open[number].box_px, widened) for number in waiting]
            for index, row in link_boxes(seen_px, _widen(boxes_px[rows], widened)).items():
                numbers[rows[row]] = waiting[index]
        return numbers


def _widen(boxes_px: np.ndarray, fraction: float) -> np.ndarray:
    """Move every side of boxes [..., 4] outwards by a share of the box's width or height."""
    sides_px = boxes_px[..., 2:] - boxes_px[..., :2]
    return boxes_px + fraction * np.concatenate([-sides_px, sides_px], axis=-1)
