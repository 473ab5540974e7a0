"""What must hold of the data: the checks of each table, in the order in which a row is judged by
them.

A row is rejected for the first check it fails. Great Expectations runs them (`expectations`).
"""

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.config.schema import ValidateParams
from deepfake_detector.data.validation.gx_runner import Check


def make_video_checks() -> list[Check]:
    """Make the checks of files in `data/videos`, by their `problem` and `same_content`."""
    return [
        _check_missing("problem", "video decodes from its first to its last frame", "{problem}"),
        _check_missing(
            "same_content",
            "no two files have the same content",
            "the same content as {same_content}; remove one of them",
        ),
    ]


def make_annotation_checks(params: ValidateParams) -> list[Check]:
    """Make the checks of faces; the columns are those of `make_annotation_table`.

    A face that is rejected hides its frame, but where the frame is not there or the face is given
    a second time.
    """
    label = Check(
        "label is real or fake",
        "ExpectColumnValuesToBeInSet",
        {"column": "label", "value_set": list(FACE_LABELS)},
        "label {label!r}: expected real or fake; correct it",
        hides_face=True,
    )
    return [label, *_make_box_checks(), *_make_frame_checks(), *_make_size_checks(params)]


def _make_box_checks() -> list[Check]:
    numbers = [
        Check(
            f"{side} is a number",
            "ExpectColumnValuesToNotBeNull",
            {"column": side},
            f"{side} is not a number; correct the box",
            hides_face=True,
        )
        for side in BOX
    ]
    sides = [("left", "right"), ("top", "bottom")]
    inside_out = [
        _check_order(
            low, high, True, f"box is not inside out: {low} not past {high}", "inside out"
        )
        for low, high in sides
    ]
    without_area = [
        _check_order(low, high, False, f"box has an area: {low} before {high}", "without area")
        for low, high in sides
    ]
    return numbers + inside_out + without_area


def _make_frame_checks() -> list[Check]:
    return [
        Check(
            "frame is not before the first",
            "ExpectColumnValuesToBeBetween",
            {"column": "frame", "min_value": 0},
            "frame {frame} (counted from 0) does not exist; {advice}",
        ),
        Check(
            "frame is not past the last",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "frames", "column_B": "frame"},
            "frame {frame} (counted from 0) does not exist: the video has {frames}; {advice}",
        ),
    ]


def _make_size_checks(params: ValidateParams) -> list[Check]:
    smallest = params.min_face_px
    outside = Check(
        "box lies inside the frame, at least mostly",
        "ExpectColumnValuesToBeBetween",
        {"column": "outside_fraction", "max_value": params.max_outside_fraction},
        "{outside_fraction:.0%} of the box is outside the {width_px}x{height_px} px frame; "
        "correct it",
        hides_face=True,
    )
    sizes = [
        Check(
            f"face has the smallest {side}",
            "ExpectColumnValuesToBeBetween",
            {"column": f"face_{side}_px", "min_value": smallest},
            f"{side} of the face is {{face_{side}_px:.3g}} px, under validate.min_face_px = "
            f"{smallest}; {{size_advice}}",
            hides_face=True,
        )
        for side in ("width", "height")
    ]
    same = [
        _check_missing(
            "other_label",
            "a face has one label",
            "the same face has another label in {other_label}; remove one of them",
            hides_face=True,
        ),
        _check_missing(
            "same_face", "a face is given once", "the same face as {same_face}; remove one of them"
        ),
    ]
    return [outside, *sizes, *same]


def make_coverage_checks(params: ValidateParams) -> list[Check]:
    """Make the checks of what is left of each video's annotations."""
    fewest = params.min_kept_faces
    return [
        Check(
            "of an annotated video enough annotations can be used",
            "ExpectColumnValuesToBeBetween",
            {"column": "kept_of_annotated", "min_value": fewest},
            "{kept_of_annotated:.0f} of its {annotated} annotations can be used, under "
            f"validate.min_kept_faces = {fewest}; correct the others, which are listed here",
        ),
        _check_missing(
            "lost",
            "every annotation of a video names a frame",
            "{lost} names no frame of it, so a face may be in any; correct that row",
        ),
        _check_missing(
            "doubt",
            "a video without annotation is known to show no face",
            "it has no annotation, and {doubt} could not be read whole; correct or remove that",
        ),
    ]


def make_data_set_checks(leaks: list[str], params: ValidateParams) -> list[Check]:
    """Make the checks of all accepted videos together; a reason says what to do."""
    labels = [
        Check(
            f"there are enough {label} faces",
            "ExpectColumnSumToBeBetween",
            {"column": label, "min_value": params.min_faces_per_label},
            f"fewer than {params.min_faces_per_label} usable faces are labelled {label} "
            f"(validate.min_faces_per_label): annotate videos with {label} faces",
        )
        for label in FACE_LABELS
    ]
    groups = params.min_unrelated_groups
    components = Check(
        "train, validation and test can be filled",
        "ExpectColumnUniqueValueCountToBeBetween",
        {"column": "component", "min_value": groups},
        f"fewer than {groups} groups of videos are unrelated (by source and identity; "
        "validate.min_unrelated_groups), too few for train, validation and test: add videos of "
        "other people",
    )
    pins = Check(
        "no source or identity is pinned to two splits",
        "ExpectColumnValuesToBeBetween",
        {"column": "pinned_splits", "max_value": 1},
        f"{'; '.join(leaks)}: correct `split` in data/videos.csv",
    )
    some = Check(
        "there are enough usable videos",
        "ExpectTableRowCountToBeBetween",
        {"min_value": params.min_videos},
        f"fewer than {params.min_videos} videos can be used (validate.min_videos): correct what "
        "rejected.csv says, or put videos into data/videos",
    )
    return [some, *labels, components, pins]


def _check_missing(column: str, name: str, reason: str, hides_face: bool = False) -> Check:
    return Check(name, "ExpectColumnValuesToBeNull", {"column": column}, reason, hides_face)


def _check_order(low: str, high: str, or_equal: bool, name: str, flaw: str) -> Check:
    settings = {
        "column_A": high,
        "column_B": low,
        "or_equal": or_equal,
        "ignore_row_if": "either_value_is_missing",
    }
    return Check(
        name,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        settings,
        f"box is {flaw} ({low} {{{low}:g}}, {high} {{{high}:g}}); correct it",
        hides_face=True,
    )
