"""Fakes made on the fly of a real face whose landmarks are known.

What is blended in, under a mask drawn by the landmarks, is a changed copy of the face itself
(Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images", section 3), or another
face that is laid onto it: the same person's of another frame, or another person's whose landmarks
fit (Li et al. 2020, "Face X-ray for More General Face Forgery Detection", section 3.3).
Images are RGB uint8 [H, W, 3], landmarks float [468, 2] in px, numbered as in `faces.landmarks`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_detector.faces.alignment import fit_similarity, move_points
from deepfake_detector.forging.color_transfer import match_appearance
from deepfake_detector.forging.landmark_masks import draw_landmark_mask, measure_oval_width
from deepfake_detector.forging.self_blending import (
    change_detail,
    change_look,
    match_colors,
    move_slightly,
    to_pixels,
)

STABLE = (33, 133, 362, 263, 1, 61, 291, 168)
"""Eight landmarks that hardly move with speech: corners of eyes and mouth, nose, its root."""

MAX_MISFIT = 0.1
"""Largest distance of the stable landmarks, in widths of the face, of a face that is laid on."""

_NOSE = 1
_COPY_SHARES = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)  # of a copy of the same picture in the blend
_PARTNER_SHARES = (0.75, 1.0, 1.0, 1.0)  # of another picture's


@dataclass(frozen=True)
class LandmarkedFace:
    """A picture with a face: `image` uint8 [H, W, 3] and its `landmarks` [468, 2] in px of it."""

    image: np.ndarray
    landmarks: np.ndarray


def blend_by_landmarks(
    face: LandmarkedFace, partner: LandmarkedFace | None, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Forge a face: blend it with a changed copy of itself, or with a partner's face.

    Args:
        partner: whose face is laid on, of any size; None: a copy of `face`, as it is for a partner
            whose landmarks fit worse than `MAX_MISFIT`.

    Returns:
        The real face and its fake, alike outside the mask, each of the size of `face`: where it is
        the base that was changed, the real one is changed, too.
    """
    laid_on = None if partner is None else lay_on(partner, face)
    mask = draw_landmark_mask(face.landmarks, face.image.shape[:2], generator)
    base = face.image.astype(np.float32)
    copy = base if laid_on is None else match_colors(laid_on.astype(np.float32), base, mask)
    # either of the two may be the odd one (section 3.2), but another face is always changed
    if laid_on is not None or generator.random() < 0.5:
        copy = change_look(copy, generator)
    else:
        base = change_look(base, generator)
    copy = move_slightly(copy, _make_nose_box(face.landmarks), generator)
    share = generator.choice(_COPY_SHARES if laid_on is None else _PARTNER_SHARES)
    weight = (mask * share)[..., None]
    return to_pixels(base), to_pixels(base + (copy - base) * weight)


def swap_by_landmarks(
    face: LandmarkedFace, partner: LandmarkedFace, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Lay another person's face on, with the light and about the detail of the picture.

    As a good face swap does: what remains is the seam, and a face that is not the picture's.

    Returns:
        The real face, as it is, and its fake; a self-blend (`blend_by_landmarks`) where the
        partner's landmarks fit worse than `MAX_MISFIT`.
    """
    laid_on = lay_on(partner, face)
    if laid_on is None:
        return blend_by_landmarks(face, None, generator)
    mask = draw_landmark_mask(face.landmarks, face.image.shape[:2], generator)
    base, width_px = face.image.astype(np.float32), measure_oval_width(face.landmarks)
    copy = match_appearance(laid_on.astype(np.float32), base, mask, width_px)
    if generator.random() < 0.6:
        copy = change_detail(copy, generator)
    share = generator.choice(_PARTNER_SHARES)
    return face.image, to_pixels(base + (copy - base) * (mask * share)[..., None])


def blend_under_mask(
    face: LandmarkedFace, forged: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Blend a forged picture of a face into it, under a mask drawn by the landmarks.

    Args:
        forged: uint8 of the size of `face.image`; half of the time its look is changed, too.

    Returns:
        The real face, as it is, and its fake.
    """
    mask = draw_landmark_mask(face.landmarks, face.image.shape[:2], generator)
    base, copy = face.image.astype(np.float32), forged.astype(np.float32)
    if generator.random() < 0.5:
        copy = match_colors(change_look(copy, generator), base, mask)
    return face.image, to_pixels(base + (copy - base) * mask[..., None])


def lay_on(partner: LandmarkedFace, face: LandmarkedFace) -> np.ndarray | None:
    """Turn, zoom and move a partner's picture so that its face comes to lie on another.

    Returns:
        uint8 of the size of `face.image`, mirrored where the partner's ends; None where the
        stable landmarks are further apart than `MAX_MISFIT` on average.
    """
    ends, onto = partner.landmarks[list(STABLE)], face.landmarks[list(STABLE)]  # [8, 2]
    matrix = fit_similarity(ends, onto)
    distance_px = np.linalg.norm(move_points(ends, matrix) - onto, axis=1).mean()
    if distance_px > MAX_MISFIT * measure_oval_width(face.landmarks):
        return None
    zoom, image = float(np.hypot(matrix[0, 0], matrix[1, 0])), partner.image
    if zoom < 0.8:  # no aliasing when it shrinks
        image = cv2.GaussianBlur(image, (0, 0), 0.45 / zoom)
    height, width = face.image.shape[:2]
    return cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def make_stable_shape(landmarks: np.ndarray) -> np.ndarray:
    """Give the stable landmarks [8, 2] about their middle, in widths of the face.

    Two faces fit the better the nearer these are. Landmarks [468, 2] are in any unit that is the
    same for x and y.
    """
    points = landmarks[list(STABLE)]
    return (points - points.mean(axis=0)) / max(measure_oval_width(landmarks), 1e-6)


def find_best_fit(shape: np.ndarray, candidates: np.ndarray) -> int:
    """Find which of the candidates' stable shapes [K, 8, 2], K at least 1, is nearest to one's."""
    return int(np.linalg.norm(candidates - shape, axis=2).mean(axis=1).argmin())


def _make_nose_box(landmarks: np.ndarray) -> np.ndarray:
    """Make a square [4] px as wide as the face, around the nose."""
    half_px = measure_oval_width(landmarks) / 2
    return np.concatenate([landmarks[_NOSE] - half_px, landmarks[_NOSE] + half_px])
