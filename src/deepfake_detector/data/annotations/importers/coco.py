"""COCO JSON: images or frames of videos, with boxes as left, top, width and height in px.

https://cocodataset.org/#format-data; with videos as CocoVID
(https://github.com/open-mmlab/mmtracking, docs/en/tutorials/customize_dataset.md), TAO and
YouTube-VIS have them: `videos`, `images[].video_id` with `frame_id` or `frame_index` from 0, or
`annotations[].bboxes` with one box or null for each of `videos[].file_names`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from deepfake_detector.data.annotations.fields import (
    EMPTY,
    Face,
    RejectedRow,
    choose_label,
    clean_text,
    expect_keys,
    guess_video,
    list_attribute_values,
    parse_corner_and_size,
    parse_frame,
    split_image_name,
    url_to_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import (
    AnnotationFile,
    walk_values,
)


class _Image(NamedTuple):
    """Video and frame of an image, or why they are not known."""

    video: str
    frame: int | None
    problem: str = ""


def is_coco(file: AnnotationFile) -> bool:
    """Tell whether this is COCO JSON."""
    return "annotations" in file.keys and bool({"images", "videos"} & file.keys)


def read_coco(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read such a file; a row is the number of an annotation."""
    names = {}
    for category in walk_values(file, "categories"):
        if isinstance(category, dict):
            names[_get_id(category, "id")] = clean_text(category.get("name"))
    videos = {
        _get_id(video, "id"): video
        for video in walk_values(file, "videos")
        if isinstance(video, dict)
    }
    images = {
        _get_id(image, "id"): _read_image(image, videos)
        for image in walk_values(file, "images")
        if isinstance(image, dict)
    }
    row = 0
    for row, annotation in enumerate(walk_values(file, "annotations"), start=1):
        image = _Image("", None)
        try:
            expect_keys(annotation, ("category_id",))
            if "bboxes" in annotation:
                yield from _read_track(row, annotation, videos, names)
                continue
            image = _find_image(annotation, images)
            yield _read_face(row, annotation, image, names)
        except ValueError as error:
            reason = f"{error}; correct or remove the annotation"
            yield RejectedRow(row, reason, image.video, image.frame)
    if row == 0:
        yield EMPTY


def _get_id(entry: dict, key: str) -> str:
    """Return an id as text: some tools write 1, others "1"."""
    return clean_text(entry.get(key))


def _read_image(image: dict, videos: dict[str, dict]) -> _Image:
    video = videos.get(_get_id(image, "video_id")) if "video_id" in image else None
    number = next((image[key] for key in ("frame_id", "frame_index") if key in image), None)
    file_name = image.get("file_name")
    name = _name_video(video) if video else ""
    try:
        if name and number is not None:
            return _Image(name, parse_frame(number))
        return _Image(*split_image_name(file_name, name))
    except ValueError as error:
        return _Image(name or guess_video(file_name), None, str(error))


def _name_video(video: dict) -> str:
    return url_to_name(video.get("name") or video.get("file_name") or "")


def _find_image(annotation: dict, images: dict[str, _Image]) -> _Image:
    key = _get_id(annotation, "image_id")
    if key not in images:
        raise ValueError(f"image_id {key!r:.40}: there is no such image")
    return images[key]


def _read_face(row: int, annotation: dict, image: _Image, names: dict[str, str]) -> Face:
    if image.problem:
        raise ValueError(image.problem)
    if annotation.get("iscrowd") == 1:
        raise ValueError("iscrowd: expected one face, not a crowd")
    box = parse_corner_and_size(annotation.get("bbox"))
    attributes = annotation.get("attributes")
    label = _find_label(annotation, names)
    nested = attributes if isinstance(attributes, dict) else {}
    keys = (annotation.get("track_id"), annotation.get("instance_id"), nested.get("track_id"))
    face = next((clean_text(key) for key in keys if key is not None), "")
    return Face(row, image.video, image.frame, *box, label, face)


def _find_label(annotation: dict, names: dict[str, str]) -> str:
    name = names.get(_get_id(annotation, "category_id"), "")
    return choose_label(name, *list_attribute_values(annotation.get("attributes")))


def _read_track(
    row: int, annotation: dict, videos: dict[str, dict], names: dict[str, str]
) -> Iterator[Face | RejectedRow]:
    video = videos.get(_get_id(annotation, "video_id"))
    boxes = annotation["bboxes"]
    if video is None or not isinstance(boxes, list):
        raise ValueError("bboxes: expected a list and the video_id of one of `videos`")
    files = video.get("file_names")
    name = _name_video(video) if "name" in video or "file_name" in video else ""
    for index, box in enumerate(boxes):
        if box is None:  # not in this frame
            continue
        try:
            frame_name = files[index] if _is_list_with(files, index) else None
            found = (name, index) if files is None else split_image_name(frame_name, name)
        except ValueError as error:
            yield RejectedRow(row, f"{error}; correct or remove the annotation", name)
            continue
        label = _find_label(annotation, names)
        face = _get_id(annotation, "id")
        yield Face(row, *found, *parse_corner_and_size(box), label, face)


def _is_list_with(values: Any, index: int) -> bool:
    return isinstance(values, list) and index < len(values)
