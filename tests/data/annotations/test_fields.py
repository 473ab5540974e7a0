from typing import get_args

import pytest

from deepfake_detector.config.schema import CsvField
from deepfake_detector.data.annotations.fields import (
    choose_label,
    guess_video,
    list_attribute_values,
    split_image_name,
    url_to_name,
)
from deepfake_detector.data.annotations.importers.csv_formats import CSV_FIELDS


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("my_clip_00017.jpg", ("my_clip", 16)),
        ("my-clip-00017.webp", ("my-clip", 16)),
        ("images/train/clip.v2_3.png", ("clip.v2", 2)),
        ("C:\\work\\clip_3.png", ("clip", 2)),
        ("clip_7/frame_000017.png", ("clip_7", 17)),
        ("clip_7/images/00017.jpg", ("clip_7", 17)),
        ("clip_00017_jpg.rf.0a1b2c3d4e5f.jpg", ("clip", 16)),  # Roboflow's
        ("clip_00017", ("clip", 16)),
        ("../../clip_00017.jpg", ("../../clip", 16)),  # climbing stays visible
    ],
)
def test_name_of_an_image_tells_video_and_frame(image, expected):
    assert split_image_name(image) == expected


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("frame_000017.png", "'frame_000017.png' names no video; put it into a folder"),
        ("labels/train/00017.txt", "names no video"),
        ("clip.jpg", "expected a name like NAME_00017.jpg, got 'clip.jpg'"),
        (None, "expected a name like NAME_00017.jpg"),
        ("clip_" + "9" * 20 + ".jpg", "expected a name like NAME_00017.jpg"),
    ],
)
def test_name_without_video_or_frame_is_rejected(image, reason):
    with pytest.raises(ValueError, match=reason):
        split_image_name(image)


def test_video_of_an_image_without_a_frame_is_what_its_name_begins_with():
    assert guess_video("a/clip.jpg") == "clip"
    assert guess_video("clip_" + "9" * 20 + ".jpg") == "clip"
    assert guess_video("frame_000017.png") == ""


@pytest.mark.parametrize(
    ("values", "label"),
    [
        (["REAL"], "real"),
        (["face", "Fake"], "fake"),
        (["Fake", "fake"], "fake"),
        (["Real", "Fake"], "real and fake"),  # for the checks to reject
        (["face", "Unsure"], "face"),
        ([None, ""], ""),
    ],
)
def test_label_is_the_one_value_that_says_real_or_fake(values, label):
    assert choose_label(*values) == label


def test_attributes_are_values_and_ticked_boxes():
    attributes = {
        "kind": "Fake",
        "boxes": {"a": True, "b": False},
        "c": "true",
        "d": ["x"],
        "e": 3,
    }
    assert list_attribute_values(attributes) == ["Fake", "a", "c", "x"]


def test_local_files_of_label_studio_are_named_in_the_query():
    assert url_to_name("/data/local-files/?d=videos/my%20clip.mp4") == "my clip.mp4"


def test_params_may_name_the_column_of_every_field():
    assert set(get_args(CsvField)) == set(CSV_FIELDS)
