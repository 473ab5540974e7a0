"""Where a face is: maps between faces by their five landmarks, and the mask of a face.

Landmarks are [5, 2] in px: left eye, right eye, nose, left and right corner of the mouth, as they
stand in the picture. Masks are [H, W] in 0-1.
"""

import cv2
import numpy as np

# Where the five landmarks stand in an upright face whose square has side 1: the alignment
# template of ArcFace (Deng et al. 2019), scaled so that the chin and the hairline are inside.
TEMPLATE = np.array([[0.35, 0.40], [0.65, 0.40], [0.50, 0.572], [0.376, 0.746], [0.624, 0.746]])
FACE_WIDTH = 0.66  # of a face, cheek to cheek, in units of the template
MASK_CENTER = (0.5, 0.585)  # between the nose's tip and the eyes
MASK_RADII = (0.30, 0.35)  # half width and half height: from above the brows to the chin
MASK_POWER = 2.4  # of the superellipse: 2 is an ellipse, more is boxier, like a jaw
MASK_CORNERS = 96
SKIN_SLACK = np.array([12.0, 3.0, 3.0], np.float32)  # added to the spread of L, a and b (8 bit)
SKIN_DISTANCE = 3.0  # in spreads


def fit_similarity(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Find the turn, zoom and move [2, 3] that best bring points [N, 2] onto others [N, 2]."""
    x, y = points.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate(
        [np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)]
    )  # [2N, 4]
    (a, b, right, down), *_ = np.linalg.lstsq(rows, onto.T.ravel(), rcond=None)
    return np.array([[a, -b, right], [b, a, down]])


def fit_affine(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Find the affine map [2, 3] that best brings points [N, 2] onto others [N, 2]."""
    rows = np.column_stack([points, np.ones(len(points))])  # [N, 3]
    return np.linalg.lstsq(rows, onto, rcond=None)[0].T


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply an affine map [2, 3] to points [N, 2]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def measure_face_width(landmarks: np.ndarray) -> float:
    """Measure the width of a face in px from its landmarks."""
    matrix = fit_similarity(TEMPLATE, landmarks)
    return FACE_WIDTH * float(np.hypot(matrix[0, 0], matrix[1, 0]))


def make_mask(
    landmarks: np.ndarray, height: int, width: int, outline: np.ndarray, size: float = 1.0
) -> np.ndarray:
    """Draw the hard mask of a face, a superellipse from above the brows to the chin.

    Args:
        landmarks: of the face, [5, 2].
        height: of the picture, px.
        width: of the picture, px.
        outline: factor of the radius in equally spaced directions, [K]; ones for a plain mask.
        size: factor of all radii.

    Returns:
        [H, W] bool.
    """
    angles = np.linspace(0, 2 * np.pi, MASK_CORNERS, endpoint=False)
    directions = np.linspace(0, 2 * np.pi, len(outline) + 1)
    radii = size * np.interp(angles, directions, np.append(outline, outline[0]))
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shape = np.sign(circle) * np.abs(circle) ** (2 / MASK_POWER) * radii[:, None]
    corners = move_points(MASK_CENTER + shape * MASK_RADII, fit_affine(TEMPLATE, landmarks))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask > 0


def find_skin(image: np.ndarray, core: np.ndarray, sigma_px: float) -> np.ndarray:
    """Find what looks like the skin of the face's core; hair and background do not.

    Args:
        image: [H, W, 3] uint8, RGB.
        core: [H, W] bool, surely face; always part of the result.
        sigma_px: spots smaller than this are filled or dropped.
    """
    if not core.any():
        return core
    colors = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    middle = np.median(colors[core], axis=0)
    spread = 1.5 * np.median(np.abs(colors[core] - middle), axis=0) + SKIN_SLACK
    distance = np.sqrt((((colors - middle) / spread) ** 2).sum(axis=2))
    likeness = np.where(core, 1.0, distance < SKIN_DISTANCE).astype(np.float32)
    return core | (cv2.GaussianBlur(likeness, (0, 0), sigma_px) > 0.6)


def soften_mask(mask: np.ndarray, seam_px: float) -> np.ndarray:
    """Let a hard mask [H, W] rise from 0 at its border to 1 at `seam_px` inside, smoothly."""
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)
    rise = np.clip(distance[1:-1, 1:-1] / max(seam_px, 1.0), 0, 1)
    return (rise * rise * (3 - 2 * rise)).astype(np.float32)
