"""What a frame is like: how sharp a face is, and whether another shot begins.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000), at one size for all faces.
"""

import cv2
import numpy as np

SIDE_PX = 96  # faces are brought to this size, so that large and small ones compare
CUT_CORRELATION = 0.5  # of the colour histograms of neighbouring frames
BINS = (16, 8, 8)  # hue, saturation, value


def measure_sharpness(picture: np.ndarray, box_px) -> float:
    """Measure how sharp a face is.

    Args:
        picture: uint8 RGB [height, width, 3].
        box_px: left, top, right, bottom in px of the picture.

    Returns:
        0 for a plain or empty box; a blurred face is below about 20, a sharp one above 100.
    """
    height, width = picture.shape[:2]
    left, top = np.floor(np.clip(box_px[:2], 0, [width, height])).astype(int)
    right, bottom = np.ceil(np.clip(box_px[2:], 0, [width, height])).astype(int)
    if right <= left or bottom <= top:
        return 0.0
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


class CutFinder:
    """Tells frame by frame whether another shot begins; keeps one histogram."""

    def __init__(self):
        self._before: np.ndarray | None = None

    def is_cut(self, picture: np.ndarray) -> bool:
        """Tell whether a frame, uint8 RGB [height, width, 3], is unlike the one before.

        The first frame is no cut.
        """
        before, self._before = self._before, _make_histogram(picture)
        if before is None:
            return False
        correlation = cv2.compareHist(before, self._before, cv2.HISTCMP_CORREL)
        return correlation < CUT_CORRELATION


def _make_histogram(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    return cv2.calcHist([colours], [0, 1, 2], None, list(BINS), [0, 180, 0, 256, 0, 256])
