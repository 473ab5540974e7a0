"""Image files, known by their content and read as viewers show them; JPEG in memory.

Images are uint8 RGB [H, W, 3].
"""

from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.common.files import write_bytes
from deepfake_detector.video.media.errors import (
    LimitError,
    RejectedFileError,
    check_regular_file,
    reading,
    show_name,
)
from deepfake_detector.video.media.image_headers import (
    ImageHeader,
    clear_orientation,
    read_image_header,
    sniff_kind,
)
from deepfake_detector.video.media.limits import MAX_IMAGE_BYTES, MAX_IMAGE_PX
from deepfake_detector.video.media.orientation import EXIF_ORIENTATIONS, Orientation, orient

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Endings of what can be written; what is read is known by its content."""

_REMEDY = "save it as JPEG or PNG"


def is_image(path: Path) -> bool:
    """Tell by its content whether a file is an image; False where there is no file with content.

    Raises:
        OSError: trouble of the machine.
    """
    try:
        check_regular_file(path)
    except (RejectedFileError, FileNotFoundError):
        return False  # reading it as a video says why
    with path.open("rb") as file:
        return bool(sniff_kind(file.read(32)))


def read_image(path: Path) -> np.ndarray:
    """Read an image as a viewer shows it, turned as its EXIF asks: uint8 RGB [H, W, 3].

    Raises:
        RejectedFileError: not an image that can be read here, cut off, or over a limit; names
            file, reason and remedy.
        OSError: trouble of the machine.
    """
    if not path.exists() and not path.is_symlink():
        raise RejectedFileError(f"{path}: no such file")
    check_regular_file(path)
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise LimitError(f"{show_name(path)}: over {MAX_IMAGE_BYTES} bytes, which is the limit")
    return decode_foreign_image(path.read_bytes(), path)


def decode_foreign_image(content: bytes, path: Path) -> np.ndarray:
    """Decode the content of an image that others made, as `read_image` does.

    Args:
        path: what the image is called in messages; nothing is read there.
    """
    with reading(path, lambda: "not an image that can be read"):
        header = read_image_header(content)
        _check_header(header, show_name(path))
        if header.kind == "TIFF":
            content = clear_orientation(content)
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if image is None:
            raise RejectedFileError(
                f"{show_name(path)}: not an image that can be read: its {header.kind} is damaged; "
                f"copy it again, or {_REMEDY}"
            )
        shown = orient(image, EXIF_ORIENTATIONS.get(header.orientation, Orientation()))
        return cv2.cvtColor(shown, cv2.COLOR_BGR2RGB)


def decode_image(content: bytes) -> np.ndarray:
    """Decode the content of an image that this program made.

    Raises:
        ValueError: it is no image that can be read.
    """
    image = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB) if content else None
    )
    if image is None:
        raise ValueError("not an image that can be read")
    return image


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image in the format of its name, else as PNG; the file appears when complete.

    Raises:
        ValueError: the format does not hold so many pixels.
        OSError: trouble of the machine; no file is left.
    """
    ending = path.suffix.lower() if path.suffix.lower() in IMAGE_ENDINGS else ".png"
    write_bytes(_encode(ending, image, []), path)


def encode_jpeg(image: np.ndarray, quality: int) -> bytes:
    """Encode an image as the content of a JPEG file.

    Args:
        quality: 1-100.

    Raises:
        ValueError: the format does not hold so many pixels.
    """
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def recompress_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Encode an image as JPEG and decode it again.

    The channels are not put into OpenCV's order, as no augmentation depends on which is red.
    """
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def _encode(ending: str, image: np.ndarray, settings: list[int]) -> bytes:
    height_px, width_px = image.shape[:2]
    problem = f"{width_px}x{height_px} px cannot be encoded as {ending}; choose another format"
    try:
        is_encoded, content = cv2.imencode(
            ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings
        )
    except cv2.error as error:
        raise ValueError(problem) from error
    if not is_encoded:
        raise ValueError(problem)
    return content.tobytes()


def _check_header(header: ImageHeader | None, name: str) -> None:
    if header is None:
        raise RejectedFileError(f"{name}: not an image that can be read; {_REMEDY}")
    if header.kind == "HEIC":
        raise RejectedFileError(f"{name}: a HEIC or AVIF photo cannot be read here; {_REMEDY}")
    width_px, height_px = header.size_px
    if width_px * height_px > MAX_IMAGE_PX:
        raise LimitError(
            f"{name}: {width_px}x{height_px} px are over {MAX_IMAGE_PX} pixels, which is the "
            "limit; shrink it"
        )
    if not header.is_complete:
        raise RejectedFileError(f"{name}: cut off: the file ends before its image; copy it again")
    if not width_px * height_px:
        raise RejectedFileError(f"{name}: an image without a size; {_REMEDY}")
