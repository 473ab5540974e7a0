"""Small faces of large frames, looked for in tiles where the whole frame shows none.

The SSD sees a frame at 300 x 300 px, in which a face of 60 px of a frame of 1080 lines is a speck.
A tile shows it larger (Akyon et al. 2022, "Slicing Aided Hyper Inference and Fine-tuning for
Small Object Detection"). Tiles are searched coarse ones first, now and then; a face that was found
is followed in a tile of its own. Where the whole frame shows a face no tile is looked at, so that
such videos cost and give what they did. Shapes: `T` tiles, `N` faces.
"""

import math

import numpy as np

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou_matrix
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.inference.detector import FACE_COLUMNS, Detector, find_boxes
from deepfake_detector.video.frame_reader import Frame

MIN_TILE_PX = (640, 240)
"""Sides of coarse and fine tiles of frames up to 1920 px: larger frames have larger tiles."""

MAX_TILES_ALONG = (3, 8)
"""Tiles side by side, without their overlap, so that a search takes about as long in any frame."""

OVERLAP = 0.25
"""Of a tile's side: a face up to this size is whole in one of the tiles."""

MAX_FACE = 0.5
"""Of a tile's side: a face that fills more of it is seen in the whole frame or in coarser tiles;
what looks so in a tile is mostly a wall."""

SEARCH_SECONDS = (2.0, 16.0)
"""From one search to the next: at first, and at most. One that finds nothing doubles it."""

MAX_FOLLOWED, MAX_MISSES = 16, 5
"""Faces that are followed at once, the surest ones, and frames in a row in which none is seen."""

TILES_AT_ONCE = 8

EDGE_PX = 2
"""A box this near to an edge of a tile, that is none of the frame, shows a part of a face."""

SAME_FACE_IOU, SAME_FACE_INSIDE = 0.45, 0.7
"""Boxes of one face: their IoU, or the part of the smaller one that lies in the other."""


class SmallFaceSearch:
    """Searches the frames of one video, in order, that show no face as a whole."""

    def __init__(self, detector: Detector, min_face_score: float):
        """Find faces of `min_face_score` or more, of real and fake together."""
        self._detector, self._min_face_score = detector, min_face_score
        self._known_px, self._misses = np.zeros((0, 4)), 0
        self._next_seconds, self._gap_seconds = 0.0, SEARCH_SECONDS[0]

    def find(self, frame: Frame) -> np.ndarray:
        """Find the small faces of a frame: `FACE_COLUMNS` [N, 6], boxes in px; often none."""
        found = self._look(frame.image, self._surround_known(frame.image))
        if not len(found) and frame.seconds >= self._next_seconds:
            found = self._search(frame.image)
            longer = min(2 * self._gap_seconds, SEARCH_SECONDS[1])
            self._gap_seconds = SEARCH_SECONDS[0] if len(found) else longer
            self._next_seconds = frame.seconds + self._gap_seconds
        self._misses = 0 if len(found) else self._misses + 1
        if len(found) or self._misses > MAX_MISSES:
            self._known_px = found[:MAX_FOLLOWED, :4]
        return found

    def _search(self, image: np.ndarray) -> np.ndarray:
        for level in range(len(MIN_TILE_PX)):
            found = self._look(image, choose_tiles(*image.shape[1::-1], level))
            if len(found):
                return found
        return np.zeros((0, len(FACE_COLUMNS)))

    def _surround_known(self, image: np.ndarray) -> np.ndarray:
        """Choose a tile [T, 4] for each known face: its side is six times the face's."""
        height, width = image.shape[:2]
        tiles = []
        for box in self._known_px:
            side = min(6 * (box[2:] - box[:2]).max(), width, height)
            corner = np.clip((box[:2] + box[2:] - side) / 2, 0, [width - side, height - side])
            tiles.append(np.round([*corner, *(corner + side)]).astype(int))
        return np.array(tiles, int).reshape(-1, 4)

    def _look(self, image: np.ndarray, tiles: np.ndarray) -> np.ndarray:
        """Detect faces in tiles [T, 4] of an image; each face once, the surest first."""
        rows, own = [np.zeros((0, len(FACE_COLUMNS)))], [np.zeros((0, 4), int)]
        for start in range(0, len(tiles), TILES_AT_ONCE):
            some = tiles[start : start + TILES_AT_ONCE]
            cuts = [image[top:bottom, left:right] for left, top, right, bottom in some]
            faces = find_boxes(self._detector, cuts)
            own.append(some[faces["image"]])
            boxes_px = faces[BOX].to_numpy() + np.tile(own[-1][:, :2], 2)
            rows.append(np.column_stack([boxes_px, faces[list(FACE_LABELS)].to_numpy()]))
        faces, own = np.concatenate(rows), np.concatenate(own)  # [N, 6], [N, 4]
        certainty = faces[:, 4:].sum(axis=1)
        is_small = measure_sides(faces[:, :4]) <= MAX_FACE * measure_sides(own)
        kept = (certainty >= self._min_face_score) & is_small
        kept &= ~is_cut(faces[:, :4], own, image.shape[1::-1])
        faces = faces[kept]
        return faces[merge_boxes(faces[:, :4], certainty[kept])]


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
        if not kept or not _is_same_face(boxes_px[place], boxes_px[kept]).any():
            kept.append(place)
    return np.array(kept, int)


def _is_same_face(box_px: np.ndarray, others_px: np.ndarray) -> np.ndarray:
    """Tell which boxes [N, 4] show the face of a box [4]: bool [N]."""
    ious = compute_iou_matrix(box_px[None], others_px)[0]
    sides = np.minimum(box_px[2:], others_px[:, 2:]) - np.maximum(box_px[:2], others_px[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (box_px, others_px)]
    return (ious >= SAME_FACE_IOU) | (shared >= SAME_FACE_INSIDE * np.minimum(*areas))
