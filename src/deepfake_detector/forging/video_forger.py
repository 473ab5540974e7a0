"""Forge one face through a whole video: a donor's face, or a changed copy of itself.

Shapes: `T` frames of the forged track, `D` frames of the donor, 5 landmarks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.faces.alignment import (
    TEMPLATE,
    fit_similarity,
    measure_face_width,
    move_points,
)
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, choose_main_track
from deepfake_detector.faces.offline_tracker import Track, make_tracks, smooth_track
from deepfake_detector.forging.face_forger import SelfBlend, self_blend_face, swap_face
from deepfake_detector.video.images import is_image, read_image
from deepfake_detector.video.reading import read_frames

MAX_DONOR_FRAMES = 300
CROP_SCALE = 1.3  # face widths around the middle of the landmarks that can take part in a forgery

Forger = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""Forges a face in an image [H, W, 3] at landmarks [5, 2], at place 0 to T-1 of its track."""


@dataclass(frozen=True)
class Donor:
    """Pictures of one person's face: `D` crops [h, w, 3] uint8 and landmarks [D, 5, 2] in each."""

    crops: list[np.ndarray]
    landmarks: np.ndarray


def read_donor(
    path: Path, detector: MTCNNFaceDetector, confidence: float, smoothing_frames: int
) -> Donor:
    """Read the main face of a video or of an image.

    Raises:
        ValueError: no face is found, or the file cannot be read; names the file.
    """
    frames: list[tuple[int, np.ndarray]] = []
    frame_detections = []
    for number, image in _read_pictures(path):
        if number >= MAX_DONOR_FRAMES:
            break
        frames.append((number, image))
        frame_detections.append(detector.detections(image, number))
    tracks = make_tracks(frame_detections, confidence)
    if not tracks:
        raise ValueError(f"{path.name}: expected a donor's face, found none")
    track = smooth_track(choose_main_track(tracks), smoothing_frames)
    crops, landmarks = [], []
    for number, points in zip(track.frames, track.landmarks_px, strict=True):
        crop, corner = crop_face(frames[number][1], points)
        crops.append(crop.copy())
        landmarks.append(points - corner)
    return Donor(crops, np.stack(landmarks))


def _read_pictures(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    if not is_image(path):
        yield from read_frames(path)
        return
    yield 0, read_image(path)


def crop_face(image: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut out the view of a face and its surroundings, and give its left top corner [2] in px."""
    center, radius = landmarks.mean(axis=0), CROP_SCALE * measure_face_width(landmarks)
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(center - radius), 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(center + radius), [left + 1, top + 1], [width, height]).astype(
        int
    )
    return image[top:bottom, left:right], np.array([left, top])


def choose_donor_frames(landmarks: np.ndarray, donor_landmarks: np.ndarray) -> np.ndarray:
    """Play the donor forward and back again, from where its poses fit best.

    Args:
        landmarks: [T, 5, 2] px.
        donor_landmarks: [D, 5, 2] px.

    Returns:
        [T] numbers of donor frames, neighbours one apart.
    """
    poses, donor_poses = _to_poses(landmarks), _to_poses(donor_landmarks)
    costs = ((poses[:, None] - donor_poses[None]) ** 2).mean(axis=(2, 3))  # [T, D]
    places, count = np.arange(len(poses)), len(donor_poses)
    there_and_back = np.r_[0:count, count - 2 : 0 : -1]  # 0 1 2 3 2 1
    starts = np.arange(len(there_and_back))
    chosen = there_and_back[(starts[:, None] + places) % len(there_and_back)]  # [starts, T]
    return chosen[costs[places, chosen].sum(axis=1).argmin()]


def _to_poses(landmarks: np.ndarray) -> np.ndarray:
    """Bring landmarks [T, 5, 2] upright and to the size of the template."""
    return np.stack(
        [move_points(points, fit_similarity(points, TEMPLATE)) for points in landmarks]
    )


def make_swap(track: Track, donor: Donor, feather: float) -> Forger:
    """Make the forger that puts the donor's face onto a track."""
    chosen = choose_donor_frames(track.landmarks_px, donor.landmarks)

    def forge(image: np.ndarray, landmarks: np.ndarray, place: int) -> np.ndarray:
        number = chosen[place]
        crop, points = donor.crops[number], donor.landmarks[number]
        return swap_face(image, landmarks, crop, points, feather)

    return forge


def make_self_blend(change: SelfBlend, feather: float) -> Forger:
    """Make the forger that blends a face with a changed copy of itself."""

    def forge(image: np.ndarray, landmarks: np.ndarray, place: int) -> np.ndarray:
        return self_blend_face(image, landmarks, change, feather)

    return forge


def forge_frames(
    frames: Iterable[tuple[int, np.ndarray]], track: Track, forge: Forger
) -> Iterator[np.ndarray]:
    """Give all frames of a video, forged where the track is; the others as they are."""
    for number, image in frames:
        place = number - track.first_frame
        if not 0 <= place < len(track):
            yield image
            continue
        landmarks = track.landmarks_px[place]
        forged = image.copy()
        view, corner = crop_face(forged, landmarks)
        view[:] = forge(view, landmarks - corner, place)
        yield forged
