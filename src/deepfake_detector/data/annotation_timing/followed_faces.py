"""Faces found in a few frames of a video and followed through their neighbors.

Following a face by its own texture costs a fraction of finding it, and tells more exactly how it
moves from frame to frame. Points inside the box are followed by optical flow (Lucas and Kanade
1981, in pyramids), and a move, turn and scale is fitted to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.faces.mtcnn import MTCNNFaceDetector
from deepfake_detector.video.reading import read_frames

WINDOWS = 8
REACH = 15  # frames that a face is followed, either way
MIN_CONFIDENCE = 0.95

_FOUND_PX = (64, 110, 200)  # that a face has in the frame that it is looked for in
_MAX_SIDE_PX = 640  # of the frames that faces are followed in
_MAX_POINTS = 80
_MIN_POINTS = 8
_BOX_PART = 0.8  # of the box in which points are: its edges show what is behind the face


@dataclass(frozen=True)
class FollowedFace:
    """A face found in frame `center` and followed: boxes_px [T, 4] of frames from `first` on."""

    center: int
    first: int
    boxes_px: np.ndarray
    confidence: float


def choose_centers(frames: int) -> list[int]:
    """Choose the frames of a video to look for faces in, each amid frames of its own."""
    count = max(1, min(WINDOWS, frames // (2 * REACH + 1)))
    return [int((place + 0.5) * frames / count) for place in range(count)]


def find_and_follow(
    path: Path, centers: list[int], detector: MTCNNFaceDetector, face_px: int
) -> tuple[list[FollowedFace], dict[int, np.ndarray]]:
    """Find the faces of some frames and follow them.

    Args:
        face_px: side of the smaller ones of the faces that matter.

    Returns:
        The faces, and the frames at the centers: uint8 RGB [H, W, 3].

    Raises:
        ValueError: the video cannot be read up to the last window.
    """
    faces, images = [], {}
    for center, window, image in _read_windows(path, centers):
        images[center] = image
        scale = window[0][1].shape[1] / image.shape[1]
        for box, confidence in find_faces(image, detector, face_px):
            first, boxes = _follow(window, center, box * scale)
            faces.append(FollowedFace(center, first, boxes / scale, confidence))
    return faces, images


def find_faces(
    image: np.ndarray, detector: MTCNNFaceDetector, face_px: int
) -> list[tuple[np.ndarray, float]]:
    """Find the faces of a frame, and how sure each is.

    The frame is shrunk, so that this is fast; where MTCNN then finds nothing, it is shown larger.

    Returns:
        Boxes [4] in px of the frame, and confidences.
    """
    scales = [min(1.0, side_px / face_px) for side_px in _FOUND_PX]
    for scale in dict.fromkeys(scales):
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        found = detector.detections(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        factors = np.array([image.shape[1] / size[0], image.shape[0] / size[1]] * 2)
        faces = [
            (box * factors, float(confidence))
            for box, confidence in zip(found.boxes_px, found.confidences, strict=True)
            if confidence >= MIN_CONFIDENCE
        ]
        if faces:
            return faces
    return []


def _read_windows(
    path: Path, centers: list[int]
) -> Iterator[tuple[int, list[tuple[int, np.ndarray]], np.ndarray]]:
    """Yield each center, the gray frames round it with their numbers, and its image."""
    waiting, window, image = list(centers), [], None
    for number, frame in read_frames(path, threads=1):
        if number < waiting[0] - REACH:
            continue
        window.append((number, _shrink(frame)))
        image = frame if number == waiting[0] else image
        if number == waiting[0] + REACH:
            yield waiting.pop(0), window, image
            if not waiting:
                return
            window, image = [pair for pair in window if pair[0] >= waiting[0] - REACH], None
    if image is not None:
        yield waiting[0], window, image


def _shrink(image: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _MAX_SIDE_PX / max(gray.shape))
    size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def _follow(
    window: list[tuple[int, np.ndarray]], center: int, box: np.ndarray
) -> tuple[int, np.ndarray]:
    """Follow a face both ways, as far as it can be: first frame, boxes [T, 4]."""
    numbers = [number for number, _ in window]
    place, grays = numbers.index(center), [gray for _, gray in window]
    after = _follow_on(grays[place:], box)
    before = _follow_on(grays[place::-1], box)
    boxes = [*reversed(before[1:]), *after]
    return center - len(before) + 1, np.stack(boxes)


def _follow_on(grays: list[np.ndarray], box: np.ndarray) -> list[np.ndarray]:
    boxes = [box]
    for gray, following in pairwise(grays):
        moved = _move_box(gray, following, boxes[-1])
        if moved is None:
            break
        boxes.append(moved)
    return boxes


def _move_box(gray: np.ndarray, following: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Move a box to the next frame as the points in it move; None where they are lost."""
    center, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    left, top = np.maximum(center - _BOX_PART * half, 0).astype(int)
    right, bottom = (center + _BOX_PART * half).astype(int)
    mask = np.zeros(gray.shape, np.uint8)
    mask[top:bottom, left:right] = 255
    points = cv2.goodFeaturesToTrack(gray, _MAX_POINTS, 0.01, 4, mask=mask)
    if points is None or len(points) < _MIN_POINTS:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(gray, following, points, None)
    kept = status.ravel() == 1
    if kept.sum() < _MIN_POINTS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(points[kept], moved[kept])
    if matrix is None or inliers.sum() < _MIN_POINTS:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    new_center = matrix @ np.append(center, 1)
    return np.concatenate([new_center - scale * half, new_center + scale * half])
