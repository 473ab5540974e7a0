"""Perceptual hashes: 64 bits that copies of a frame share, whatever their size and compression.

The pHash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010):
signs of an image's lowest 8 x 8 frequencies against their median. Mirrored, cropped and turned
copies have other hashes. Shapes: `H` height, `W` width in px.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.video.decoding import decode_frames
from deepfake_detector.video.packets import scan_packets

HASH_BITS = 64

_SIDE_PX = 32
_LOWEST = 8
_MIN_CONTRAST = 4.0  # standard deviation of gray levels; below it noise decides the signs


def hash_frame(image: np.ndarray) -> int:
    """Return the hash of a frame, uint8 RGB [H, W, 3]; one without contrast says nothing."""
    frequencies = cv2.dct(_shrink(image).astype(np.float32))[:_LOWEST, :_LOWEST]
    bits = (frequencies > np.median(frequencies)).reshape(-1)  # [64]
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_video(path: Path, n_frames: int = 8) -> list[int]:
    """Return the hashes of frames spread evenly over a video, in order.

    Returns:
        At most `n_frames`; frames without contrast (black, white, faded out) are left out.

    Raises:
        ValueError: the video cannot be read up to the last of them; names file and reason.
        FileNotFoundError: there is no such file.
    """
    return [hash_frame(image) for _, image in read_hashed_frames(path, n_frames)]


def read_hashed_frames(path: Path, n_frames: int) -> Iterator[tuple[int, np.ndarray]]:
    """Give the frames that `hash_video` hashes, with their numbers: uint8 RGB [H, W, 3].

    Raises:
        ValueError, FileNotFoundError: as `hash_video`.
    """
    count = scan_packets(path).frames
    wanted = {int((place + 0.5) * count / n_frames) for place in range(n_frames)}
    for number, frame in enumerate(decode_frames(path, threads=0)):
        if number in wanted and has_contrast(image := frame.to_rgb()):
            yield number, image
        if number >= max(wanted):
            return


def has_contrast(image: np.ndarray) -> bool:
    """Return whether a frame, uint8 RGB [H, W, 3], shows enough to be told from others."""
    return float(_shrink(image).std()) >= _MIN_CONTRAST


def distance(a: int, b: int) -> int:
    """Count the bits in which two hashes differ: 0 for copies, about 32 for unrelated frames."""
    return (a ^ b).bit_count()


def _shrink(image: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)  # [32, 32]
