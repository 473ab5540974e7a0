"""Image files, and JPEG in memory. Images are uint8 RGB [height, width, 3]."""

from pathlib import Path

import cv2
import numpy as np

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def is_image(path: Path) -> bool:
    """Return whether a file is an image, by its name."""
    return path.suffix.lower() in IMAGE_ENDINGS


def read_image(path: Path) -> np.ndarray:
    """Read an image file.

    Raises:
        ValueError: it is not there, or is no image that can be read.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        return decode_image(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def decode_image(content: bytes) -> np.ndarray:
    """Decode the content of an image file.

    Raises:
        ValueError: it is no image that can be read.
    """
    image = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB) if content else None
    )
    if image is None:
        raise ValueError("not an image that can be read")
    return image


def encode_jpeg(image: np.ndarray, quality: int) -> bytes:
    """Encode an image as the content of a JPEG file.

    Args:
        quality: 1-100.
    """
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)[1].tobytes()


def recompress_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Encode an image as JPEG and decode it again.

    The channels are not put into OpenCV's order, as no augmentation depends on which is red.
    """
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)
