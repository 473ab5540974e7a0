"""Anchors fitted to the faces of a data set: k-means over their sizes.

The distance of two sizes is 1 - IoU of boxes with a common centre (Redmon & Farhadi 2017,
YOLO9000, section 2), so that small faces count as much as large ones. What augmentation makes of
the faces is not analyzed. Shapes: `N` boxes, `K` clusters.
"""

import numpy as np

from deepfake_detector.config.schema import AnchorParams

_MAX_ROUNDS = 100


def fit_anchors(boxes: np.ndarray, params: AnchorParams) -> AnchorParams:
    """Fit scales and aspect ratios to boxes [N, 4]; all else stays as in `params`.

    Each predictor map gets one cluster of sizes, the finest map the smallest. The aspect ratios of
    a map, at most as many as it has now, are clusters within its cluster.

    Raises:
        ValueError: there are no boxes.
    """
    if len(boxes) == 0:
        raise ValueError("no anchors can be fitted: there is not a single annotated face")
    sizes = compute_sizes(boxes)  # [N, 2]
    centers = cluster_sizes(sizes, len(params.aspect_ratios))  # [maps, 2]
    member = _compute_size_iou(sizes, centers).argmax(axis=1)  # [N]
    scales = [_round(value) for value in np.sqrt(centers.prod(axis=1))]
    ratios = [
        _list_ratios(sizes[member == number] if (member == number).any() else centers[[number]], n)
        for number, n in enumerate(map(len, params.aspect_ratios))
    ]
    beyond = _round(scales[-1] ** 2 / scales[-2] if len(scales) > 1 else scales[-1])
    return params.model_copy(
        update={"scales": [*scales, max(beyond, scales[-1])], "aspect_ratios": ratios}
    )


def compute_sizes(boxes: np.ndarray) -> np.ndarray:
    """Compute (width, height) [N, 2] of boxes [N, 4]."""
    boxes = np.asarray(boxes, np.float64)
    return boxes[:, 2:] - boxes[:, :2]  # [N, 2]


def cluster_sizes(sizes: np.ndarray, count: int) -> np.ndarray:
    """Cluster sizes [N, 2] by IoU; centres [K, 2], the smallest area first.

    The centres begin at evenly spaced ranks of area, so the result needs no random numbers.
    """
    by_area = sizes[np.argsort(sizes.prod(axis=1), kind="stable")]
    ranks = ((np.arange(count) + 0.5) / count * len(sizes)).astype(int)
    centers, member = by_area[ranks], None
    for _ in range(_MAX_ROUNDS):
        nearest = _compute_size_iou(sizes, centers).argmax(axis=1)  # [N]
        if member is not None and (nearest == member).all():
            break
        member = nearest
        centers = np.stack(
            [
                sizes[member == number].mean(axis=0) if (member == number).any() else center
                for number, center in enumerate(centers)
            ]
        )
    return centers[np.argsort(centers.prod(axis=1), kind="stable")]


def _list_ratios(sizes: np.ndarray, count: int) -> list[float]:
    centers = cluster_sizes(sizes, count)
    return sorted({_round(width / height) for width, height in centers})


def _compute_size_iou(sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute the IoU [N, K] of sizes [N, 2] and [K, 2] with a common centre."""
    shared = np.minimum(sizes[:, None], others[None]).prod(axis=2)  # [N, K]
    areas = sizes.prod(axis=1)[:, None] + others.prod(axis=1)[None]
    return shared / np.maximum(areas - shared, 1e-12)


def _round(value: float) -> float:
    return float(f"{value:.3g}")
