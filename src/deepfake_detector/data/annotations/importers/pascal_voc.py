"""Pascal VOC XML: one file an image, boxes in px as they are written.

http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/index.html. VOC itself counts pixels from
1, today's tools from 0: numbers are taken as they are, at most a pixel off. Video and frame are in
`filename` (`folder` where that is `frame_000017.jpg`).
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from deepfake_detector.data.annotations.fields import (
    Face,
    RejectedRow,
    bound_points,
    choose_label,
    clean_text,
    guess_video,
    parse_number,
    split_image_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import AnnotationFile, walk_xml


def is_pascal_voc(file: AnnotationFile) -> bool:
    """Tell whether this is XML of Pascal VOC."""
    return file.kind == "xml" and "annotation" in file.keys


def read_pascal_voc(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read the faces of one image, which may have none; a row is the number of an `object`."""
    root = None
    for _, element in walk_xml(file.text):
        root = element if root is None else root
    image = clean_text(root.findtext("filename")) or file.path.stem
    if "/" not in image:
        image = f"{clean_text(root.findtext('folder'))}/{image}"
    problem = None
    try:
        video, frame = split_image_name(image)
    except ValueError as error:
        video, frame, problem = guess_video(image), None, error
    for row, found in enumerate(root.findall("object"), start=1):
        if problem:
            yield RejectedRow(row, f"{problem}; correct filename", video, frame)
            continue
        attributes = _list_attributes(found)
        label = choose_label(found.findtext("name"), *attributes.values())
        yield Face(row, video, frame, *_parse_box(found), label, attributes.get("track_id", ""))


def _list_attributes(found: Element) -> dict[str, str]:
    """List what CVAT writes under `attributes`."""
    return {
        clean_text(attribute.findtext("name")): clean_text(attribute.findtext("value"))
        for attribute in found.iterfind("attributes/attribute")
    }


def _parse_box(found: Element) -> tuple[float, float, float, float]:
    box = found.find("bndbox")
    if box is not None:
        return tuple(
            parse_number(clean_text(box.findtext(side)))
            for side in ("xmin", "ymin", "xmax", "ymax")
        )
    points = found.findall("polygon/pt")  # of LabelMe
    return bound_points(
        [clean_text(point.findtext("x")) for point in points],
        [clean_text(point.findtext("y")) for point in points],
    )
