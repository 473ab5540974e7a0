"""Where on a face the evidence lies: how the answer changes when a part of it is covered.

Occlusion sensitivity (Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional
Networks", section 4.2). It tells what the detector's score rests on in this picture; it does not
tell that those pixels were forged. Shapes: `G` cells of the grid a side.
"""

import numpy as np

from deepfake_detector.data.tracks import compute_box_overlaps
from deepfake_detector.prediction import BOX, find_faces
from deepfake_detector.viewing.frames import count_frames_at_once

CELLS = 8
PATCH_CELLS = 2  # side of the covering patch
LEAST_OVERLAP = 0.5  # of the face found with a part covered, to be the same face


def measure_evidence(detector, image: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Measure how much each part of a face speaks for fake.

    Args:
        image: the whole frame, uint8 RGB [height, width, 3].
        box_px: of a face found in it, [4].

    Returns:
        [G, G], rows from the top: how far the fake share falls when the place is covered; below
        0 where it rises; NaN where the face is no longer found.
    """
    height_px, width_px = image.shape[:2]
    before = _look_up_share(find_faces(detector, [image])[0], box_px)
    places = [divmod(place, CELLS - 1) for place in range((CELLS - 1) ** 2)]
    at_once = count_frames_at_once(width_px, height_px)
    shares = []
    for start in range(0, len(places), at_once):
        covered = [cover(image, box_px, *place) for place in places[start : start + at_once]]
        shares += [_look_up_share(faces, box_px) for faces in find_faces(detector, covered)]
    return _spread(before - np.reshape(shares, (CELLS - 1, CELLS - 1)))


def cover(image: np.ndarray, box_px: np.ndarray, row: int, column: int) -> np.ndarray:
    """Cover `PATCH_CELLS` cells from a row and column on with the face's mean colour."""
    left, top, right, bottom = _round_box(image, box_px)
    across = np.round(np.linspace(left, right, CELLS + 1)).astype(int)
    down = np.round(np.linspace(top, bottom, CELLS + 1)).astype(int)
    covered = image.copy()
    rows = slice(down[row], down[row + PATCH_CELLS])
    columns = slice(across[column], across[column + PATCH_CELLS])
    covered[rows, columns] = np.round(cut_box(image, box_px).mean(axis=(0, 1)))
    return covered


def cut_box(image: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Cut out what a box [4] shows of an image: at least a pixel, [height, width, 3]."""
    left, top, right, bottom = _round_box(image, box_px)
    return image[top:bottom, left:right]


def _round_box(image: np.ndarray, box_px: np.ndarray) -> tuple[int, int, int, int]:
    height_px, width_px = image.shape[:2]
    left, top = np.clip(np.floor(box_px[:2]), 0, [width_px - 1, height_px - 1]).astype(int)
    right, bottom = np.clip(np.ceil(box_px[2:]), [left + 1, top + 1], [width_px, height_px])
    return int(left), int(top), int(right), int(bottom)


def _look_up_share(faces, box_px: np.ndarray) -> float:
    """Give the fake share of the face in a box, NaN where it is not among those found."""
    if faces.empty:
        return np.nan
    overlaps = compute_box_overlaps(box_px[None], faces[BOX].to_numpy(float))[0]
    face = faces.iloc[int(np.argmax(overlaps))]
    if overlaps.max() < LEAST_OVERLAP:
        return np.nan
    return float(face["fake"] / max(face["real"] + face["fake"], 1e-9))


def _spread(drops: np.ndarray) -> np.ndarray:
    """Give each cell [G, G] the mean over the patches [G - 1, G - 1] that covered it."""
    total, count = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
    known = ~np.isnan(drops)
    for row, column in np.argwhere(known):
        patch = slice(row, row + PATCH_CELLS), slice(column, column + PATCH_CELLS)
        total[patch] += drops[row, column]
        count[patch] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
