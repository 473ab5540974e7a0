"""IoU (intersection over union) of boxes as NumPy arrays, in px or in fractions.

The order of the arithmetic is that of pycocotools, so that an IoU on a threshold falls to the same
side. Shapes: `N`, `M` numbers of boxes.
"""

import numpy as np


def compute_iou(boxes: np.ndarray, other_boxes: np.ndarray) -> np.ndarray:
    """Compute the IoU of boxes [..., 4] with the others [..., 4], row by row.

    Returns:
        [...] in 0-1, float64; 0 for a box without area, inside out, or with NaN in it. Leading
        axes broadcast.
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    other_left, other_top, other_right, other_bottom = np.moveaxis(other_boxes, -1, 0)
    width = np.minimum(right, other_right) - np.maximum(left, other_left)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = (right - left) * (bottom - top)
    union = area + (other_right - other_left) * (other_bottom - other_top) - shared
    return np.divide(shared, union, out=np.zeros(np.shape(shared)), where=shared > 0)


def compute_iou_matrix(boxes: np.ndarray, other_boxes: np.ndarray) -> np.ndarray:
    """Compute the IoU of boxes [N, 4] with other boxes [M, 4]: [N, M], as `compute_iou` does."""
    return compute_iou(boxes[:, None], other_boxes[None])
