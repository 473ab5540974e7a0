"""How much an image still shows: brightness of a face, and traces of strong compression.

Images are uint8 RGB [H, W, 3].
"""

import cv2
import numpy as np

BLOCK_PX = 8
"""Side of the blocks that JPEG and the H.264 family transform (a transform of 4 px has edges there
too)."""


def measure_brightness(image: np.ndarray, box_px) -> float:
    """Return the mean luma of a face, 0-255; 0 for a box without area.

    Args:
        box_px: left, top, right, bottom in px of the image.
    """
    height, width = image.shape[:2]
    left, top = np.floor(np.clip(box_px[:2], 0, [width, height])).astype(int)
    right, bottom = np.ceil(np.clip(box_px[2:], 0, [width, height])).astype(int)
    if right <= left or bottom <= top:
        return 0.0
    return float(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY).mean())


def measure_blockiness(image: np.ndarray) -> float:
    """Return how much stronger steps are at block edges than inside blocks: 1 for none.

    After Wang, Sheikh & Bovik 2002, "No-reference perceptual quality assessment of JPEG compressed
    images": mean absolute differences of neighboring pixels on and off the grid of `BLOCK_PX`,
    of rows and columns. An image smaller than two blocks has no grid: 1.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if min(gray.shape) < 2 * BLOCK_PX:
        return 1.0
    ratios = []
    pairs = ((gray[:, 1:], gray[:, :-1]), (gray[1:], gray[:-1]))
    for axis, (after, before) in enumerate(pairs):
        sums = cv2.reduce(cv2.absdiff(after, before), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        steps = sums.reshape(-1) / gray.shape[axis]  # [W - 1], then [H - 1]
        is_edge = np.arange(1, len(steps) + 1) % BLOCK_PX == 0
        ratios.append((steps[is_edge].mean() + 0.1) / (steps[~is_edge].mean() + 0.1))
    return float(np.mean(ratios))
