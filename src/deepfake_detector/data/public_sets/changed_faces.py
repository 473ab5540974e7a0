"""Which faces of a fake differ from its original: a forgery of one face leaves the others alone.

Shapes: `T` frames of a track, `H` height, `W` width in px.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.video.reading import read_frames

MAX_COMPARED = 24  # frames, evenly spread
MIN_DIFFERENCE = 3.0  # gray levels between the same face twice encoded stay below
MIN_RATIO = 2.5  # of a changed face's difference over that of what is round all faces
MAX_OUTSIDE = 12.0  # gray levels; more, and it is other footage, or of other timing

_SIDE_PX = 48  # of what is compared, so that grain and blocks count little


def find_changed_faces(
    fake: Path, original: Path, tracks: list[Track], frames: int
) -> list[bool] | None:
    """Find the tracks of a fake that differ from the same place in its original.

    Args:
        frames: of the fake; it and its original begin together.

    Returns:
        For each track whether it is changed; None where that cannot be told: sizes or footage
        differ, no face stands out, or there is nothing to compare.

    Raises:
        ValueError: one of the videos cannot be read so far.
    """
    inside: list[list[float]] = [[] for _ in tracks]
    outside = []
    for number, image, other in _read_pairs(fake, original, max(1, frames // MAX_COMPARED)):
        if image.shape != other.shape:
            return None
        difference = _compute_difference(image, other)
        mask = np.ones(difference.shape, bool)
        for track, values in zip(tracks, inside, strict=True):
            if number in track.frames:
                left, top, right, bottom = _get_box(track, number, difference.shape)
                values.append(_measure(image, other, (left, top, right, bottom)))
                mask[top:bottom, left:right] = False
        if mask.any():
            outside.append(float(difference[mask].mean()))
    return _decide(inside, outside)


def _decide(inside: list[list[float]], outside: list[float]) -> list[bool] | None:
    background = float(np.median(outside)) if outside else 0.0
    if not any(inside) or background > MAX_OUTSIDE:
        return None
    faces = [float(np.median(values)) if values else np.nan for values in inside]
    changed = [value >= max(MIN_DIFFERENCE, MIN_RATIO * background) for value in faces]
    return changed if any(changed) and not np.isnan(faces).any() else None


def _read_pairs(
    fake: Path, original: Path, stride: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    pairs = zip(read_frames(fake, stride), read_frames(original, stride), strict=False)
    for count, ((number, image), (_, other)) in enumerate(pairs):
        if count >= MAX_COMPARED:
            return
        yield number, image, other


def _compute_difference(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute the absolute difference of gray levels: float32 [H, W]."""
    grays = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32) for one in (image, other)]
    return np.abs(grays[0] - grays[1])


def _get_box(track: Track, number: int, shape: tuple) -> tuple[int, int, int, int]:
    """Return a track's box in a frame in whole px, inside the frame, of at least one px."""
    left, top, right, bottom = track.boxes_px[number - track.first_frame].round().astype(int)
    left, top = min(max(left, 0), shape[1] - 1), min(max(top, 0), shape[0] - 1)
    return left, top, max(min(right, shape[1]), left + 1), max(min(bottom, shape[0]), top + 1)


def _measure(image: np.ndarray, other: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """Measure how much a face differs, shrunk to a thumbnail: mean of gray levels."""
    left, top, right, bottom = box
    crops = [
        cv2.resize(one[top:bottom, left:right], (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        for one in (image, other)
    ]
    return float(_compute_difference(*crops).mean())
