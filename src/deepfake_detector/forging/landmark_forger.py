"""Forge one face through a whole video by its 468 landmarks, or redraw the whole picture.

*Expression warp*: mouth, eyes and brows move to and fro. *Resynthesis*: the face, or all of the
picture, is drawn anew by a small generator. Every frame draws the same random numbers, so that
mask, generator and strength stay as they are through the video. Images are RGB uint8 [H, W, 3].
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from deepfake_detector.faces.alignment import fit_similarity, measure_face_width, move_points
from deepfake_detector.faces.landmarks import MIN_PRESENCE, FaceLandmarker
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.forging.expression_warp import warp_expression
from deepfake_detector.forging.landmark_blending import LandmarkedFace, blend_under_mask
from deepfake_detector.forging.resynthesis import resynthesize
from deepfake_detector.forging.video_forger import CROP_SCALE, Forger

_PERIOD = (12, 40)  # frames in which an expression comes and goes
_WEAKEST, _STRONGEST = 0.2, 1.0  # of an expression


def make_expression_warp(track: Track, seed: list[int]) -> Forger:
    """Make the forger that gives a face another expression, which comes and goes.

    Args:
        seed: of all that is drawn, as `np.random.default_rng` takes it.
    """
    draw = np.random.default_rng([*seed, 1])
    period, phase = draw.uniform(*_PERIOD), draw.uniform(0, 2 * np.pi)
    middle, swing = (_STRONGEST + _WEAKEST) / 2, (_STRONGEST - _WEAKEST) / 2

    def change(face: LandmarkedFace, generator: np.random.Generator, place: int) -> np.ndarray:
        strength = middle + swing * np.sin(2 * np.pi * place / period + phase)
        return warp_expression(face.image, face.landmarks, generator, strength)

    return _make_forger(track, seed, change)


def make_resynthesis(track: Track, seed: list[int]) -> Forger:
    """Make the forger that draws a face anew by one of the generators of `resynthesis`."""

    def change(face: LandmarkedFace, generator: np.random.Generator, place: int) -> np.ndarray:
        return resynthesize(face.image, generator)

    return _make_forger(track, seed, change)


def resynthesize_frames(
    frames: Iterable[tuple[int, np.ndarray]], seed: list[int]
) -> Iterator[np.ndarray]:
    """Give all frames of a video, each drawn anew as a whole by the same generator."""
    for _, image in frames:
        yield resynthesize(image, np.random.default_rng(seed))


def _make_forger(
    track: Track,
    seed: list[int],
    change: Callable[[LandmarkedFace, np.random.Generator, int], np.ndarray],
) -> Forger:
    landmarker = FaceLandmarker(threads=2)
    face_px = max(measure_face_width(points) for points in track.landmarks_px)
    side_px = int(np.ceil(2 * CROP_SCALE * face_px)) + 2  # holds any view of `crop_face`
    known: tuple[np.ndarray, np.ndarray] | None = None  # 5 and 468 landmarks, px of the picture

    def forge(image: np.ndarray, landmarks: np.ndarray, place: int) -> np.ndarray:
        nonlocal known
        height, width = image.shape[:2]
        # of one size in all frames, as what is drawn for a picture depends on its size
        padding = ((0, side_px - height), (0, side_px - width), (0, 0))
        padded = np.pad(image, padding, mode="edge")
        known = landmarks, _find_landmarks(landmarker, padded, landmarks, known)
        face, generator = LandmarkedFace(padded, known[1]), np.random.default_rng(seed)
        changed = change(face, generator, place)
        return blend_under_mask(face, changed, generator)[1][:height, :width]

    return forge


def _find_landmarks(
    landmarker: FaceLandmarker,
    image: np.ndarray,
    landmarks: np.ndarray,
    known: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """Find the 468 landmarks [468, 2] px; where they are not seen, those before move along."""
    middle, half_px = landmarks.mean(axis=0), 0.55 * measure_face_width(landmarks)
    box_px = np.concatenate([middle - half_px, middle + half_px])
    found, presence = landmarker.find_in_boxes([image], box_px[None])
    if presence[0] >= MIN_PRESENCE:
        return found[0]
    if known is None:
        raise ValueError(
            "expected 468 landmarks of the face in its first frame, found none; "
            "try --method self_blend"
        )
    return move_points(known[1], fit_similarity(known[0], landmarks))
