"""Fakes made on the fly from real faces, so that a label is learned and not a person.

*Self-blending* (Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images", section
3): a face is blended with a slightly moved, recoloured, sharpened or blurred copy of itself, or of
the same face in another frame, so that nothing but the traces of forging remain. Unlike `forgery`
it needs no landmarks: the mask is drawn within the face's box. Images are RGB uint8 [H, W, 3].
"""

import cv2
import numpy as np

MASK_CORNERS = 48
WHOLE, LOWER, UPPER = "whole", "lower", "upper"
_PARTS = {  # centre and half sides of the forged part, in widths and heights of the face's box
    WHOLE: ((0.5, 0.53), (0.46, 0.47)),
    LOWER: ((0.5, 0.74), (0.36, 0.24)),
    UPPER: ((0.5, 0.38), (0.44, 0.24)),
}
_PART_PROBS = {WHOLE: 0.8, LOWER: 0.12, UPPER: 0.08}
_SPREAD_RATIOS = (0.6, 1.6)
_COPY_ALPHAS = (0.4, 0.6, 0.8, 1.0, 1.0, 1.0)  # of the copy in the blend


def blend_with_itself(
    image: np.ndarray, box_px: np.ndarray, other: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Forge the face in a box [4] px: blend it with a changed copy.

    Args:
        other: what the copy is made of, of the size of `image`: the image itself, or one with a
            face at the same place.

    Returns:
        The real face and its fake, alike outside the mask: where it is the base that was changed,
        the real one is changed, too.
    """
    mask = sample_mask(box_px, image.shape[:2], generator)
    base, copy = image.astype(np.float32), other.astype(np.float32)
    if other is not image:
        copy = match_colors(copy, base, mask)
    if generator.random() < 0.5:  # either of the two may be the odd one (the paper's section 3.2)
        copy = change_look(copy, generator)
    else:
        base = change_look(base, generator)
    copy = move_slightly(copy, box_px, generator)
    weight = (mask * generator.choice(_COPY_ALPHAS))[..., None]
    return to_pixels(base), to_pixels(base + (copy - base) * weight)


def to_pixels(picture: np.ndarray) -> np.ndarray:
    """Round a picture of any range to uint8, cut off at 0 and 255."""
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def sample_mask(
    box_px: np.ndarray, size_px: tuple[int, int], generator: np.random.Generator
) -> np.ndarray:
    """Draw a soft mask [H, W] in 0-1 of a face or a part of it, with an outline of its own."""
    part = generator.choice(list(_PART_PROBS), p=list(_PART_PROBS.values()))
    center, half_sizes = (np.array(values) for values in _PARTS[part])
    box_size = box_px[2:] - box_px[:2]
    center = box_px[:2] + (center + generator.uniform(-0.03, 0.03, 2)) * box_size
    half_sizes = half_sizes * box_size * generator.uniform(0.75, 1.08, 2)
    angles = np.linspace(0, 2 * np.pi, MASK_CORNERS, endpoint=False)
    power = 2 / generator.uniform(2.0, 3.5)  # of a superellipse: from an ellipse to a boxy jaw
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shape = np.sign(circle) * np.abs(circle) ** power
    waves, phases = generator.uniform(-0.05, 0.05, 4), generator.uniform(0, 2 * np.pi, 4)
    radii = 1 + sum(
        wave * np.cos((number + 2) * angles + phase)
        for number, (wave, phase) in enumerate(zip(waves, phases, strict=True))
    )
    mask = np.zeros(size_px, np.float32)
    corners = np.round(center + shape * radii[:, None] * half_sizes).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1.0)
    seam_px = generator.uniform(0.01, 0.09) * float(box_size.min())
    return soften(mask, seam_px)


def soften(mask: np.ndarray, seam_px: float) -> np.ndarray:
    """Let a mask [H, W] rise from 0 at its border to 1, all of it inside the border."""
    blurred = cv2.GaussianBlur(mask, (0, 0), max(seam_px, 0.6))
    return np.clip(2 * blurred - 1, 0, 1)


def match_colors(copy: np.ndarray, base: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the copy the base's mean colour and spread under the mask (Reinhard et al. 2001).

    The spread changes by no more than `_SPREAD_RATIOS`, so that noise is not blown up.
    """
    weight = (mask / max(float(mask.sum()), 1e-6))[..., None]
    means = [(picture * weight).sum((0, 1)) for picture in (copy, base)]
    spreads = [
        np.sqrt((((picture - mean) ** 2) * weight).sum((0, 1))) + 1
        for picture, mean in zip((copy, base), means, strict=True)
    ]
    ratio = np.clip(spreads[1] / spreads[0], *_SPREAD_RATIOS)
    return (copy - means[0]) * ratio + means[1]


def move_slightly(
    copy: np.ndarray, box_px: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Zoom, stretch, turn and shift a picture [H, W, 3] a little, about the middle of the box."""
    size = box_px[2:] - box_px[:2]
    center = box_px[:2] + size / 2
    zoom = generator.uniform(0.95, 1.05) * np.exp(generator.uniform(-0.02, 0.02, 2))
    turn = np.radians(generator.uniform(-2.5, 2.5))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * zoom
    shift = generator.uniform([-0.03, -0.02], [0.03, 0.02]) * size
    affine = np.column_stack([matrix, center + shift - matrix @ center])
    height, width = copy.shape[:2]
    return cv2.warpAffine(
        copy, affine, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def change_look(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Change colours, contrast and detail of a picture, float32 [H, W, 3] in 0-255."""
    mean = picture.mean(axis=(0, 1))
    contrast = generator.uniform(0.88, 1.12)
    gains, shifts = generator.uniform(0.93, 1.07, 3), generator.uniform(-10, 10, 3)
    picture = (picture - mean) * contrast + mean * gains + shifts
    if generator.random() < 0.4:
        picture = change_hue(picture, generator)
    return change_detail(picture.astype(np.float32), generator)


def change_hue(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turn the hues by up to 12 degrees and change the saturation by up to a quarter."""
    hsv = cv2.cvtColor(to_pixels(picture), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + generator.uniform(-6, 6)) % 180  # OpenCV halves degrees
    hsv[..., 1] = np.clip(hsv[..., 1] * generator.uniform(0.75, 1.25), 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def change_detail(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Lose detail as a generator of faces does, by a lower resolution or a blur, or sharpen."""
    height, width = picture.shape[:2]
    kind, amount = generator.random(), generator.random()
    if kind < 0.45:
        scale = 0.25 + 0.65 * amount
        small = (max(8, round(width * scale)), max(8, round(height * scale)))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        enlarge = cv2.INTER_CUBIC if generator.random() < 0.6 else cv2.INTER_LINEAR
        picture = cv2.resize(picture, (width, height), interpolation=enlarge)
        if generator.random() < 0.3:  # a generator's face is often sharpened after it is enlarged
            picture = sharpen(picture, 1.2, 0.3 + 0.7 * generator.random())
        return picture
    reach_px = 0.5 + 1.5 * amount
    if kind < 0.7:
        return cv2.GaussianBlur(picture, (0, 0), reach_px)
    return sharpen(picture, reach_px, 0.3 + 0.8 * amount)


def sharpen(picture: np.ndarray, reach_px: float, strength: float) -> np.ndarray:
    """Sharpen a picture, float32 [H, W, 3] in 0-255, by unsharp masking."""
    return picture + strength * (picture - cv2.GaussianBlur(picture, (0, 0), reach_px))
