"""Forge one face in one picture: align, mask, match colours and light, blend.

*Face swap*: another person's face is warped onto the landmarks and blended in. *Self-blending*
(Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images", section 3): the face is
blended with a slightly moved and recoloured copy of itself, so that only the traces of blending
remain. Images are RGB [H, W, 3], masks [H, W] in 0-1, landmarks [5, 2] in px.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Where the five landmarks stand in an upright face whose square has side 1: the alignment
# template of ArcFace (Deng et al. 2019), scaled so that the chin and the hairline are inside.
TEMPLATE = np.array([[0.35, 0.40], [0.65, 0.40], [0.50, 0.572], [0.376, 0.746], [0.624, 0.746]])
FACE_WIDTH = 0.66  # of a face, cheek to cheek, in units of the template
MASK_CENTER = (0.5, 0.585)  # between the nose's tip and the eyes
MASK_REACH = (0.30, 0.35)  # half width and half height: from above the brows to the chin
MASK_POWER = 2.4  # of the superellipse: 2 is an ellipse, more is boxier, like a jaw
MASK_CORNERS = 96


@dataclass(frozen=True)
class SelfBlend:
    """How the copy in a self-blended face differs from the face; drawn once for a video.

    Attributes:
        move: right and down, in face widths.
        zoom: size of the copy over size of the face.
        gains: factor of red, green and blue, [3].
        contrast: factor around the mean of the face.
        sharpen: above 0 unsharp masking by this much, below 0 blur of this many px.
        share: of the copy in the blend, 1 is all of it.
        outline: factor of the mask's radius in equally spaced directions, [K].
    """

    move: tuple[float, float]
    zoom: float
    gains: np.ndarray
    contrast: float
    sharpen: float
    share: float
    outline: np.ndarray


def draw_self_blend(generator: np.random.Generator) -> SelfBlend:
    """Draw a self-blend in about the ranges of the paper (its section 3.2)."""
    return SelfBlend(
        move=(generator.uniform(-0.04, 0.04), generator.uniform(-0.03, 0.03)),
        zoom=generator.uniform(0.95, 1.05),
        gains=generator.uniform(0.92, 1.08, 3),
        contrast=generator.uniform(0.85, 1.15),
        sharpen=generator.choice([-1.0, -0.6, 0.4, 0.8]),
        share=generator.choice([0.75, 1.0, 1.0]),
        outline=generator.uniform(0.82, 1.12, 8),
    )


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
    landmarks: np.ndarray, height: int, width: int, feather: float, outline: np.ndarray
) -> np.ndarray:
    """Make the soft mask of a face, 1 inside, 0 from its outline on.

    Args:
        landmarks: of the face, [5, 2].
        height: of the picture, px.
        width: of the picture, px.
        feather: width of the soft seam, as a share of the face's width.
        outline: factor of the radius in equally spaced directions, [K]; ones for a plain mask.
    """
    angles = np.linspace(0, 2 * np.pi, MASK_CORNERS, endpoint=False)
    radii = np.interp(
        angles, np.linspace(0, 2 * np.pi, len(outline) + 1), np.append(outline, outline[0])
    )
    shape = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shape = np.sign(shape) * np.abs(shape) ** (2 / MASK_POWER) * radii[:, None]
    corners = move_points(MASK_CENTER + shape * MASK_REACH, fit_affine(TEMPLATE, landmarks))
    mask = np.zeros((height, width), np.float32)
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
    return soften_mask(mask, feather * measure_face_width(landmarks))


def soften_mask(mask: np.ndarray, seam_px: float) -> np.ndarray:
    """Let a hard mask rise from 0 at its border to 1 at `seam_px` inside, smoothly."""
    if seam_px < 1:
        return mask
    inside = (mask > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rise = np.clip(distance / seam_px, 0, 1)
    return (rise * rise * (3 - 2 * rise)).astype(np.float32)


def match_colours(face: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give a face the mean and spread of the reference's colours, each weighed by the mask.

    Reinhard et al. 2001, "Color Transfer between Images", in linear-free RGB. The spread changes
    by at most a third, because a smile or a beard is no difference in light.
    """
    weights = mask[..., None] / max(float(mask.sum()), 1e-6)
    means = (face * weights).sum((0, 1)), (reference * weights).sum((0, 1))
    spreads = [
        np.sqrt(((image - mean) ** 2 * weights).sum((0, 1)))
        for image, mean in zip((face, reference), means, strict=True)
    ]
    gains = np.clip(spreads[1] / np.maximum(spreads[0], 1.0), 0.75, 1.33)
    return (face - means[0]) * gains + means[1]


def match_light(
    face: np.ndarray, reference: np.ndarray, mask: np.ndarray, reach_px: float
) -> np.ndarray:
    """Shift the broad light and shade of a face to that of the reference.

    Both are blurred within the mask by `reach_px`; details finer than that stay the face's own.
    """
    weight = np.maximum(cv2.GaussianBlur(mask, (0, 0), reach_px), 1e-3)
    difference = (reference - face) * mask[..., None]
    return face + cv2.GaussianBlur(difference, (0, 0), reach_px) / weight[..., None]


def blend(image: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Lay a face over an image [H, W, 3] uint8 where the mask is 1."""
    weight = mask[..., None]
    return np.round(np.clip(image * (1 - weight) + face * weight, 0, 255)).astype(np.uint8)
