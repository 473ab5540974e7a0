"""Where on a face the evidence lies: how the answer changes when a part of it is covered.

Occlusion sensitivity (Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional
Networks", section 4.2). It tells what the score rests on in this picture; it does not
tell that those pixels were forged. Shapes: `G` cells of the grid a side.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou_matrix
from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.detector import Detector, detect_faces

CELLS = 6
FRAMES_AT_ONCE = 5
PATCH_CELLS = 2  # side of the covering patch
MIN_IOU = 0.5  # of the face found with a part covered, to be the same face


def measure_occlusion(detector: Detector, image: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Measure how much each part of a face speaks for fake.

    The face classifier is asked, which decides; where there is none, the SSD.

    Args:
        image: the whole frame, uint8 RGB [height, width, 3].
        box_px: of a face found in it, [4].

    Returns:
        [G, G], rows from the top: how far the fake share falls when the place is covered; below
        0 where it rises; NaN where the SSD no longer finds the face.
    """
    places = [divmod(place, CELLS - 1) for place in range((CELLS - 1) ** 2)]
    covered = (occlude(image, box_px, *place) for place in places)
    frames = itertools.chain([image], covered)
    score = _score_with_ssd if detector.face_classifier is None else _score_with_classifier
    before, *fake_scores = score(detector, frames, box_px)
    return _spread(before - np.reshape(fake_scores, (CELLS - 1, CELLS - 1)))


def _score_with_classifier(detector: Detector, frames: Iterator[np.ndarray], box_px: np.ndarray):
    crops = [cut_face(frame, box_px, *detector.crop_shape) for frame in frames]
    return expit(detector.classify(crops))


def _score_with_ssd(detector: Detector, frames: Iterator[np.ndarray], box_px: np.ndarray):
    fake_scores = []
    while batch := list(itertools.islice(frames, FRAMES_AT_ONCE)):
        fake_scores += [_find_fake_score(faces, box_px) for faces in detect_faces(detector, batch)]
    return np.array(fake_scores)


def occlude(image: np.ndarray, box_px: np.ndarray, row: int, column: int) -> np.ndarray:
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


def _find_fake_score(faces, box_px: np.ndarray) -> float:
    """Give the fake share of the face in a box, NaN where it is not among those found."""
    if faces.empty:
        return np.nan
    ious = compute_iou_matrix(box_px[None], faces[BOX].to_numpy(float))[0]
    face = faces.iloc[int(np.argmax(ious))]
    if ious.max() < MIN_IOU:
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
