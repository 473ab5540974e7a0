"""CVAT for video 1.1 and CVAT for images 1.1, XML.

https://docs.cvat.ai/docs/other/xml_format. Frames from 0; boxes in px. A track's `outside` box
ends it, frames between its boxes are interpolated, and a track that nothing ends is shown up to
the task's last frame. The video is the task's `source`, else its `name`, else the file's name; a
shape's label is its own or an attribute's.
"""

import math
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from deepfake_detector.data.annotations.fields import (
    EMPTY,
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
from deepfake_detector.data.annotations.importers.annotation_file import AnnotationFile, walk_xml
from deepfake_detector.data.annotations.importers.keyframes import Keyframe, interpolate_track

_SHAPES = {"box", "polygon", "ellipse", "polyline", "points", "cuboid", "mask", "skeleton", "tag"}


class _Task:
    """What the XML's `meta` says about a task: its video, and the last frame of it."""

    def __init__(self, meta: Element | None, fallback: str):
        self.video, self.last_frame = fallback, None
        if meta is None:
            return
        texts = {key: clean_text(meta.findtext(key)) for key in ("source", "name")}
        self.video = texts["source"] or texts["name"] or fallback
        try:
            stop = meta.findtext("stop_frame")
            size = meta.findtext("size")
            self.last_frame = parse_frame(stop) if stop else parse_frame(size) - 1
        except ValueError:  # not said
            self.last_frame = None


def is_cvat(file: AnnotationFile) -> bool:
    """Tell whether this is XML of CVAT."""
    return file.kind == "xml" and "annotations" in file.keys


def read_cvat(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read tracks and images; a row is the number of a shape in the file."""
    tasks = {"": _Task(None, file.path.stem)}
    row, depth, root = 0, 0, None
    for event, element in walk_xml(file.text):
        root = element if root is None else root
        depth += 1 if event == "start" else -1
        if event == "start" or depth != 1:
            continue
        if element.tag == "meta":
            tasks = _read_tasks(element, file.path.stem)
        elif element.tag == "track":
            yield from _read_track(element, _find_task(element, tasks), row)
            row += len(element)
        elif element.tag == "image":
            yield from _read_image(element, _find_task(element, tasks), row)
            row += len(element)
        root.clear()
    if row == 0:
        yield EMPTY


def _read_tasks(meta: Element, stem: str) -> dict[str, _Task]:
    found = [*meta.iter("task"), *meta.iter("job")]
    tasks = {clean_text(task.findtext("id")): _Task(task, stem) for task in found}
    first = next(iter(tasks.values()), _Task(None, stem))
    source = clean_text(meta.findtext("source"))
    if source and len(tasks) <= 1:
        first.video = source
    return {"": first, **tasks}


def _find_task(element: Element, tasks: dict[str, _Task]) -> _Task:
    return tasks.get(element.get("task_id", ""), tasks[""])


def _read_track(track: Element, task: _Task, row: int) -> Iterator[Face | RejectedRow]:
    keyframes, face = [], clean_text(track.get("id"))
    for shape_row, shape in enumerate(track, start=row + 1):
        outside, frame = shape.get("outside") == "1", None
        try:
            frame = parse_frame(shape.get("frame"))
            if outside and shape.tag not in ("box", "polygon", "ellipse"):
                continue
            box = _parse_shape(shape)
        except ValueError as error:
            yield RejectedRow(shape_row, f"{error}; correct it in CVAT", task.video, frame)
            continue
        label = _find_label(track, shape)
        keyframes.append(Keyframe(shape_row, frame, box, not outside, not outside, label))
    try:
        for found, frame, box, label in interpolate_track(keyframes, _find_last(keyframes, task)):
            yield Face(found, task.video, frame, *box, label, face)
    except ValueError as error:
        yield RejectedRow(row + 1, f"track {face}: {error}", task.video)


def _find_last(keyframes: list[Keyframe], task: _Task) -> int | None:
    """Return the task's last frame, but where it is before the track's own."""
    last = max((keyframe.frame for keyframe in keyframes), default=0)
    return None if task.last_frame is None else max(task.last_frame, last)


def _read_image(image: Element, task: _Task, row: int) -> Iterator[Face | RejectedRow]:
    name, problem = clean_text(image.get("name")), None
    is_frame = re.fullmatch(r"frame_[0-9]{1,9}", name)  # what CVAT names frames of a video
    try:
        video, frame = split_image_name(name, task.video if is_frame else "")
    except ValueError as error:
        video, frame, problem = guess_video(name), None, error
    for shape_row, shape in enumerate(image, start=row + 1):
        try:
            if problem:
                raise problem
            box = _parse_shape(shape)
        except ValueError as error:
            yield RejectedRow(shape_row, f"{error}; correct it in CVAT", video, frame)
            continue
        yield Face(shape_row, video, frame, *box, _find_label(shape, shape), _find_face(shape))


def _parse_shape(shape: Element) -> tuple[float, float, float, float]:
    """Read the box of a shape, that round it where it is a polygon or an ellipse.

    Raises:
        ValueError: it is a shape of another kind, or turned.
    """
    if shape.tag not in _SHAPES or shape.tag not in ("box", "polygon", "ellipse"):
        raise ValueError(f"{clean_text(shape.tag)[:40]}: expected a box, a polygon or an ellipse")
    if abs(parse_number(shape.get("rotation", "0"))) not in (0, 360):
        raise ValueError(f"{shape.tag} is turned by {shape.get('rotation')!r:.20} degrees")
    if shape.tag == "box":
        return tuple(parse_number(shape.get(side)) for side in ("xtl", "ytl", "xbr", "ybr"))
    if shape.tag == "ellipse":
        x, y, rx, ry = (parse_number(shape.get(name)) for name in ("cx", "cy", "rx", "ry"))
        return x - rx, y - ry, x + rx, y + ry
    points = [point.split(",") for point in shape.get("points", "").split(";")]
    if any(len(point) != 2 for point in points):
        return (math.nan,) * 4
    return bound_points(*map(list, zip(*points, strict=True)))


def _find_label(named: Element, shape: Element) -> str:
    attributes = [attribute.text for attribute in shape.iter("attribute")]
    return choose_label(named.get("label"), *attributes)


def _find_face(shape: Element) -> str:
    """Find the track that a box of one image belongs to, which CVAT keeps as an attribute."""
    for attribute in shape.iter("attribute"):
        if attribute.get("name") == "track_id":
            return clean_text(attribute.text)
    return ""
