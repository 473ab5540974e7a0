"""Decode a picture as the last layers of a generator do, with the traces that they leave.

A decoder enlarges what it knows of a picture, and its layers do so unevenly: transposed
convolutions whose stride does not divide the kernel leave a checkerboard (Odena et al. 2016,
"Deconvolution and Checkerboard Artifacts"), and every enlargement leaves copies of the spectrum
that convolutions damp and never remove (Durall et al. 2020, "Watch your Up-Convolution"). There
is no network here: the encoder is linear, and the decoder's weights are drawn anew each time.

Pictures are RGB float32 [H, W, 3], values about 0-255, of any size.
"""

from collections.abc import Callable

import cv2
import numpy as np

_PATCH_STRIDES = {8: (3, 5, 6, 7), 16: (10, 11, 12)}  # by the side in px; none divides it
_KEPT_FRACTIONS = (0.05, 0.4)  # of a patch's components
_COMPONENTS_OF = 500  # patches: more are slow, and alike
_UNEVENNESS = (0.004, 0.03)  # of the brightness: how much of a checkerboard stays
_MAX_KEPT_DETAIL = 0.8  # of what the small picture lost: a good encoder keeps it elsewhere
_SUBPIXELS = (-0.25, 0.25)  # places of the two new pixels within an old one, from its middle
_SMOOTH = np.outer([1, 2, 1], [1, 2, 1]) / 16


def decode_patches(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Decode patches that overlap unevenly, as a transposed convolution does.

    Each patch of a colour is reduced to its lowest cosines, or to the picture's own principal
    components, which a linear autoencoder finds, too (Baldi & Hornik 1989).
    """
    side = int(generator.choice(list(_PATCH_STRIDES)))
    stride = int(generator.choice(_PATCH_STRIDES[side]))
    height, width = picture.shape[:2]
    over = [side + -length % stride for length in (height, width)]
    framed = cv2.copyMakeBorder(picture, side, over[0], side, over[1], cv2.BORDER_REFLECT)
    windows = np.lib.stride_tricks.sliding_window_view(framed, (side, side), (0, 1))
    windows = windows[::stride, ::stride]  # [rows, columns, 3, side, side]
    n_kept = round(generator.uniform(*_KEPT_FRACTIONS) * side * side)
    patches = windows.reshape(-1, side * side)  # [rows columns 3, side side]
    mean = patches.mean(axis=1, keepdims=True)
    keep = keep_components if side == 8 and generator.random() < 0.7 else keep_cosines
    decoded = (keep(patches - mean, n_kept) + mean).reshape(windows.shape)
    kernel = generator.uniform(0.5, 1.5, (side, side)).astype(np.float32)
    inside = slice(side, side + height), slice(side, side + width)
    total = add_patches(decoded * kernel, stride, framed.shape)[inside]
    weights = add_patches(np.broadcast_to(kernel, decoded.shape), stride, framed.shape)[inside]
    checkerboard = (weights / weights.mean()) ** generator.uniform(*_UNEVENNESS)
    return total / weights * checkerboard


def keep_cosines(patches: np.ndarray, n_kept: int) -> np.ndarray:
    """Reduce patches [N, side side] to their n lowest cosines."""
    side = round(patches.shape[1] ** 0.5)
    spectra = patches.reshape(-1, side, side)
    for _ in range(2):
        spectra = cv2.dct(spectra.reshape(-1, side), flags=cv2.DCT_ROWS)
        spectra = spectra.reshape(-1, side, side).swapaxes(1, 2)
    order = np.add.outer(np.arange(side), np.arange(side)).ravel().argsort(kind="stable")
    is_kept = np.isin(np.arange(side * side), order[:n_kept]).reshape(side, side)
    reduced = spectra * is_kept
    for _ in range(2):
        reduced = cv2.idct(reduced.reshape(-1, side), flags=cv2.DCT_ROWS)
        reduced = reduced.reshape(-1, side, side).swapaxes(1, 2)
    return reduced.reshape(-1, side * side)


def keep_components(patches: np.ndarray, n_kept: int) -> np.ndarray:
    """Reduce patches [N, side side] to their first n principal components, found on a sample.

    OpenCV multiplies the matrices: NumPy's threads are slow beside a training's.
    """
    some = patches[:: 1 + len(patches) // _COMPONENTS_OF]
    center = np.zeros((1, patches.shape[1]), np.float32)
    _, basis = cv2.PCACompute(some, mean=center, maxComponents=n_kept)  # [n, side side]
    codes = cv2.gemm(patches, basis, 1, None, 0, flags=cv2.GEMM_2_T)  # [N, n]
    return cv2.gemm(codes, basis, 1, None, 0)


def add_patches(patches: np.ndarray, stride: int, shape: tuple[int, ...]) -> np.ndarray:
    """Add up patches [rows, columns, 3, side, side], a stride apart, in a picture of a shape."""
    rows, columns, _, side, _ = patches.shape
    total = np.zeros(shape, np.float32)
    for top in range(side):
        for left in range(side):
            places = (
                slice(top, top + rows * stride, stride),
                slice(left, left + columns * stride, stride),
            )
            total[places] += patches[..., top, left]
    return total


def decode_subpixels(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Enlarge by pixel shuffle: each of the 2 x 2 new pixels has a filter of its own."""
    spread, mixing = generator.uniform(0.005, 0.03), generator.uniform(0.001, 0.006)

    def enlarge(small: np.ndarray) -> np.ndarray:
        height, width = small.shape[:2]
        large = np.empty((2 * height, 2 * width, 3), np.float32)
        for top, y in enumerate(_SUBPIXELS):
            for left, x in enumerate(_SUBPIXELS):
                filter_ = np.outer(interpolate(y), interpolate(x))
                filter_ += generator.normal(0, spread, (3, 3))
                filter_ /= filter_.sum()
                colors = np.eye(3) + generator.normal(0, mixing, (3, 3))
                phase = cv2.filter2D(small, -1, filter_, borderType=cv2.BORDER_REFLECT)
                large[top::2, left::2] = cv2.transform(phase, colors)
        return large

    return decode_small(picture, enlarge, generator)


def decode_nearest(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Enlarge by repeated pixels and a random smooth convolution, which damps the steps."""
    spread, times = generator.uniform(0.1, 0.5), int(generator.integers(1, 3))
    filters = [_SMOOTH * np.exp(generator.normal(0, spread, (3, 3))) for _ in range(times)]
    filters = [filter_ / filter_.sum() for filter_ in filters]

    def enlarge(small: np.ndarray) -> np.ndarray:
        large = small.repeat(2, axis=0).repeat(2, axis=1)
        for filter_ in filters:
            large = cv2.filter2D(large, -1, filter_, borderType=cv2.BORDER_REFLECT)
        return large

    return decode_small(picture, enlarge, generator)


def interpolate(place: float) -> np.ndarray:
    """Return the weights [3] of a parabola through the pixels at -1, 0 and 1, at a place."""
    return np.array([place * (place - 1) / 2, 1 - place**2, place * (place + 1) / 2])


def decode_small(
    picture: np.ndarray,
    enlarge: Callable[[np.ndarray], np.ndarray],
    generator: np.random.Generator,
) -> np.ndarray:
    """Halve a picture once or twice, enlarge it again, and give back some of the lost detail.

    Args:
        enlarge: makes a picture [h, w, 3] twice as large, [2 h, 2 w, 3].
    """
    height, width = picture.shape[:2]
    n_levels = int(generator.integers(1, 3))
    step = 2**n_levels
    framed = cv2.copyMakeBorder(
        picture, step, step + -height % step, step, step + -width % step, cv2.BORDER_REFLECT
    )
    size = framed.shape[1] // step, framed.shape[0] // step
    decoded = small = cv2.resize(framed, size, interpolation=cv2.INTER_AREA)
    for _ in range(n_levels):
        decoded = enlarge(decoded)
    plain = cv2.resize(small, framed.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    kept = generator.uniform(0, _MAX_KEPT_DETAIL)
    decoded = decoded + kept * (framed - plain)
    return decoded[step : step + height, step : step + width]
