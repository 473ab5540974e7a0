"""Label Studio JSON and JSON-MIN: faces in videos by keyframes, or in images.

https://labelstud.io/tags/videorectangle, https://labelstud.io/tags/rectanglelabels,
https://labelstud.io/guide/export. Boxes in percent of the frame, frames from 1. A keyframe with
`enabled: false` is the last frame that shows the face (`isInLifespan` of its editor); after the
last one that is enabled the face stays to `framesCount`. Frames are those of the editor's frame
rate, which has to be the video's.
"""

import re
from collections.abc import Iterator
from typing import Any

from deepfake_detector.data.annotations.fields import (
    EMPTY,
    FRACTION,
    Face,
    RejectedRow,
    choose_label,
    clean_text,
    expect_keys,
    guess_video,
    parse_corner_and_size,
    parse_frame,
    parse_number,
    split_image_name,
    url_to_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import (
    AnnotationFile,
    walk_values,
)
from deepfake_detector.data.annotations.importers.keyframes import Keyframe, interpolate_track

_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")  # put before the name of an uploaded file
_SHAPES = ("videorectangle", "rectanglelabels", "rectangle")
_NO_SHAPES = ("choices", "labels", "textarea", "timelinelabels", "number", "rating", "taxonomy")


def is_label_studio(file: AnnotationFile) -> bool:
    """Tell whether this is an export of Label Studio."""
    return file.kind == "json list" and (
        {"annotations", "data"} <= file.keys or {"id", "annotator"} <= file.keys
    )


def read_label_studio(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read such an export; a row is the number of a task."""
    count = 0
    for count, task in enumerate(walk_values(file), start=1):
        video = ""
        try:
            video = _find_name(task)
            for region in _list_regions(task):
                yield from _read_region(count, video, *region)
        except ValueError as error:
            yield RejectedRow(count, f"{error}; correct or remove the task", video)
    if count == 0:
        yield EMPTY


def _find_name(task: Any) -> str:
    task = expect_keys(task, ("id",))
    data = task.get("data") if isinstance(task.get("data"), dict) else task
    names = (data.get(key) for key in ("video", "image", "video_url", "img"))
    name = next((name for name in names if isinstance(name, str)), task.get("file_upload"))
    return _UPLOAD.sub("", url_to_name(name), count=1) if name else ""


def _list_regions(task: dict) -> Iterator[tuple[dict, dict, list]]:
    """Yield region, its `value` and labels given to the whole region, of all who annotated."""
    if "annotations" not in task:  # JSON-MIN: each control's values under its name
        for values in task.values():
            for value in values if isinstance(values, list) else []:
                if isinstance(value, dict) and ("sequence" in value or "x" in value):
                    yield {"type": _SHAPES[0] if "sequence" in value else _SHAPES[1]}, value, []
        return
    if not isinstance(task["annotations"], list):
        raise ValueError("annotations: expected a list")
    for annotation in task["annotations"]:
        result = expect_keys(annotation, ("result",))["result"]
        if annotation.get("was_cancelled"):
            continue
        if not isinstance(result, list):
            raise ValueError("result: expected a list")
        choices = _list_choices(result)
        for region in result:
            region = expect_keys(region, ("value",))
            value = expect_keys(region["value"], ())
            if region.get("type") not in _NO_SHAPES:
                yield region, value, choices.get(clean_text(region.get("id")), [])


def _list_choices(result: list) -> dict[str, list]:
    """List the choices made for each region, which repeat the region's id."""
    choices: dict[str, list] = {}
    for region in result:
        if isinstance(region, dict) and isinstance(region.get("value"), dict):
            chosen = region["value"].get("choices") or region["value"].get("labels")
            if isinstance(chosen, list):
                choices.setdefault(clean_text(region.get("id")), []).extend(chosen)
    return choices


def _read_region(
    row: int, video: str, region: dict, value: dict, choices: list
) -> Iterator[Face | RejectedRow]:
    labels = [value.get(key) for key in ("labels", "rectanglelabels", "videorectanglelabels")]
    label = choose_label(*(part for part in labels if isinstance(part, list) for part in part))
    label = choose_label(label, *choices)
    face = clean_text(region.get("id"))
    if isinstance(value.get("sequence"), list):
        yield from _read_track(row, video, value, label, face)
        return
    frame = None
    try:
        video, frame = split_image_name(video)
        if region.get("type") not in _SHAPES:
            raise ValueError(f"{clean_text(region.get('type'))[:40]}: expected a rectangle")
        yield Face(row, video, frame, *_parse_box(value), label, "", FRACTION)
    except ValueError as error:
        name = video if frame is not None else guess_video(video)
        yield RejectedRow(row, f"{error}; correct or remove the region", name, frame)


def _read_track(
    row: int, video: str, value: dict, label: str, face: str
) -> Iterator[Face | RejectedRow]:
    keyframes = []
    for keyframe in value["sequence"]:
        frame = None
        try:
            frame = parse_frame(expect_keys(keyframe, ("frame",))["frame"]) - 1
            box = _parse_box(keyframe)
        except ValueError as error:
            yield RejectedRow(row, f"{error}; correct or remove the region", video, frame)
            continue
        goes_on = keyframe.get("enabled") is not False
        keyframes.append(Keyframe(row, frame, box, True, goes_on))
    try:
        count = value.get("framesCount")
        last = parse_frame(count) - 1 if count is not None else None
        ends = [keyframe.frame for keyframe in keyframes]
        last = max([last, *ends]) if last is not None else None
        for _, frame, box, _ in interpolate_track(keyframes, last):
            yield Face(row, video, frame, *box, label, face, FRACTION)
    except ValueError as error:
        yield RejectedRow(row, f"region {face}: {error}", video)


def _parse_box(value: dict) -> tuple[float, float, float, float]:
    if parse_number(value.get("rotation") or 0) != 0:
        raise ValueError("the rectangle is turned; draw an upright one")
    percent = [value.get(key) for key in ("x", "y", "width", "height")]
    return tuple(side / 100 for side in parse_corner_and_size(percent))
