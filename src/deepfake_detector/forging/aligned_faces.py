"""Faces cut out upright and at one size, as an autoencoder learns and draws them.

A face is turned, zoomed and moved so that its five landmarks come to lie on the template, as
DeepFaceLab (Perov et al. 2020, section 3.1) does. Letters: `S` `FACE_PX`, what a network sees;
`P` `CUT_PX`, the same with a margin, so that a moved one has no empty border. Images are RGB,
landmarks [5, 2] in px.
"""

from functools import cache

import cv2
import numpy as np

from deepfake_detector.faces.alignment import (
    MASK_CENTER,
    MASK_RADII,
    TEMPLATE,
    fit_similarity,
    make_mask,
    move_points,
)
from deepfake_detector.forging.face_forger import PLAIN_OUTLINE, warp_donor

FACE_PX = 112
CUT_PX = 136
SIDE = 0.84  # of what a network sees, in units of the template: the mask and a little around it

_WARP_POINTS = 5  # a side of the grid of moves, as in Korshunova et al. 2017 and faceswap
_WARP = 0.03  # standard deviation of a move, in sides
_MAX_TURN_DEGREES, _MAX_ZOOM, _MAX_SHIFT = 6.0, 0.05, 0.03
_MIRRORED = 0.2  # of the faces: with half of them every face becomes symmetric
_MIN_SPREAD = 4.0  # gray levels


def cut_face(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Cut out a face uint8 [P, P, 3], upright; what the picture lacks is mirrored."""
    matrix = fit_similarity(landmarks, _place_template(CUT_PX))
    return np.clip(np.round(warp_donor(image, matrix, CUT_PX, CUT_PX)), 0, 255).astype(np.uint8)


def is_whole(image: np.ndarray, landmarks: np.ndarray) -> bool:
    """Return whether all of a face, from the brows to the chin, lies in the picture."""
    corners = MASK_CENTER + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * MASK_RADII
    places = move_points(corners, fit_similarity(TEMPLATE, landmarks))  # [4, 2]
    height, width = image.shape[:2]
    return bool((places >= 0).all() and (places <= [width, height]).all())


def lay_back(face: np.ndarray, landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Lay a drawn face [S, S, 3] onto landmarks in a picture: float32 [height, width, 3]."""
    return warp_donor(face, fit_similarity(_place_template(FACE_PX), landmarks), height, width)


def trim(cut: np.ndarray) -> np.ndarray:
    """Take the margin away from [..., P, P, 3]; a view [..., S, S, 3]."""
    edge = (CUT_PX - FACE_PX) // 2
    return cut[..., edge : edge + FACE_PX, edge : edge + FACE_PX, :]


@cache
def make_face_weights() -> np.ndarray:
    """Make weights [S, S] of pixels: 1 on the face, 0 far from it, not to be written to."""
    hard = make_mask(_place_template(FACE_PX), FACE_PX, FACE_PX, PLAIN_OUTLINE, 1.1)
    return cv2.GaussianBlur(hard.astype(np.float32), (0, 0), FACE_PX / 40)


def normalize_colors(face: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take light and colour away, so that two people filmed differently look alike to an encoder.

    Args:
        face: [S, S, 3] in gray levels.

    Returns:
        float32 [S, S, 3] with mean 0 and spread 1 under the mask of a face; that mean and that
        spread of the face that was given, [3] each.
    """
    hard = make_mask(_place_template(FACE_PX), FACE_PX, FACE_PX, PLAIN_OUTLINE)
    pixels = face[hard].astype(np.float32)  # [N, 3]
    mean, spread = pixels.mean(axis=0), np.maximum(pixels.std(axis=0), _MIN_SPREAD)
    return (face - mean) / spread, mean, spread


def sample_warped(
    cut: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sample what an autoencoder is shown of a face, and what it has to draw.

    What is shown is turned, zoomed, moved and bent, what is to be drawn stands upright on the
    template: an encoder learns expressions and leaves the shape of the face to the decoder
    (Korshunova et al. 2017, section 3; the random warp of DeepFaceLab and faceswap). Both may be
    mirrored, for poses to the other side.

    Args:
        cut: uint8 [P, P, 3].

    Returns:
        Two uint8 [S, S, 3].
    """
    if generator.random() < _MIRRORED:
        cut = cut[:, ::-1]
    turn = np.deg2rad(generator.uniform(-_MAX_TURN_DEGREES, _MAX_TURN_DEGREES))
    zoom = 1 + generator.uniform(-_MAX_ZOOM, _MAX_ZOOM)
    axes = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    steps = np.arange(FACE_PX) - (FACE_PX - 1) / 2
    places = np.stack(np.meshgrid(steps, steps), axis=-1) @ axes.T  # [S, S, 2]
    places += (CUT_PX - 1) / 2 + generator.uniform(-_MAX_SHIFT, _MAX_SHIFT, 2) * FACE_PX
    strength_px = _WARP * FACE_PX * generator.uniform(0, 1)
    grid = generator.normal(0, strength_px, (_WARP_POINTS, _WARP_POINTS, 2)).astype(np.float32)
    places += cv2.resize(grid, (FACE_PX, FACE_PX), interpolation=cv2.INTER_CUBIC)
    x, y = np.moveaxis(places.astype(np.float32), -1, 0)
    shown = cv2.remap(cut, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return shown, trim(cut)


def _place_template(side_px: int) -> np.ndarray:
    """Return where the landmarks [5, 2] px lie in a square cut of the face."""
    return (TEMPLATE - MASK_CENTER) * FACE_PX / SIDE + side_px / 2
