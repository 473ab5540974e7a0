import pandas as pd
import pytest

from deepfake_detector.data.validation.annotation_table import (
    find_named_videos,
    make_annotation_table,
    match_videos,
    propose_offset,
)

VIDEOS = pd.DataFrame(
    [("a.mp4", 100, 50, 10, 0), ("b.mp4", 200, 80, 10, -2)],
    columns=["video", "width_px", "height_px", "frames", "frame_offset"],
)


def make_faces(*rows):
    """Make faces from (name, frame, left, top, right, bottom, label)."""
    columns = ["name", "frame", "left", "top", "right", "bottom", "label"]
    faces = pd.DataFrame(rows, columns=columns)
    return faces.assign(file="x.csv", row=range(2, 2 + len(faces)), face="", unit="px")


def make_table(*rows):
    faces = make_faces(*rows)
    return make_annotation_table(faces.assign(video=faces["name"]), VIDEOS, 0.9)


@pytest.mark.parametrize(
    ("first", "last", "frames", "expected"),
    [
        (0, 9, 10, 0),
        (1, 10, 10, -1),  # counted from 1 by someone who thought it was 0
        (-1, 8, 10, 1),
        (7, 16, 10, -7),
        (0, 10, 10, None),  # one more than there are: no shift helps
        (1000, 1005, 10, None),  # rather another video
    ],
)
def test_offset_is_proposed_where_a_small_shift_makes_all_frames_exist(
    first, last, frames, expected
):
    assert propose_offset(first, last, frames) == expected


def test_box_is_clipped_and_what_lies_outside_is_measured():
    (row,) = make_table(("a.mp4", 0, 80, 10, 120, 30, "real")).to_dict("records")
    clipped = [row[f"clipped_{side}"] for side in ("left", "top", "right", "bottom")]
    assert clipped == [80, 10, 100, 30]
    assert row["outside_fraction"] == 0.5
    assert (row["face_width_px"], row["face_height_px"]) == (20, 20)


def test_box_without_area_has_no_share_outside():
    table = make_table(("a.mp4", 0, 80, 10, 80, 30, "real"), ("a.mp4", 1, 80, 10, 70, 30, "real"))
    assert table["outside_fraction"].isna().all()


def test_frames_are_moved_by_the_offset_of_their_video():
    table = make_table(("a.mp4", 4, 0, 0, 9, 9, "real"), ("b.mp4", 4, 0, 0, 9, 9, "real"))
    assert table["frame"].tolist() == [4, 2]


def test_advice_adds_to_the_offset_that_is_there():
    table = make_table(("b.mp4", 13, 0, 0, 9, 9, "real"))  # frame 11 of 0-9
    assert table["advice"][0].startswith("frame_offset -4 for b.mp4")


def test_same_box_again_names_the_first_and_another_label_names_both():
    table = make_table(
        ("a.mp4", 0, 10, 10, 30, 30, "real"),
        ("a.mp4", 0, 10, 10, 30, 30.5, "real"),  # overlap 400 / 410
        ("a.mp4", 1, 10, 10, 30, 30, "real"),
        ("a.mp4", 1, 10, 10, 30, 30, "fake"),
        ("a.mp4", 2, 10, 10, 30, 30, "real"),
        ("a.mp4", 2, 10, 10, 30, 35, "fake"),  # overlap 400 / 500: two faces
        ("a.mp4", 3, 10, 10, 30, 30, "real"),
        ("b.mp4", 5, 10, 10, 30, 30, "real"),  # frame 3 of another video
    )
    assert table["same_face"].dropna().to_dict() == {1: "x.csv row 2"}
    assert table["other_label"].dropna().to_dict() == {2: "x.csv row 5", 3: "x.csv row 4"}


def test_no_faces_are_no_candidates():
    assert len(make_table()) == 0


def test_faces_of_lost_videos_are_rejected_once_for_each_name():
    faces = make_faces(
        ("a", 0, 0, 0, 9, 9, "real"),
        ("c.mp4", 0, 0, 0, 9, 9, "real"),
        ("c.mp4", 1, 0, 0, 9, 9, "real"),
        ("b.mp4", 0, 0, 0, 9, 9, "real"),
    )
    named = find_named_videos(faces["name"], ["a.mp4", "b.mp4"])
    kept, rejections = match_videos(faces, named, accepted={"a.mp4"})
    assert kept["video"].tolist() == ["a.mp4"]
    assert [(rejection.row, rejection.reason) for rejection in rejections] == [
        (5, "its video b.mp4 is rejected; correct that first (faces left out: 1)"),
        (3, "there is no video 'c.mp4' in data/videos; copy it there (faces left out: 2)"),
    ]


def test_a_box_like_fractions_of_the_frame_is_told_so():
    table = make_table(
        ("a.mp4", 0, 0.2, 0.1, 0.6, 0.5, "real"), ("a.mp4", 1, 20, 10, 25, 15, "real")
    )
    assert "fractions of the frame, 0-1: write it in px" in table["size_advice"][0]
    assert table["size_advice"][1] == "lower that, or remove the row"
