"""Tiles of a large frame: where they lie, and which boxes in them are whole small faces.

The SSD sees a tile larger than the frame around it (Akyon et al. 2022, "Slicing Aided Hyper
Inference and Fine-tuning for Small Object Detection"). Shapes: `T` tiles, `N` faces.
"""

import math

import numpy as np

from deepfake_detector.common.iou import compute_iou_matrix

MIN_TILE_PX, MAX_TILES_ALONG = (720, 320), (8 / 3, 6)
"""Sides of coarse and fine tiles of frames up to 1920 px; larger frames have larger tiles, so that
a search takes about as long in any frame. A face of a twelfth of a tile's side is seen in it, if
unsurely (benchmarks/README.md)."""

OVERLAP = 0.15
"""Of a tile's side: a face up to this size is whole in one of the tiles."""

CLOSE_SIDE = 5
"""Side of the tile around a face, over the longer side of its box."""

MAX_FACE = 0.5
"""Of a tile's side: a face that fills more of it is seen in the whole frame or in coarser tiles;
what looks so in a tile is mostly a wall."""

EDGE_PX = 2
"""A box this near to an edge of a tile, that is none of the frame, shows a part of a face."""

SAME_FACE_IOU, SAME_FACE_INSIDE = 0.45, 0.7
"""Boxes of one face: their IoU, or the part of the smaller one that lies in the other."""


def choose_tiles(width_px: int, height_px: int, level: int) -> np.ndarray:
    """Choose the tiles of a frame, evenly spread: corners in px, int [T, 4], row by row.

    Args:
        level: 0 of coarse tiles, 1 of fine ones.

    Returns:
        [0, 4] where the frame is hardly larger than a tile.
    """
    longer = max(width_px, height_px)
    side_px = max(MIN_TILE_PX[level], math.ceil(longer / MAX_TILES_ALONG[level]))
    if longer < 1.25 * side_px:
        return np.zeros((0, 4), int)
    columns, rows = (_spread(length, side_px) for length in (width_px, height_px))
    return np.array(
        [
            (left, top, min(left + side_px, width_px), min(top + side_px, height_px))
            for top in rows
            for left in columns
        ]
    )


def _spread(length_px: int, side_px: int) -> list[int]:
    """Return where tiles begin along a side of a frame."""
    room_px = length_px - side_px
    if room_px <= 0:
        return [0]
    count = math.ceil(room_px / ((1 - OVERLAP) * side_px))
    return [round(place * room_px / count) for place in range(count + 1)]


def surround_faces(boxes_px: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Choose tiles, int [T, 4] px, in which faces [N, 4] are seen well: neighbors in one.

    The side of a tile is `CLOSE_SIDE` times the smallest of its faces. A box without an area, as
    one beyond a corner of a tile is when it is clipped, has none.

    Args:
        size_px: width and height of the frame.
    """
    sizes, tiles = measure_sides(boxes_px), []
    waiting = np.argsort(sizes, kind="stable").tolist()
    while waiting:
        first = waiting.pop(0)
        side = CLOSE_SIDE * sizes[first]
        around = boxes_px[first]
        for place in list(waiting):
            joint = _join(around, boxes_px[place])
            fits = (joint[2:] - joint[:2]).max() + sizes[first] <= side
            if fits and sizes[place] <= MAX_FACE * side:
                around = joint
                waiting.remove(place)
        side = min(side, *size_px)
        corner = np.clip((around[:2] + around[2:] - side) / 2, 0, np.array(size_px) - side)
        tiles.append(np.round([*corner, *(corner + side)]).astype(int))
    tiles = np.array(tiles, int).reshape(-1, 4)
    return tiles[(tiles[:, 2:] > tiles[:, :2]).all(axis=1)]


def _join(box_px: np.ndarray, other_px: np.ndarray) -> np.ndarray:
    """Return the box [4] around two."""
    return np.concatenate(
        [np.minimum(box_px[:2], other_px[:2]), np.maximum(box_px[2:], other_px[2:])]
    )


def measure_sides(boxes: np.ndarray) -> np.ndarray:
    """Measure the longer side of boxes [N, 4]: [N]."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def is_cut(boxes_px: np.ndarray, tiles: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Tell which boxes touch an edge of their tile that is none of the frame: bool [N].

    Args:
        boxes_px: [N, 4] in px of the frame.
        tiles: of each box [N, 4].
        size_px: width and height of the frame.
    """
    inner = np.column_stack([tiles[:, :2] > 0, tiles[:, 2:] < np.array(size_px)])
    return (inner & (np.abs(boxes_px - tiles) <= EDGE_PX)).any(axis=1)


def merge_boxes(boxes_px: np.ndarray, certainty: np.ndarray) -> np.ndarray:
    """Keep each face once that several tiles have shown: of boxes of one face the surest.

    Args:
        boxes_px: [N, 4]; may be none.
        certainty: how surely each is a face [N].

    Returns:
        The places of the boxes that stay, the surest first.
    """
    kept: list[int] = []
    for place in np.argsort(-certainty, kind="stable").tolist():
        if not is_same_face(boxes_px[place], boxes_px[kept]).any():
            kept.append(place)
    return np.array(kept, int)


def is_same_face(box_px: np.ndarray, others_px: np.ndarray) -> np.ndarray:
    """Tell which boxes [N, 4] show the face of a box [4]: bool [N]."""
    if not len(others_px):
        return np.zeros(0, bool)
    ious = compute_iou_matrix(box_px[None], others_px)[0]
    sides = np.minimum(box_px[2:], others_px[:, 2:]) - np.maximum(box_px[:2], others_px[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (box_px, others_px)]
    return (ious >= SAME_FACE_IOU) | (shared >= SAME_FACE_INSIDE * np.minimum(*areas))
