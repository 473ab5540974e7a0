"""A face with another expression: mouth, jaw, eyes and brows moved by its landmarks.

Lip-sync and re-enactment draw a face anew in another expression. What they leave is imitated by
moving the picture itself: landmarks of a part are moved, the pixels between follow smoothly
(scattered data by Gaussian weights: Shepard 1968; Siarohin et al. 2019, "First Order Motion Model
for Image Animation", moves the neighbourhood of keypoints so, too), and are drawn from others than
their own places. Images are RGB uint8 [H, W, 3], landmarks float [468, 2] in px, numbered as in
`faces.landmarks`.
"""

import cv2
import numpy as np

from deepfake_detector.forging.landmark_masks import (
    BROWS,
    EYES,
    JAW,
    LIPS,
    OVAL,
    measure_oval_width,
)

LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
UPPER_LIP = (409, 270, 269, 267, 0, 37, 39, 40, 185)
CHIN_AND_JAW = tuple(point for point in JAW if point not in (132, 361))
STILL = tuple(point for point in OVAL if point not in JAW)
"""The outline above the jaw, which no expression moves."""

_REACH = 0.07  # widths of the face: the standard deviation of a landmark's influence
_GRID_PX = 4  # the field of moves is computed on a coarser grid, which is quicker
_MIN_WEIGHT = 0.05  # of all landmarks near a place; far from all of them nothing moves


def warp_expression(
    image: np.ndarray,
    landmarks: np.ndarray,
    generator: np.random.Generator,
    strength: float = 1.0,
) -> np.ndarray:
    """Give a face another expression, by up to about a tenth of its width.

    Args:
        strength: of the expression that is drawn; 0 leaves the face as it is.

    Returns:
        Of the size of `image`, whose pixels outside of the face stay where they are.
    """
    width_px = measure_oval_width(landmarks)
    moves = {
        part: strength * of_part for part, of_part in sample_moves(landmarks, generator).items()
    }
    field = spread_moves(landmarks, moves, image.shape[:2], max(_REACH * width_px, 1.0))
    rows, columns = np.indices(image.shape[:2], np.float32)
    # backwards: each place shows what has been moved there
    return cv2.remap(
        image,
        columns - field[..., 0],
        rows - field[..., 1],
        cv2.INTER_CUBIC if generator.random() < 0.5 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )


def sample_moves(
    landmarks: np.ndarray, generator: np.random.Generator
) -> dict[tuple[int, ...], np.ndarray]:
    """Draw how the landmarks of parts are moved: the mouth always, the others now and then.

    Returns:
        For each part, by its landmarks, their moves [K, 2] px to the right and down.
    """
    width_px = measure_oval_width(landmarks)
    opened = generator.choice([-1, 1]) * generator.uniform(0.02, 0.09) * width_px
    moves = {
        LOWER_LIP: np.tile([0.0, opened], (len(LOWER_LIP), 1)),
        UPPER_LIP: np.tile([0.0, -0.25 * opened], (len(UPPER_LIP), 1)),
        CHIN_AND_JAW: np.tile([0.0, 0.6 * opened], (len(CHIN_AND_JAW), 1)),
    }
    lips = landmarks[list(LIPS)]
    widened = (lips - lips.mean(axis=0)) * [generator.uniform(-0.15, 0.2), 0.0]
    moves[LIPS] = widened
    if generator.random() < 0.4:
        raised = generator.uniform(-0.04, 0.04) * width_px
        moves[BROWS] = np.tile([0.0, raised], (len(BROWS), 1))
    if generator.random() < 0.4:
        eyes = landmarks[list(EYES)]
        middles = np.repeat([eyes[:4].mean(axis=0), eyes[4:].mean(axis=0)], 4, axis=0)
        moves[EYES] = (eyes - middles) * [0.0, generator.uniform(-0.7, 0.4)]
    return moves


def spread_moves(
    landmarks: np.ndarray,
    moves: dict[tuple[int, ...], np.ndarray],
    size_px: tuple[int, int],
    reach_px: float,
) -> np.ndarray:
    """Spread the moves of landmarks over a picture.

    Args:
        moves: as `sample_moves` draws them; those of a landmark in two parts add up.
        size_px: height and width of the picture.
        reach_px: standard deviation of a landmark's influence.

    Returns:
        Moves float32 [H, W, 2] px.
    """
    total = np.zeros_like(landmarks, dtype=float)
    for part, of_part in moves.items():
        np.add.at(total, list(part), of_part)
    moved = sorted({point for part in moves for point in part} | set(STILL))
    height, width = size_px
    shape = (height // _GRID_PX + 1, width // _GRID_PX + 1)
    rows, columns = np.indices(shape, float)
    places = np.stack([columns * width / shape[1], rows * height / shape[0]], axis=-1)  # [h, w, 2]
    squares = ((places[:, :, None] - landmarks[moved]) ** 2).sum(axis=-1)  # [h, w, K]
    weights = np.exp(-squares / (2 * reach_px**2))
    field = weights @ total[moved] / np.maximum(weights.sum(axis=-1), _MIN_WEIGHT)[..., None]
    return cv2.resize(field.astype(np.float32), (width, height))
