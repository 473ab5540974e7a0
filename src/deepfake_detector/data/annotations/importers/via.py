"""VGG Image Annotator (VIA) 1 and 2: project, JSON and CSV.

https://www.robots.ox.ac.uk/~vgg/software/via/docs/face_track_annotation.html and
.../via-2.x.y/CodeDoc.md: images with `regions`, each with `shape_attributes` (`rect`: x, y, width,
height in px) and `region_attributes`. VIA 3 tells the time in seconds, not frames: rejected.
"""

import csv
import json
from collections.abc import Iterator
from typing import Any

from deepfake_detector.data.annotations.fields import (
    EMPTY,
    Face,
    RejectedRow,
    bound_points,
    choose_label,
    clean_text,
    expect_keys,
    guess_video,
    list_attribute_values,
    parse_corner_and_size,
    parse_number,
    split_image_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import (
    AnnotationFile,
    walk_values,
)

_CSV = ("file_attributes", "region_count", "region_shape_attributes", "region_attributes")
_METADATA = "_via_img_metadata"


def is_via(file: AnnotationFile) -> bool:
    """Tell whether this is JSON of VIA."""
    if file.kind != "json object":
        return False
    if _METADATA in file.keys or {"metadata", "view", "file"} <= file.keys:
        return True
    return any(
        file.text.startswith("{", start) and '"regions"' in file.text[start : start + 4000]
        for start in list(file.starts.values())[:5]
    )


def read_via(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read such JSON; a row is the number of a region."""
    if _METADATA in file.keys:
        images = walk_values(file, _METADATA)
    elif "view" in file.keys:
        raise ValueError("VIA 3 tells times in seconds, not frames; annotate frames with VIA 2")
    else:
        images = (json.JSONDecoder().raw_decode(file.text, s)[0] for s in file.starts.values())
    row = 0
    for image in images:
        try:
            regions = expect_keys(image, ("filename", "regions"))["regions"]
            regions = list(regions.values()) if isinstance(regions, dict) else regions
            if not isinstance(regions, list):
                raise ValueError("regions: expected a list")
        except ValueError as error:
            row += 1
            name = guess_video(image.get("filename")) if isinstance(image, dict) else ""
            yield RejectedRow(row, f"{error}; correct or remove the image", name)
            continue
        for region in regions:
            row += 1
            region = region if isinstance(region, dict) else {}
            shape, attributes = region.get("shape_attributes"), region.get("region_attributes")
            yield _read_region(row, image["filename"], shape, attributes)
    if row == 0:
        yield EMPTY


def is_via_csv(file: AnnotationFile) -> bool:
    """Tell whether this is CSV of VIA."""
    return file.kind == "text" and all(column in file.text[:200] for column in _CSV)


def read_via_csv(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read such CSV; a row is its line."""
    lines = csv.reader(file.text.splitlines(keepends=True))
    columns = [column.strip().lstrip("#") for column in next(lines)]
    count = 0
    for cells in lines:
        if not cells:
            continue
        count += 1
        row = dict(zip(columns, cells, strict=False))
        if row.get("region_count", "").strip() == "0":  # an image without a region
            continue
        try:
            shape, attributes = (
                json.loads(expect_keys(row, [column])[column]) for column in _CSV[2:]
            )
        except (ValueError, RecursionError) as error:
            reason = f"not a row of VIA ({str(error)[:80]}); correct or remove the row"
            yield RejectedRow(lines.line_num, reason, *_find_frame(row.get("filename")))
            continue
        yield _read_region(lines.line_num, row.get("filename"), shape, attributes)
    if count == 0:
        yield EMPTY


def _find_frame(image: Any) -> tuple[str, int | None]:
    try:
        return split_image_name(image)
    except ValueError:
        return guess_video(image), None


def _read_region(row: int, image: Any, shape: Any, attributes: Any) -> Face | RejectedRow:
    name, frame = _find_frame(image)
    try:
        name, frame = split_image_name(image)
        box = _parse_shape(shape if isinstance(shape, dict) else {})
    except ValueError as error:
        return RejectedRow(row, f"{error}; correct or remove the region", name, frame)
    label = choose_label(*list_attribute_values(attributes))
    keys = attributes if isinstance(attributes, dict) else {}
    key = next((keys[key] for key in ("track_id", "face", "id") if key in keys), "")
    return Face(row, name, frame, *box, label, clean_text(key))


def _parse_shape(shape: dict) -> tuple[float, float, float, float]:
    kind = shape.get("name")
    if kind == "rect":
        return parse_corner_and_size([shape.get(key) for key in ("x", "y", "width", "height")])
    if kind in ("polygon", "polyline"):
        return bound_points(shape.get("all_points_x"), shape.get("all_points_y"))
    if kind in ("circle", "ellipse"):
        x, y = parse_number(shape.get("cx")), parse_number(shape.get("cy"))
        rx = parse_number(shape.get("rx", shape.get("r")))
        ry = parse_number(shape.get("ry", shape.get("r")))
        return x - rx, y - ry, x + rx, y + ry
    raise ValueError(f"{clean_text(kind)[:40] or 'no shape'}: expected a rect")
