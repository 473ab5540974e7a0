"""Make a face look as if it had been filmed with the picture: light, colour, sharpness.

Images are float32 [H, W, 3], masks float32 [H, W] in 0-1.
"""

import cv2
import numpy as np

BAND_SIGMAS = (0.02, 0.06, 0.22)  # shares of the face's width, fine to broad
SHRUNKEN_SIGMA_PX = 3.0
DETAIL_GAINS = (0.4, 1.25)  # a donor sharper than the picture is softened, hardly ever the reverse


def match_appearance(
    face: np.ndarray, reference: np.ndarray, mask: np.ndarray, face_width: float
) -> np.ndarray:
    """Give a face the light of the reference, and detail as strong as the reference's.

    Brightness and colour of both are taken apart into bands of detail, as in a Laplacian pyramid
    (Burt & Adelson 1983). The broadest, light and shade, becomes the reference's; each finer one
    keeps the face's own shapes and gets about the spread of the reference's (Reinhard et al. 2001
    do so with whole images).

    Args:
        face: [H, W, 3] float32, RGB.
        reference: [H, W, 3] float32, RGB.
        mask: [H, W] in 0-1, soft; only what it covers counts.
        face_width: px.
    """
    face = cv2.cvtColor(face, cv2.COLOR_RGB2YCrCb)
    reference = cv2.cvtColor(reference, cv2.COLOR_RGB2YCrCb)
    matched = np.zeros_like(face)
    for sigma in BAND_SIGMAS:
        sigma_px = sigma * face_width
        broad = blur_inside(face, mask, sigma_px)
        broad_reference = blur_inside(reference, mask, sigma_px)
        spread = _measure_spread(face - broad, mask)
        wanted = _measure_spread(reference - broad_reference, mask)
        matched += (face - broad) * np.clip(wanted / np.maximum(spread, 0.1), *DETAIL_GAINS)
        face, reference = broad, broad_reference
    return cv2.cvtColor((matched + reference).astype(np.float32), cv2.COLOR_YCrCb2RGB)


def blur_inside(image: np.ndarray, mask: np.ndarray, sigma_px: float) -> np.ndarray:
    """Blur an image [H, W, 3] float32 so that nothing outside the mask bleeds in."""
    weight = np.maximum(blur(mask, sigma_px), 1e-3)
    return blur(image * mask[..., None], sigma_px) / weight[..., None]


def blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """Blur a float32 image [H, W] or [H, W, 3] with a Gaussian; wide ones at a smaller size."""
    height, width = image.shape[:2]
    shrink = max(1.0, sigma_px / SHRUNKEN_SIGMA_PX)
    if shrink > 1:
        size = max(1, round(width / shrink)), max(1, round(height / shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    image = cv2.GaussianBlur(image, (0, 0), max(sigma_px / shrink, 0.1))
    return image if shrink == 1 else cv2.resize(image, (width, height))


def _measure_spread(band: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Measure the root mean square [3] of a band of detail under the mask."""
    return np.sqrt((band**2 * mask[..., None]).sum((0, 1)) / max(float(mask.sum()), 1e-6))
