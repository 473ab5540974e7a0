"""How sharp a face is.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000), at one size for all faces.
"""

import cv2
import numpy as np

SIDE_PX = 96  # faces are brought to this size, so that large and small ones compare


def measure_sharpness(image: np.ndarray, box_px) -> float:
    """Measure how sharp a face is.

    Args:
        image: uint8 RGB [height, width, 3].
        box_px: left, top, right, bottom in px of the image.

    Returns:
        0 for a plain or empty box, above 100 for most faces of ordinary video.
    """
    height, width = image.shape[:2]
    left, top = np.floor(np.clip(box_px[:2], 0, [width, height])).astype(int)
    right, bottom = np.ceil(np.clip(box_px[2:], 0, [width, height])).astype(int)
    if right <= left or bottom <= top:
        return 0.0
    gray = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    gray = cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var())
