"""Which box of one frame shows the same face as which box of the next."""

import numpy as np

from deepfake_detector.common.iou import compute_iou_matrix

MIN_LINK_IOU = 0.3  # a face that moves by half its width from frame to frame still has this IoU


def link_boxes(boxes: list[np.ndarray], next_boxes: np.ndarray) -> dict[int, int]:
    """Pair N boxes [4] of one frame with boxes [M, 4] of the next, best IoU first.

    Returns:
        The row of the next box by the row of the box it is linked to, each at most once; boxes
        whose IoU is under `MIN_LINK_IOU` are not linked.
    """
    if not boxes or not len(next_boxes):
        return {}
    ious = compute_iou_matrix(np.stack(boxes), next_boxes)  # [N, M]
    links: dict[int, int] = {}
    for flat in np.argsort(-ious, axis=None, kind="stable").tolist():
        index, next_index = divmod(flat, ious.shape[1])
        if ious[index, next_index] < MIN_LINK_IOU:
            break
        if index not in links and next_index not in links.values():
            links[index] = next_index
    return links
