"""Clay Sciences export, JSON: a list of frames, one key a face.

`{"Labeled Data": ".../NAME.mp4", "Frame": "17", "Label": {key: {"geometry": [x, y, width, height]
in px, "attributes": {"0" or "1": "Real" or "Fake"}}}}`; frames from 1.
"""

from collections.abc import Iterator

from deepfake_detector.data.annotations.fields import (
    EMPTY,
    Face,
    RejectedRow,
    choose_label,
    clean_text,
    expect_keys,
    list_attribute_values,
    parse_corner_and_size,
    parse_frame,
    url_to_name,
)
from deepfake_detector.data.annotations.importers.annotation_file import (
    AnnotationFile,
    walk_values,
)


def is_clay(file: AnnotationFile) -> bool:
    """Tell whether this is such an export; an empty list and one of other things count as one."""
    return file.kind == "json list"


def read_clay(file: AnnotationFile) -> Iterator[Face | RejectedRow]:
    """Read such an export; a row is the number of an entry."""
    row = 0
    for row, entry in enumerate(walk_values(file), start=1):
        name, frame = "", None
        try:
            if isinstance(entry, dict) and "Labeled Data" in entry:
                name = url_to_name(entry["Labeled Data"])
            expect_keys(entry, ("Labeled Data", "Frame", "Label"))
            frame = parse_frame(entry["Frame"]) - 1
            if not isinstance(entry["Label"], dict):
                raise ValueError(
                    f"Label: expected a key for each face, got {clean_text(entry['Label'])!r:.40}"
                )
        except ValueError as error:
            yield RejectedRow(row, f"{error}; correct or remove the entry", name, frame)
            continue
        for key, face in entry["Label"].items():
            face = face if isinstance(face, dict) else {}
            box = parse_corner_and_size(face.get("geometry"))
            label = choose_label(*_list_labels(face.get("attributes")))
            yield Face(row, name, frame, *box, label, clean_text(key))
    if row == 0:
        yield EMPTY


def _list_labels(attributes) -> list[str]:
    if not isinstance(attributes, dict):
        return []
    return list_attribute_values({key: attributes.get(key) for key in ("0", "1")})
