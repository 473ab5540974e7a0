"""Which box of one frame shows the same face as which box of the next."""

import numpy as np

from deepfake_detector.common.iou import compute_iou_matrix

MIN_LINK_IOU = 0.3  # a face that moves by half its width from frame to frame still has this IoU


MIN_STEADY_IOU = 0.5
"""Of a face in two frames, so that what lies between is known: the middle of both then has an IoU
of 0.9 with the face that is detected there (benchmarks/README.md, "Fewer crops")."""


def interpolate_steady(
    before: np.ndarray, after: np.ndarray, is_sure: tuple[np.ndarray, np.ndarray], weight: float
) -> np.ndarray | None:
    """Return the faces of a frame between two others in which the same ones hardly moved.

    Args:
        before: left, top, right, bottom and further columns [N, 4 + c].
        after: [M, 4 + c].
        is_sure: bool [N] and [M]: those that matter. A face that is sure in one frame alone need
            not be so in the other.
        weight: of `after`, 0-1.

    Returns:
        [K, 4 + c], the faces that are sure in either, on the straight line between; None where one
        of them came, went or moved further.
    """
    links = link_boxes(list(before[:, :4]), after[:, :4])
    rows, others = np.array(list(links.items()), int).reshape(-1, 2).T
    matters = is_sure[0][rows] | is_sure[1][others]
    rows, others = rows[matters], others[matters]
    linked = is_sure[0][rows].sum(), is_sure[1][others].sum()
    if linked != (is_sure[0].sum(), is_sure[1].sum()):
        return None
    ious = compute_iou_matrix(before[rows, :4], after[others, :4]).diagonal()
    if len(rows) and ious.min() < MIN_STEADY_IOU:
        return None
    return (1 - weight) * before[rows] + weight * after[others]


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
