"""Image files."""

from pathlib import Path

import cv2
import numpy as np

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def is_image(path: Path) -> bool:
    """Tell by its name whether a file is an image."""
    return path.suffix.lower() in IMAGE_ENDINGS


def read_image(path: Path) -> np.ndarray:
    """Read an image as uint8 RGB [height, width, 3].

    Raises:
        ValueError: it is not there or no image.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path.name}: not an image that can be read")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
