"""Training images varied at random: Liu et al. 2016 (SSD), sections 2.2 and 3.6, plus what
happens to videos on their way (re-compression, down-scaling).

All geometry is one window: the part of the frame (or more than the frame, for zoom-out) that
becomes the network's input. So an image is sampled once, whatever happens to it. Pictures are RGB
uint8, because OpenCV is several times as fast on them as TensorFlow is on floats. Everything
random comes from the generator that is passed in. Shapes: `N` faces, `S` side of the input in px.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_detector.config.schema import AugmentationParams
from deepfake_detector.video.images import recompress_jpeg

GRAY = 127
"""Fills what lies outside the frame: near ImageNet's mean."""

_MAX_STRETCH = 1.4
"""Width over height of a crop, in shares of the frame's, or the other way round."""

_CROP_MARGIN = 1.1
"""Sides of a crop over those of the face it holds, at least."""


@dataclass(frozen=True)
class Window:
    """What of a frame is seen, and where in the input. Both (left, top, right, bottom), whole px.

    Attributes:
        source: in the frame, inside it.
        target: in the input; what is left of the input is grey.
    """

    source: np.ndarray
    target: np.ndarray


def augment_frame(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    generator: np.random.Generator,
    size_px: int,
    params: AugmentationParams,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take a random window of a frame and vary it.

    It may be blurred by down-scaling, re-compressed, mirrored, and its colours vary.

    Args:
        image: [height, width, 3].
        boxes: float32 [N, 4]; N may be 0.
        labels: int [N].

    Returns:
        Image [S, S, 3], the faces' boxes in it, clipped to 0-1, and their labels. Faces whose
        centre is outside the window are gone.
    """
    downscale, recompress, flip = generator.random(3)
    downscale_side, quality = generator.random(2)
    window = sample_window(boxes, image.shape, generator, size_px, params)
    fraction = 1.0
    if downscale < params.downscale_prob:
        fraction = _lerp(params.min_downscale, 1.0, downscale_side)
    boxes, labels = move_boxes(boxes, labels, window, image.shape, size_px)
    image = render_window(image, window, fraction, size_px)
    if recompress < params.recompress_prob:
        image = recompress_jpeg(image, round(_lerp(*params.recompress_quality, quality)))
    if flip < params.flip_prob:
        image, boxes = cv2.flip(image, 1), _mirror(boxes)
    return color_jitter(image, generator, params), boxes, labels


def render_window(image: np.ndarray, window: Window, fraction: float, size_px: int) -> np.ndarray:
    """Sample a window of an image bilinearly.

    Args:
        image: [height, width, 3].
        fraction: it is first shrunk to this share of its size in the input; 1: not at all.

    Returns:
        [S, S, 3].
    """
    left, top, right, bottom = window.source
    image = image[top:bottom, left:right]
    sides = window.target[2:] - window.target[:2]
    if fraction < 1:
        image = cv2.resize(image, np.maximum(sides * fraction, 1).astype(int).tolist())
    image = cv2.resize(image, sides.tolist())
    if (sides == size_px).all():
        return image
    canvas = np.full((size_px, size_px, 3), GRAY, np.uint8)
    left, top, right, bottom = window.target
    canvas[top:bottom, left:right] = image
    return canvas


def move_boxes(
    boxes: np.ndarray, labels: np.ndarray, window: Window, shape: tuple, size_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give boxes [N, 4] in fractions of the input, clipped; drop faces centred outside the window.

    Args:
        shape: of the frame, (height, width, 3).
    """
    frame_px = np.float32([shape[1], shape[0]])
    source, target = np.float32(window.source), np.float32(window.target)
    scale = (target[2:] - target[:2]) / (source[2:] - source[:2])
    centers_px = (boxes[:, :2] + boxes[:, 2:]) / 2 * frame_px  # [N, 2]
    inside = ((centers_px > source[:2]) & (centers_px < source[2:])).all(axis=1)  # [N]
    corners_px = boxes[inside].reshape(-1, 2, 2) * frame_px
    moved = ((corners_px - source[:2]) * scale + target[:2]) / size_px
    return np.clip(moved, 0, 1).reshape(-1, 4), labels[inside]


def _mirror(boxes: np.ndarray) -> np.ndarray:
    left, top, right, bottom = boxes.T
    return np.stack([1 - right, top, 1 - left, bottom], axis=1)  # [N, 4]


def sample_window(
    boxes: np.ndarray,
    shape: tuple,
    generator: np.random.Generator,
    size_px: int,
    params: AugmentationParams,
) -> Window:
    """Draw what is seen: zoomed out, cropped around a face, or the whole frame.

    Args:
        boxes: [N, 4] in fractions of the frame.
        shape: of the frame, (height, width, 3).
    """
    zoom, crop = generator.random(2)
    source = np.array([0, 0, shape[1], shape[0]])
    target = np.array([0, 0, size_px, size_px])
    if zoom < params.expand_prob:
        target = _sample_expansion(generator, params.max_expand_ratio, size_px)
    elif crop < params.crop_prob:
        source = _to_whole_px(_sample_crop(boxes, generator, params.min_crop_scale), shape)
    return Window(source, target)


def _sample_expansion(
    generator: np.random.Generator, max_ratio: float, size_px: int
) -> np.ndarray:
    """Draw where the frame lies, smaller, in the input: [4], px."""
    places = generator.random(3)
    side = max(1, round(size_px / _lerp(1.0, max_ratio, places[0])))
    origin = np.round((size_px - side) * places[1:]).astype(int)
    return np.concatenate([origin, origin + side])


def _sample_crop(
    boxes: np.ndarray, generator: np.random.Generator, min_scale: float
) -> np.ndarray:
    """Draw a window inside the frame that holds one face whole; any window where there is none.

    Returns:
        [4], in fractions of the frame.
    """
    choice, size, ratio, *places = generator.random(5)
    scale = _lerp(min_scale, 1.0, size)
    stretch = _MAX_STRETCH ** _lerp(-1.0, 1.0, ratio)
    sides = np.minimum([scale * stretch, scale / stretch], 1.0)
    first, last = np.zeros(2), 1 - sides
    if len(boxes):
        face = boxes[int(choice * len(boxes))]
        sides = np.clip(sides, np.minimum((face[2:] - face[:2]) * _CROP_MARGIN, 1.0), 1.0)
        first, last = np.maximum(face[2:] - sides, 0.0), np.minimum(face[:2], 1 - sides)
    origin = first + np.maximum(last - first, 0.0) * places
    return np.concatenate([origin, origin + sides])


def _to_whole_px(window: np.ndarray, shape: tuple) -> np.ndarray:
    """Turn a window [4] in fractions of the frame into px, not smaller and inside the frame."""
    frame_px = np.array([shape[1], shape[0]])
    first = np.floor(window[:2] * frame_px)
    last = np.minimum(np.ceil(window[2:] * frame_px), frame_px)
    return np.concatenate([first, last]).astype(int)


def color_jitter(
    image: np.ndarray, generator: np.random.Generator, params: AugmentationParams
) -> np.ndarray:
    """Vary brightness, contrast, saturation and hue: one matrix and one shift.

    Hue turns and saturation scales the colour plane of YIQ, contrast scales about mid-grey,
    brightness shifts. Each happens to half the images.

    Args:
        image: [S, S, 3].

    Returns:
        [S, S, 3].
    """
    happens, amount = generator.random((2, 4))
    happens = happens < 0.5
    hue = _lerp(-params.hue_degrees, params.hue_degrees, amount[0]) / 180 * math.pi
    saturation = _lerp(*params.saturation, amount[1])
    contrast = _lerp(*params.contrast, amount[2]) if happens[2] else 1.0
    shift = _lerp(-params.brightness, params.brightness, amount[3]) * 255
    matrix = contrast * make_color_matrix(
        hue if happens[0] else 0.0, saturation if happens[1] else 1.0
    )
    shift = (shift if happens[3] else 0.0) + GRAY * (1 - contrast)
    return cv2.transform(image, np.column_stack([matrix, np.full(3, shift)]))  # rounds and clips


_RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)


def make_color_matrix(hue: float, saturation: float) -> np.ndarray:
    """Make the RGB matrix [3, 3] that turns the hue by so many radians and scales saturation."""
    cosine, sine = saturation * math.cos(hue), saturation * math.sin(hue)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    return _YIQ_TO_RGB @ turn @ _RGB_TO_YIQ


def _lerp(low: float, high: float, fraction: float) -> float:
    return low + (high - low) * fraction
