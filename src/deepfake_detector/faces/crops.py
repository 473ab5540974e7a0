"""Square crops of faces at the resolution they were filmed in.

A crop's *window* [4] is a square around the middle of a face's box, in px of the picture it is cut
from; it may reach over the picture's edge, what lies outside is grey.
"""

import cv2
import numpy as np

GRAY = 127
MIN_PX = 8
"""Side of the smallest window that is cut."""


def make_window(box_px: np.ndarray, crop_scale: float) -> np.ndarray:
    """Make the window around a box [4]: its side is `crop_scale` times the box's longer side."""
    center = (box_px[:2] + box_px[2:]) / 2
    half = crop_scale * max(float((box_px[2:] - box_px[:2]).max()), 1.0) / 2
    return np.concatenate([center - half, center + half])


def make_inner_window(box_px: np.ndarray, crop_scale: float, width_px: int, height_px: int):
    """Make the window around a box in whole px, cut off at the picture's edges: [4] int."""
    left, top, right, bottom = np.round(make_window(box_px, crop_scale)).astype(int)
    left, top = min(max(left, 0), width_px - 1), min(max(top, 0), height_px - 1)
    return np.array(
        [left, top, min(max(right, left + 1), width_px), min(max(bottom, top + 1), height_px)]
    )


def cut_inside(picture: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Cut a window [4] that lies inside a picture [H, W, 3]."""
    left, top, right, bottom = window
    return picture[top:bottom, left:right]


def jitter_window(
    window: np.ndarray, center_jitter: float, scale_jitter: float, generator: np.random.Generator
) -> np.ndarray:
    """Move a window by up to `center_jitter` of its side; scale it by up to `scale_jitter`."""
    center, half = (window[:2] + window[2:]) / 2, (window[2:] - window[:2]) / 2
    center = center + generator.uniform(-center_jitter, center_jitter, 2) * 2 * half
    half = half * scale_jitter ** generator.uniform(-1, 1)
    return np.concatenate([center - half, center + half])


def cut_window(picture: np.ndarray, window: np.ndarray, max_px: int) -> np.ndarray:
    """Cut a window out of a picture [H, W, 3]; shrink what is larger than `max_px`, a square.

    Smaller windows keep their size, so that what is done to them happens at their resolution.
    """
    left, top = np.round(window[:2]).astype(int)
    side = max(int(np.round(window[2] - window[0])), MIN_PX)
    right, bottom = left + side, top + side
    height, width = picture.shape[:2]
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    over = [-min(top, 0), max(bottom - height, 0), -min(left, 0), max(right - width, 0)]
    if any(over) or not inside.size:
        canvas = np.full((bottom - top, right - left, 3), GRAY, np.uint8)
        y, x = max(-top, 0), max(-left, 0)
        canvas[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        inside = canvas
    return inside if max(inside.shape[:2]) <= max_px else resize(inside, max_px)


def cut_face(
    picture: np.ndarray, box_px: np.ndarray, crop_scale: float, size_px: int
) -> np.ndarray:
    """Cut the face in a box [4] out of a picture, as a square of `size_px` [size, size, 3]."""
    return resize(cut_window(picture, make_window(box_px, crop_scale), size_px), size_px)


def resize(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Make a picture a square of `size_px`, without aliasing when it shrinks."""
    shrinks = min(picture.shape[:2]) > size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (size_px, size_px), interpolation=interpolation)
