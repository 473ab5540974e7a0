"""The fields of an annotated face, and how each importer reads them from what a file says.

What a box or a label is worth is decided later, by the checks of `validate`: here a number that
cannot be read is NaN, and a label is kept as it is. A frame that cannot be read rejects its row.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlparse

from deepfake_detector.common.labels import FACE_LABELS

PX, FRACTION = "px", "fraction"
"""Units of a box: pixels of the frame, or fractions of its width and height."""

MAX_FRAME = 10**8
"""Highest frame number that is read, 46 days of 25 frames a second."""

_MAX_NUMBER = 1e9  # px; a larger one is no place in a frame, and some would overflow
_MAX_TEXT = 200  # characters of a label or a face's key
_WHOLE = re.compile(r"([+-]?[0-9]{1,12})(?:\.0*)?")
_IMAGE = re.compile(r"(?P<name>.+)[_-](?P<frame>[0-9]{1,9})(?:\.\w{1,5})?", re.DOTALL)
_FRAME_IMAGE = re.compile(r"(?:frame|image|img)?[_-]?(?P<frame>[0-9]{1,9})(?:\.\w{1,5})?", re.I)
_ROBOFLOW = re.compile(r"_(?:jpe?g|png|bmp|webp)\.rf\.\w+(?=\.\w+$|$)", re.I)
_NOT_A_VIDEO = {"images", "labels", "train", "val", "valid", "test", "obj_train_data", "data"} | {
    "annotations",
    "JPEGImages",
    "Annotations",
    "",
    ".",
}


class Face(NamedTuple):
    """One annotated face as a file has it: frame from 0, box perhaps NaN, any label.

    `row` is a line of a table, else the number of the entry or shape in the file, from 1; `name`
    that of the video, with or without its ending; `face` the same for one face of a video in
    different frames, or empty; `unit` that of the box, `PX` or `FRACTION`.
    """

    row: int
    name: str
    frame: int
    left: float
    top: float
    right: float
    bottom: float
    label: str
    face: str
    unit: str = PX


class RejectedRow(NamedTuple):
    """A row that is no usable face, why, and where the face it may have been is.

    `row` None: it is about the whole file, and no face is lost. `name` empty: any video may be
    meant; `frame` None: any frame of it.
    """

    row: int | None
    reason: str
    name: str = ""
    frame: int | None = None


EMPTY = RejectedRow(None, "no annotation in it (an empty list); annotate, or remove the file")


def parse_frame(value: Any) -> int:
    """Read the number of a frame; `17.0` is 17.

    Raises:
        ValueError: it is not a whole number, or larger than any video's.
    """
    text = "" if isinstance(value, bool) else str(value)[:40].strip()
    found = _WHOLE.fullmatch(text)
    if found is None or abs(int(found[1])) > MAX_FRAME:
        raise ValueError(f"frame: expected a whole number, got {_shorten(value)}")
    return int(found[1])


def parse_number(value: Any) -> float:
    """Read a number in px or a fraction; NaN where it is none, or out of all bounds."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return math.nan  # Python would take 1_0 for 10
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if abs(number) <= _MAX_NUMBER else math.nan


def parse_corner_and_size(box: Any) -> tuple[float, float, float, float]:
    """Turn left, top, width and height into the four sides; NaN where it is no box."""
    if not isinstance(box, list) or len(box) != 4:
        return (math.nan,) * 4
    left, top, width, height = map(parse_number, box)
    return left, top, left + width, top + height


def bound_points(xs: Any, ys: Any) -> tuple[float, float, float, float]:
    """Compute the box round the corners of a polygon; NaN where there are none."""
    if not (isinstance(xs, list) and isinstance(ys, list) and xs and len(xs) == len(ys)):
        return (math.nan,) * 4
    xs, ys = [parse_number(x) for x in xs], [parse_number(y) for y in ys]
    if any(map(math.isnan, [*xs, *ys])):
        return (math.nan,) * 4
    return min(xs), min(ys), max(xs), max(ys)


def parse_label(value: Any) -> str:
    """Read a label: `real` and `fake` in any case, others as they are."""
    label = clean_text(value)
    return label.lower() if label.lower() in FACE_LABELS else label


def choose_label(*values: Any) -> str:
    """Choose the one of a shape's name and attributes that says real or fake.

    Returns:
        That label; `real and fake` where they contradict each other; else the first that is
        there, for the checks to reject by its name.
    """
    labels = [parse_label(value) for value in values]
    known = sorted({label for label in labels if label in FACE_LABELS}, reverse=True)
    if known:
        return " and ".join(known)
    return next((label for label in labels if label), "")


def list_attribute_values(attributes: Any) -> list[str]:
    """List what a shape's attributes say: their values, and the names of boxes that are ticked."""
    if not isinstance(attributes, dict):
        return []
    values: list[str] = []
    for name, value in attributes.items():
        if isinstance(value, dict):  # of check boxes: {"Fake": true}
            values += list_attribute_values(value)
        elif isinstance(value, list):
            values += [clean_text(part) for part in value if isinstance(part, str)]
        elif value is True or (isinstance(value, str) and value.lower() == "true"):
            values.append(clean_text(name))
        elif isinstance(value, str):
            values.append(clean_text(value))
    return values


def clean_text(value: Any) -> str:
    """Make a text that every file can hold: no halves of characters, not too long."""
    text = value if isinstance(value, str) else "" if value is None else _shorten(value)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.strip()[:_MAX_TEXT]


def split_image_name(image: Any, video: str = "") -> tuple[str, int]:
    """Find the video and the frame that an image was taken from.

    Args:
        image: `NAME_00017.jpg` is the 17th frame of NAME, counted from 1, as FFmpeg names them;
            `NAME/frame_000017.jpg` and `NAME/00017.jpg` are frame 17 counted from 0, as CVAT and
            YouTube-VIS do.
        video: its name where it is known; that of the image then gives the frame alone.

    Raises:
        ValueError: there is no frame number, or no video is named.
    """
    parts = re.split(r"[/\\]", clean_text(image))
    last = _ROBOFLOW.sub("", parts[-1])
    if found := _FRAME_IMAGE.fullmatch(last):
        folder = next((part for part in parts[-2::-1] if part not in _NOT_A_VIDEO), "")
        if not (video or folder):
            raise ValueError(f"{last!r} names no video; put it into a folder of the video's name")
        return video or folder, int(found["frame"])
    found = _IMAGE.fullmatch(last)
    if found is None:
        raise ValueError(f"frame: expected a name like NAME_00017.jpg, got {_shorten(image)}")
    name = "/".join([*parts[:-1], found["name"]]) if ".." in parts else found["name"]
    return video or name, int(found["frame"]) - 1


def guess_video(image: Any) -> str:
    """Name the video of an image whose frame cannot be read: what the image's name begins with."""
    stem = re.split(r"[/\\]", clean_text(image))[-1].rsplit(".", 1)[0]
    return "" if _FRAME_IMAGE.fullmatch(stem) else re.sub(r"[_-][0-9]{10,}$", "", stem)


def url_to_name(url: Any) -> str:
    """Return the file name at the end of an address; what climbs up folders stays as it is."""
    text = clean_text(url)[:2000] if not isinstance(url, str) else url.strip()[:2000]
    try:
        address = urlparse(text)
    except ValueError:  # a bracket where an address of IPv6 would stand
        return clean_text(text)
    path = parse_qs(address.query).get("d", [address.path])[0]  # Label Studio's local files
    if ".." in unquote(path).split("/"):
        return clean_text(unquote(path))
    return clean_text(unquote(path.rsplit("/", 1)[-1]))


def expect_keys(entry: Any, keys: Iterable[str]) -> dict:
    """Return an entry that is an object with these keys.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {_shorten(entry)}")
    missing = [key for key in keys if key not in entry]
    if missing:
        raise ValueError(f"key {missing[0]!r} is missing")
    return entry


def _shorten(value: Any) -> str:
    """Quote a value in at most 40 characters; one that is too large to be written, by its kind."""
    try:
        return f"{value!r:.40}"
    except (ValueError, RecursionError):  # of integers Python writes 4,300 digits
        return type(value).__name__
