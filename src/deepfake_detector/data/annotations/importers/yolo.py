"""YOLO: one text file an image, a line a face, in fractions of the frame.

https://docs.ultralytics.com/datasets/detect: `class x_center y_center width height`, classes by
number in the `names` of `data.yaml`, which lies beside the labels or up to three folders above
(`classes.txt` and `obj.names`, a name a line, will do). A sixth number is a track, or a score
where it is no whole number; more are the points of a polygon, or key points where `data.yaml` has
`kpt_shape`. Video and frame are in the name of the file.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from deepfake_detector.config.yaml_edit import parse_yaml
from deepfake_detector.data.annotations.fields import (
    FRACTION,
    Face,
    RejectedRow,
    bound_points,
    choose_label,
    clean_text,
    guess_video,
    parse_frame,
    parse_number,
    split_image_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import AnnotationFile

NAMES_FILES = ("data.yaml", "data.yml", "classes.txt", "obj.names")
_LEVELS = 4  # the folder of the labels and three above: dataset/labels/train/
_MAX_NAMES_BYTES = 1 << 16
_MAX_BRACKETS = 100  # PyYAML takes seconds for thousands inside each other
_LINE = re.compile(r"\s*[0-9]+(\s+[-+.0-9eE]+){4,}\s*(\n|$)")
_LIST = re.compile(r"(\S[^\n]*\.(jpe?g|png|bmp|webp)\s*(\n|$))+", re.IGNORECASE)


class _Classes(NamedTuple):
    names: dict[int, str]
    has_key_points: bool


def is_yolo(file: AnnotationFile) -> bool:
    """Tell whether these are labels of one image, or a list of images beside such files."""
    if file.path.suffix.lower() != ".txt" or file.kind != "text":
        return False
    return bool(_LINE.match(file.text) or not file.text.strip() or _LIST.match(file.text[:4000]))


def is_yolo_names(file: AnnotationFile) -> bool:
    """Tell whether this file names the classes, and has no faces itself."""
    return file.path.name.lower() in (*NAMES_FILES, "obj.data")


def read_nothing(_file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read a file that goes with annotations and has none."""
    yield from ()


def read_yolo(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read the faces of one image, which may have none; a row is a line.

    Raises:
        ValueError: there is no file that names the classes.
    """
    if _LIST.match(file.text[:4000]):
        return
    image, problem = "/".join(file.path.parts[-_LEVELS - 1 :]), None
    try:
        video, frame = split_image_name(image)
    except ValueError as error:
        video, frame, problem = guess_video(file.path.name), None, error
    classes = _find_classes(file.path) if file.text.strip() else None
    for row, line in enumerate(file.text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            if problem:
                raise problem
            label, box, face = _parse_line(line.split(), classes)
        except ValueError as error:
            yield RejectedRow(row, f"{error}; correct or remove the line", video, frame)
            continue
        yield Face(row, video, frame, *box, label, face, FRACTION)


def _parse_line(words: list[str], classes: _Classes) -> tuple[str, tuple, str]:
    if len(words) < 5:
        raise ValueError(f"expected class, center, width and height, got {len(words)} numbers")
    label = choose_label(classes.names.get(parse_frame(words[0]), words[0]))
    numbers = [parse_number(word) for word in words[1:]]
    if len(words) > 6 and len(words) % 2 == 1 and not classes.has_key_points:
        return label, bound_points(numbers[0::2], numbers[1::2]), ""
    x, y, width, height = numbers[:4]
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    is_track = len(words) == 6 and words[5].isdecimal()
    return label, box, words[5][:20] if is_track else ""


def _find_classes(path: Path) -> _Classes:
    for folder in path.parents[:_LEVELS]:
        for name in NAMES_FILES:
            names = folder / name
            if names.is_file():
                classes, problem = _read_classes(names, names.stat().st_mtime_ns)
                if classes is None:
                    raise ValueError(f"{name}: {problem}")
                return classes
    raise ValueError(
        "YOLO labels without data.yaml, which says what class 0 is; put it beside them"
    )


@lru_cache(maxsize=64)
def _read_classes(path: Path, _modified: int) -> tuple[_Classes | None, str]:
    """Return the classes that a file names, or why it cannot be read: once for all its labels."""
    try:
        return _parse_classes(path), ""
    except UnicodeDecodeError:
        return None, "not UTF-8 text; save it in UTF-8"
    except (ValueError, RecursionError) as error:
        return None, str(error)


def _parse_classes(path: Path) -> _Classes:
    if path.stat().st_size > _MAX_NAMES_BYTES:
        raise ValueError("too large for a list of classes")
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix not in (".yaml", ".yml"):
        return _Classes(dict(enumerate(map(clean_text, text.splitlines()))), False)
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        raise ValueError(f"over {_MAX_BRACKETS} lists; write `names` alone")
    content = parse_yaml(text)
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        raise ValueError("expected `names` with a name for each class")
    found = {key: clean_text(name) for key, name in names.items() if isinstance(key, int)}
    return _Classes(found, "kpt_shape" in content)
