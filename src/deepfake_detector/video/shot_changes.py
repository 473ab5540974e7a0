"""Where another shot of a video begins."""

import cv2
import numpy as np

MAX_CORRELATION = 0.5  # of the color histograms of neighboring frames
MIN_CHANGED_FRACTION = 0.6  # of the frame's blocks that change color
CHANGED = 20  # of 255, in the channel that changes most
BLOCKS = 16  # a row
SPARSE_PX = 4 * 4 * BLOCKS  # so many rows and columns at least are averaged, the others left out
BINS = [16, 8, 8]  # hue, saturation, value


class ShotChangeDetector:
    """Finds shot changes frame by frame; keeps the last frame's thumbnail.

    Colors as well as places must change: a quick hand-held camera keeps the colors of its scene,
    a game behind a player leaves the player in his place.
    """

    def __init__(self):
        self._before: np.ndarray | None = None

    def is_shot_change(self, image: np.ndarray) -> bool:
        """Return whether a frame, uint8 RGB [height, width, 3], is unlike the one before.

        The first frame is no cut.
        """
        sparse = image[:: max(1, len(image) // SPARSE_PX), :: max(1, image.shape[1] // SPARSE_PX)]
        thumbnail = cv2.resize(sparse, (4 * BLOCKS, 4 * BLOCKS), interpolation=cv2.INTER_AREA)
        before, self._before = self._before, thumbnail
        if before is None or _compute_changed_fraction(before, thumbnail) < MIN_CHANGED_FRACTION:
            return False
        histograms = _make_histogram(before), _make_histogram(thumbnail)
        return cv2.compareHist(*histograms, cv2.HISTCMP_CORREL) < MAX_CORRELATION


def _compute_changed_fraction(before: np.ndarray, after: np.ndarray) -> float:
    blocks = [
        cv2.resize(thumbnail, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA).astype(int)
        for thumbnail in (before, after)
    ]
    return float(np.mean(np.abs(blocks[1] - blocks[0]).max(axis=2) > CHANGED))


def _make_histogram(thumbnail: np.ndarray) -> np.ndarray:
    colors = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2HSV)
    return cv2.calcHist([colors], [0, 1, 2], None, BINS, [0, 180, 0, 256, 0, 256])
