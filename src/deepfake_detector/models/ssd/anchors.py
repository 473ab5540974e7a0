"""Anchors: the boxes that a detector's outputs are relative to. Liu et al. 2016, section 2.2.

Computed once on the host, hence NumPy. `A` is the number of all anchors (8,732 for SSD300).
"""

import math

import numpy as np

from deepfake_detector.config.schema import AnchorParams


def make_anchors(
    params: AnchorParams, map_sizes: list[tuple[int, int]], image_size_px: int
) -> np.ndarray:
    """Make the anchors of all predictor maps.

    Args:
        map_sizes: (rows, columns) of each predictor map, finest first.
        image_size_px: side of the detector's square input.

    Returns:
        float32 [A, 4], boxes in fractions, not clipped to the image. Order: map, row, column, then
        aspect ratio as listed, with the extra square of scale sqrt(s * s') behind ratio 1.

    Raises:
        ValueError: the number of maps is not the number the parameters are made for.
    """
    if len(map_sizes) != len(params.aspect_ratios):
        raise ValueError(
            f"detector.anchors: expected aspect_ratios for {len(map_sizes)} predictor maps, "
            f"got {len(params.aspect_ratios)}"
        )
    maps = [
        _place_on_map(sizes, map_size, stride_px / image_size_px)
        for sizes, map_size, stride_px in zip(
            list_sizes(params), map_sizes, params.strides_px, strict=True
        )
    ]
    return np.concatenate(maps).astype(np.float32)  # [A, 4]


def count_anchors(params: AnchorParams) -> list[int]:
    """Count the anchors in one cell of each predictor map: 4, 6, 6, 6, 4, 4 for SSD300."""
    return [len(sizes) for sizes in list_sizes(params)]


def list_sizes(params: AnchorParams) -> list[list[tuple[float, float]]]:
    """List (width, height) of the anchors of one cell, for each predictor map."""
    return [
        _list_map_sizes(ratios, scale, next_scale)
        for ratios, scale, next_scale in zip(
            params.aspect_ratios, params.scales[:-1], params.scales[1:], strict=True
        )
    ]


def _list_map_sizes(ratios: list[float], scale: float, next_scale: float):
    sizes = []
    for ratio in ratios:
        sizes.append((scale * math.sqrt(ratio), scale / math.sqrt(ratio)))
        if ratio == 1:
            extra = math.sqrt(scale * next_scale)
            sizes.append((extra, extra))
    return sizes


def _place_on_map(sizes, map_size: tuple[int, int], step: float) -> np.ndarray:
    rows, columns = map_size
    center_y, center_x = np.meshgrid(
        (np.arange(rows) + 0.5) * step, (np.arange(columns) + 0.5) * step, indexing="ij"
    )
    centers = np.stack([center_x, center_y], axis=-1)[:, :, None]  # [rows, columns, 1, 2]
    halves = np.asarray(sizes) / 2  # [anchors a cell, 2]
    return np.concatenate([centers - halves, centers + halves], axis=-1).reshape(-1, 4)
