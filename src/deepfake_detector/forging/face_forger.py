"""Forge one face in one picture: align, mask, match colours and light, blend.

*Face swap*: another person's face is warped onto the landmarks and blended in. *Self-blending*
(Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images", section 3): the face is
blended with a slightly moved and recoloured copy of itself, so that only the traces of blending
remain. Images are RGB [H, W, 3], masks [H, W] in 0-1, landmarks [5, 2] in px.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_detector.faces.alignment import (
    find_skin,
    fit_affine,
    make_mask,
    measure_face_width,
    soften_mask,
)
from deepfake_detector.forging.color_transfer import match_appearance

SKIN_SIGMA = 0.04  # spots of hair or shine below this share of the face's width do not count
BLUR_SIGMA = 0.008  # share of the face's width that a self-blended copy is blurred by
CORE_SIZE = 0.72  # of the mask: eyes, nose and mouth, which are face whatever their colour
PLAIN_OUTLINE = np.ones(8)


@dataclass(frozen=True)
class SelfBlend:
    """How the copy in a self-blended face differs from the face; drawn once for a video.

    Attributes:
        move: right and down, in face widths.
        zoom: size of the copy over size of the face.
        gains: factor of red, green and blue, [3].
        contrast: factor around the mean of the face.
        sharpen: above 0 the strength of unsharp masking, below 0 that of a blur.
        alpha: of the copy in the blend, 1 is all of it.
        outline: factor of the mask's radius in equally spaced directions, [K].
    """

    move: tuple[float, float]
    zoom: float
    gains: np.ndarray
    contrast: float
    sharpen: float
    alpha: float
    outline: np.ndarray


def sample_self_blend(generator: np.random.Generator) -> SelfBlend:
    """Draw a self-blend in about the ranges of the paper (its section 3.2)."""
    return SelfBlend(
        move=(generator.uniform(-0.04, 0.04), generator.uniform(-0.03, 0.03)),
        zoom=generator.uniform(0.95, 1.05),
        gains=generator.uniform(0.95, 1.05, 3),
        contrast=generator.uniform(0.88, 1.12),
        sharpen=generator.choice([-0.7, -0.4, 0.4, 0.7]),
        alpha=generator.choice([0.75, 1.0, 1.0]),
        outline=generator.uniform(0.82, 1.12, 8),
    )


def blend(image: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Lay a face over an image [H, W, 3] uint8 where the mask is 1."""
    weight = mask[..., None]
    return np.round(np.clip(image * (1 - weight) + face * weight, 0, 255)).astype(np.uint8)


def swap_face(
    image: np.ndarray,
    landmarks: np.ndarray,
    donor: np.ndarray,
    donor_landmarks: np.ndarray,
    feather: float,
) -> np.ndarray:
    """Put the donor's face onto the face at `landmarks`; the rest of the image stays as it is."""
    height, width = image.shape[:2]
    face = warp_donor(donor, fit_affine(donor_landmarks, landmarks), height, width)
    return paste_face(image, landmarks, face, feather, CORE_SIZE)


def paste_face(
    image: np.ndarray, landmarks: np.ndarray, face: np.ndarray, feather: float, core_size: float
) -> np.ndarray:
    """Blend another person's face in that lies on the landmarks already, with the image's light.

    Args:
        face: float32 [H, W, 3] in gray levels; what is no skin in both stays as it is.
        feather: width of the seam, as a fraction of the face's width.
        core_size: of the mask, what is face whatever its color.
    """
    height, width = image.shape[:2]
    face_width = measure_face_width(landmarks)
    hard = make_mask(landmarks, height, width, PLAIN_OUTLINE)
    core = make_mask(landmarks, height, width, PLAIN_OUTLINE, core_size)
    for picture in (image, np.clip(face, 0, 255).astype(np.uint8)):
        hard &= find_skin(picture, core, SKIN_SIGMA * face_width)
    mask = soften_mask(hard, feather * face_width)
    reference = image.astype(np.float32)
    return blend(image, match_appearance(face, reference, mask, face_width), mask)


def warp_donor(donor: np.ndarray, matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """Warp a donor's picture by an affine map [2, 3], without aliasing when it shrinks."""
    zoom = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if zoom < 0.8:
        donor = cv2.GaussianBlur(donor, (0, 0), 0.45 / zoom)
    return cv2.warpAffine(
        donor.astype(np.float32),
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )


def self_blend_face(
    image: np.ndarray, landmarks: np.ndarray, change: SelfBlend, feather: float
) -> np.ndarray:
    """Blend the face at `landmarks` with a changed copy of itself."""
    height, width = image.shape[:2]
    face_width = measure_face_width(landmarks)
    center = landmarks.mean(axis=0)
    matrix = np.column_stack(
        [change.zoom * np.eye(2), center * (1 - change.zoom) + np.array(change.move) * face_width]
    )
    copy = warp_donor(image, matrix, height, width)
    hard = make_mask(landmarks, height, width, change.outline)
    mask = soften_mask(hard, feather * face_width)
    copy = recolor(copy, change, mask, face_width)
    return blend(image, copy, mask * change.alpha)


def recolor(
    face: np.ndarray, change: SelfBlend, mask: np.ndarray, face_width: float
) -> np.ndarray:
    """Change gains, contrast and sharpness of a face [H, W, 3]."""
    mean = (face * mask[..., None]).sum((0, 1)) / max(float(mask.sum()), 1e-6)
    face = (face - mean) * change.contrast + mean * change.gains
    sigma_px = max(BLUR_SIGMA * face_width, 0.5)
    blurred = cv2.GaussianBlur(face, (0, 0), sigma_px)
    return face + change.sharpen * (face - blurred)
