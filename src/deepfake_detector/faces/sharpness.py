"""What a frame is like: how sharp a face is, and whether another shot begins.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000), at one size for all faces.
"""

import cv2
import numpy as np

SIDE_PX = 96  # faces are brought to this size, so that large and small ones compare
CUT_CORRELATION = 0.5  # of the colour histograms of neighbouring frames, at most
CUT_SHARE = 0.6  # of the frame's blocks that change colour, at least
CHANGED = 20  # of 255, in the channel that changes most
BLOCKS = 16  # a row
BINS = [16, 8, 8]  # hue, saturation, value


def measure_sharpness(picture: np.ndarray, box_px) -> float:
    """Measure how sharp a face is.

    Args:
        picture: uint8 RGB [height, width, 3].
        box_px: left, top, right, bottom in px of the picture.

    Returns:
        0 for a plain or empty box, above 100 for most faces of ordinary video.
    """
    height, width = picture.shape[:2]
    left, top = np.floor(np.clip(box_px[:2], 0, [width, height])).astype(int)
    right, bottom = np.ceil(np.clip(box_px[2:], 0, [width, height])).astype(int)
    if right <= left or bottom <= top:
        return 0.0
    gray = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    gray = cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var())


class ShotChangeDetector:
    """Tells frame by frame whether another shot begins; keeps the last frame's thumbnail.

    Colours as well as places must change: a quick hand-held camera keeps the colours of its scene,
    a game behind a player leaves the player in his place.
    """

    def __init__(self):
        self._before: np.ndarray | None = None

    def is_shot_change(self, picture: np.ndarray) -> bool:
        """Tell whether a frame, uint8 RGB [height, width, 3], is unlike the one before.

        The first frame is no cut.
        """
        thumbnail = cv2.resize(picture, (4 * BLOCKS, 4 * BLOCKS), interpolation=cv2.INTER_AREA)
        before, self._before = self._before, thumbnail
        if before is None or _compute_changed_share(before, thumbnail) < CUT_SHARE:
            return False
        histograms = _make_histogram(before), _make_histogram(thumbnail)
        return cv2.compareHist(*histograms, cv2.HISTCMP_CORREL) < CUT_CORRELATION


def _compute_changed_share(before: np.ndarray, after: np.ndarray) -> float:
    blocks = [
        cv2.resize(thumbnail, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA).astype(int)
        for thumbnail in (before, after)
    ]
    return float(np.mean(np.abs(blocks[1] - blocks[0]).max(axis=2) > CHANGED))


def _make_histogram(thumbnail: np.ndarray) -> np.ndarray:
    colors = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2HSV)
    return cv2.calcHist([colors], [0, 1, 2], None, BINS, [0, 180, 0, 256, 0, 256])
