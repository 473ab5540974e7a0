"""Training images varied as the 2020 project varied them: the chain of Caffe SSD.

Liu et al. 2016 (SSD), sections 2.2 and 3.6, in the form and with the numbers of `ssd_keras`
(`data_augmentation_chain_original_ssd.py`), whose quirks are kept: faces are not clipped to the
image, and their boxes are rounded to whole px of the input. Pictures are RGB uint8; boxes are in
px here, until the end. Everything random comes from the generator that is passed in.
Shapes: `N` faces, `S` side of the input in px.
"""

import cv2
import numpy as np

from deepfake_detector.common.iou import compute_iou

MEAN_COLOR = (123, 117, 104)
"""Fills what lies outside the frame, and is what the network subtracts: ImageNet's mean, RGB."""

_BRIGHTNESS = 32
_CONTRAST = _SATURATION = (0.5, 1.5)
_HUE = 18  # of OpenCV's 180 steps: 36 degrees
_MAX_EXPANSION = 4.0
_MIN_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_MIN_PATCH = 0.3
_ASPECT_RATIOS = (0.5, 2.0)
_PATCH_PROBABILITY = 0.857  # before each 50 trials; else the image stays whole
_TRIALS = 50
_INTERPOLATIONS = (
    cv2.INTER_NEAREST,
    cv2.INTER_LINEAR,
    cv2.INTER_CUBIC,
    cv2.INTER_AREA,
    cv2.INTER_LANCZOS4,
)


def augment_frame_2020(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    generator: np.random.Generator,
    size_px: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vary the colours, expand, take a patch, mirror and resize, each at random.

    Args:
        image: [height, width, 3].
        boxes: float32 [N, 4] in fractions; N may be 0.
        labels: int [N].

    Returns:
        Image [S, S, 3], the faces' boxes in it, which may reach over its edge, and their labels.
        Faces whose centre is outside the patch are gone.
    """
    height_px, width_px = image.shape[:2]
    boxes_px = boxes * np.float32([width_px, height_px, width_px, height_px])
    patch = expand(np.array([0, 0, width_px, height_px]), generator)
    patch = sample_patch(patch, boxes_px, generator)
    boxes_px, labels = move_to_patch(boxes_px, labels, patch)
    image = cut_patch(color_jitter(image, generator), patch)
    if generator.random() < 0.5:
        image, boxes_px = cv2.flip(image, 1), _mirror(boxes_px, image.shape[1])
    interpolation = _INTERPOLATIONS[generator.integers(len(_INTERPOLATIONS))]
    scale = size_px / np.float32([image.shape[1], image.shape[0]] * 2)
    image = cv2.resize(image, (size_px, size_px), interpolation=interpolation)
    boxes_px = np.round(boxes_px * scale)
    has_area = (boxes_px[:, 2:] > boxes_px[:, :2]).all(axis=1)
    return image, boxes_px[has_area] / np.float32(size_px), labels[has_area]


def color_jitter(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Vary brightness, contrast, saturation and hue, each of half the images.

    Contrast comes before saturation and hue, or after them. [H, W, 3] to [H, W, 3].
    """
    contrast_first = generator.random() < 0.5
    image = image.astype(np.float32)
    if generator.random() < 0.5:
        image = np.clip(image + generator.uniform(-_BRIGHTNESS, _BRIGHTNESS), 0, 255)
    if contrast_first:
        image = _jitter_contrast(image, generator)
    image = cv2.cvtColor(_to_bytes(image), cv2.COLOR_RGB2HSV).astype(np.float32)
    if generator.random() < 0.5:
        image[..., 1] = np.clip(image[..., 1] * generator.uniform(*_SATURATION), 0, 255)
    if generator.random() < 0.5:
        image[..., 0] = (image[..., 0] + generator.uniform(-_HUE, _HUE)) % 180
    image = cv2.cvtColor(_to_bytes(image), cv2.COLOR_HSV2RGB)
    return image if contrast_first else _to_bytes(_jitter_contrast(image, generator))


def _jitter_contrast(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if generator.random() >= 0.5:
        return image
    factor = generator.uniform(*_CONTRAST)
    return np.clip(127.5 + factor * (image.astype(np.float32) - 127.5), 0, 255)


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return np.round(image).astype(np.uint8)


def expand(frame: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a patch [4] of up to four times the frame's sides around it, for half the frames."""
    if generator.random() >= 0.5:
        return frame
    sides = (generator.uniform(1.0, _MAX_EXPANSION) * frame[2:]).astype(int)
    origin = generator.integers(frame[2:] - sides, 1)
    return np.concatenate([origin, origin + sides])


def sample_patch(
    whole: np.ndarray, boxes_px: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw a patch [4] of an image that overlaps one of its faces enough, or give all of it.

    Args:
        whole: [4], the (expanded) image, px of the frame.
        boxes_px: [N, 4], px of the frame. Without any, it is all of the image.
    """
    while len(boxes_px) and generator.random() < _PATCH_PROBABILITY:
        min_iou = generator.choice(_MIN_IOUS)
        for _ in range(_TRIALS):
            patch = _sample_any_patch(whole, generator)
            width, height = patch[2:] - patch[:2]
            is_shaped = _ASPECT_RATIOS[0] <= width / height <= _ASPECT_RATIOS[1]
            if is_shaped and (compute_iou(patch, boxes_px) > min_iou).any():
                return patch
    return whole


def _sample_any_patch(whole: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    room = whole[2:] - whole[:2]
    sides = np.maximum((generator.uniform(_MIN_PATCH, 1.0, 2) * room).astype(int), 1)
    origin = whole[:2] + generator.integers(0, room - sides + 1)
    return np.concatenate([origin, origin + sides])


def move_to_patch(
    boxes_px: np.ndarray, labels: np.ndarray, patch: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give boxes [N, 4] in px of a patch; drop faces centred outside it."""
    boxes_px = boxes_px - np.float32(np.tile(patch[:2], 2))
    centers = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2  # [N, 2]
    last = patch[2:] - patch[:2] - 1  # the last pixel, as in the original
    inside = ((centers >= 0) & (centers <= last)).all(axis=1)
    return boxes_px[inside], labels[inside]


def cut_patch(image: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """Cut a patch [4] out of an image; what lies outside the image has the mean colour."""
    left, top, right, bottom = patch
    height_px, width_px = image.shape[:2]
    inner = image[max(top, 0) : bottom, max(left, 0) : right]
    if left >= 0 and top >= 0 and right <= width_px and bottom <= height_px:
        return inner
    canvas = np.full((bottom - top, right - left, 3), MEAN_COLOR, np.uint8)
    first_row, first_column = max(-top, 0), max(-left, 0)
    rows, columns = inner.shape[:2]
    canvas[first_row : first_row + rows, first_column : first_column + columns] = inner
    return canvas


def _mirror(boxes_px: np.ndarray, width_px: int) -> np.ndarray:
    left, top, right, bottom = boxes_px.T
    return np.stack([width_px - right, top, width_px - left, bottom], axis=1)  # [N, 4]
