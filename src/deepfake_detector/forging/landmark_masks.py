"""Masks of a face or of parts of it, drawn by its landmarks.

As in Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images", section 3.2: the
convex hull of landmarks, its edge bent by a random elastic deformation and softened by a blur of
random width. Landmarks are float [468, 2] in px, numbered as in `faces.landmarks`; `left` and
`right` are the picture's. Masks are float32 [H, W] in 0-1.
"""

import cv2
import numpy as np

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
EYES = (33, 133, 159, 145, 362, 263, 386, 374)
NOSE = (1, 2, 98, 327, 168, 6, 195, 4)
JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
CHIN = (152, 149, 378)
NOSTRILS_AND_CHEEKS = (98, 327, 2, 205, 425)

PARTS = {
    "whole": OVAL,
    "inner": (*BROWS, *EYES, *NOSE, *LIPS, *CHIN),
    "lower": (*JAW, *NOSTRILS_AND_CHEEKS),
    "mouth": LIPS,
    "eyes and nose": (*BROWS, *EYES, *NOSE),
}
"""Landmarks whose convex hull is the part."""

_PART_PROBABILITIES = {
    "whole": 0.42,
    "inner": 0.23,
    "lower": 0.13,
    "mouth": 0.10,
    "eyes and nose": 0.12,
}
_NOISE_STEP = 4  # px: the elastic deformation is drawn on a coarser grid, which is quicker
_MIN_BLUR_PX = 0.7


def draw_landmark_mask(
    landmarks: np.ndarray, size_px: tuple[int, int], generator: np.random.Generator
) -> np.ndarray:
    """Draw the soft mask of a random part of a face, with an edge of its own.

    Args:
        landmarks: [468, 2] in px; they may lie outside of the picture.
        size_px: height and width of the mask.

    Returns:
        [H, W]; all 0 where no part of the face is in the picture.
    """
    part = str(generator.choice(list(PARTS), p=list(_PART_PROBABILITIES.values())))
    face_width_px = measure_oval_width(landmarks)
    mask = draw_part(vary_part(landmarks, part, generator), size_px)
    mask = bend_edge(
        mask,
        reach_px=face_width_px * generator.uniform(0.02, 0.08),
        smoothness_px=face_width_px * generator.uniform(0.08, 0.20),
        generator=generator,
    )
    blur_px = max(face_width_px * generator.uniform(0.01, 0.07), _MIN_BLUR_PX)
    return soften_edge(mask, blur_px, is_outside=generator.random() < 0.5)


def measure_oval_width(landmarks: np.ndarray) -> float:
    """Measure the width of a face in px, from its leftmost to its rightmost landmark."""
    return float(np.ptp(landmarks[list(OVAL), 0]))


def vary_part(landmarks: np.ndarray, part: str, generator: np.random.Generator) -> np.ndarray:
    """Give the landmarks [K, 2] of a part, stretched a little about their middle.

    A mouth is made larger, as a forgery of speech changes what is around the lips, too.
    """
    points = landmarks[list(PARTS[part])]
    stretch = generator.uniform(0.88, 1.10, 2)
    if part == "mouth":
        stretch = stretch * generator.uniform(1.2, 1.9)
    return points.mean(axis=0) + (points - points.mean(axis=0)) * stretch


def draw_part(points: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Draw the convex hull of points [K, 2] px as a hard mask, 0 or 1."""
    mask = np.zeros(size_px, np.float32)
    corners = np.round(cv2.convexHull(points.astype(np.float32))).astype(np.int32)
    cv2.fillConvexPoly(mask, corners, 1.0)
    return mask


def bend_edge(
    mask: np.ndarray, reach_px: float, smoothness_px: float, generator: np.random.Generator
) -> np.ndarray:
    """Deform a mask elastically (Simard et al. 2003).

    Args:
        reach_px: what is moved furthest is moved by this, right or left and up or down.
        smoothness_px: the standard deviation of the blur that makes neighbours move alike.
    """
    height, width = mask.shape
    shape = (height // _NOISE_STEP + 1, width // _NOISE_STEP + 1)
    noise = generator.uniform(-1, 1, (*shape, 2)).astype(np.float32)
    moves = cv2.GaussianBlur(noise, (0, 0), max(smoothness_px / _NOISE_STEP, 0.1))
    moves *= reach_px / max(float(np.abs(moves).max()), 1e-6)
    moves = cv2.resize(moves, (width, height))  # [H, W, 2]
    rows, columns = np.indices((height, width), np.float32)
    return cv2.remap(mask, columns + moves[..., 0], rows + moves[..., 1], cv2.INTER_LINEAR)


def soften_edge(mask: np.ndarray, blur_px: float, is_outside: bool) -> np.ndarray:
    """Let a mask fall to 0 outside of its border (`is_outside`), or rise from 0 inside of it."""
    blurred = cv2.GaussianBlur(mask, (0, 0), blur_px)
    return np.clip(2 * blurred - (0 if is_outside else 1), 0, 1)
