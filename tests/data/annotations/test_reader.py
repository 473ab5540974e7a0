import json
import math

import pytest
from tests.data_set import write_clay, write_csv

from deepfake_detector.data.annotations.reader import (
    read_annotation_folder,
    read_annotations,
)

URL = "https://example.org/s/0a1b/clip_7.mp4"


def read_faces(path):
    """Read a file without rejections; return its faces as tuples without unit and file."""
    faces, rejections = read_annotations(path)
    assert rejections == []
    return [row[:9] for row in faces.itertuples(index=False, name=None)]


def read_reasons(path):
    return {rejection.row: rejection.reason for rejection in read_annotations(path)[1]}


def test_clay_geometry_is_corner_and_size_and_frames_count_from_one(tmp_path):
    faces = [([10, 20, 30, 40.5], {"explicit": "", "0": "Real"}), ([1, 2, 3, 4], {"1": "Fake"})]
    write_clay(tmp_path / "export.json", [(URL, 17, faces), (URL, 18, [])])
    assert read_faces(tmp_path / "export.json") == [
        (1, "clip_7.mp4", 16, 10.0, 20.0, 40.0, 60.5, "real", "0"),
        (1, "clip_7.mp4", 16, 1.0, 2.0, 4.0, 6.0, "fake", "1"),
    ]


def test_csv_of_2020_has_both_x_before_both_y(tmp_path):
    columns = ["frame", "xmin", "xmax", "ymin", "ymax", "class_id"]
    rows = [("my_clip_00001.jpg", 10, 40, 20, 60, 1), ("my_clip_00017.jpg", 1, 4, 2, 6, 2)]
    write_csv(tmp_path / "old.csv", columns, rows)
    assert read_faces(tmp_path / "old.csv") == [
        (2, "my_clip", 0, 10.0, 20.0, 40.0, 60.0, "real", ""),
        (3, "my_clip", 16, 1.0, 2.0, 4.0, 6.0, "fake", ""),
    ]


def test_columns_are_found_by_name_not_by_place(tmp_path):
    columns = ["class_id", "ymax", "ymin", "xmax", "xmin", "frame"]
    write_csv(tmp_path / "old.csv", columns, [(1, 60, 20, 40, 10, "a_00002.jpg")])
    assert read_faces(tmp_path / "old.csv") == [(2, "a", 1, 10.0, 20.0, 40.0, 60.0, "real", "")]


def test_own_form_counts_from_zero_and_may_name_faces(tmp_path):
    columns = ["video", "frame", "left", "top", "right", "bottom", "label", "face"]
    write_csv(tmp_path / "own.csv", columns, [("a.mp4", 0, 1, 2, 3, 4, "Fake", "left man")])
    assert read_faces(tmp_path / "own.csv") == [
        (2, "a.mp4", 0, 1.0, 2.0, 3.0, 4.0, "fake", "left man")
    ]


def test_format_is_recognised_from_content_not_from_the_ending(tmp_path):
    write_clay(tmp_path / "export.csv", [(URL, 1, [([1, 2, 3, 4], {"0": "Real"})])])
    (tmp_path / "export.csv").write_bytes(
        b"\xef\xbb\xbf \n" + (tmp_path / "export.csv").read_bytes()  # with a byte-order mark
    )
    assert len(read_faces(tmp_path / "export.csv")) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/a%20b/my%20clip.mp4?token=1#t", "my clip.mp4"),
        ("clip.mp4", "clip.mp4"),
        ("https://example.org/..%2F..%2Fclip.mp4", "/../../clip.mp4"),
        ("../clip.mp4", "../clip.mp4"),
    ],
)
def test_video_is_named_by_the_end_of_its_address_and_climbing_stays_visible(tmp_path, url, name):
    write_clay(tmp_path / "export.json", [(url, 1, [([1, 2, 3, 4], {"0": "Real"})])])
    assert read_faces(tmp_path / "export.json")[0][1] == name


def test_number_that_cannot_be_read_is_nan_for_the_checks_to_reject(tmp_path):
    geometries = [[math.nan, 2, 3, 4], [1, 2, 3], ["x", 2, 3, 4], None, [1, 2, math.inf, 4]]
    faces = [(geometry, {"0": "Real"}) for geometry in geometries]
    write_clay(tmp_path / "export.json", [(URL, 1, faces)])
    found = read_faces(tmp_path / "export.json")
    assert len(found) == 5
    assert all(any(math.isnan(side) for side in face[3:7]) for face in found)


def test_label_that_is_not_known_is_kept_for_the_checks_to_reject(tmp_path):
    labels = [{"0": "Unsure"}, {"explicit": "yes"}, {}, {"0": "", "1": "FAKE"}]
    faces = [([1, 2, 3, 4], attributes) for attributes in labels]
    write_clay(tmp_path / "export.json", [(URL, 1, faces)])
    assert [face[7] for face in read_faces(tmp_path / "export.json")] == ["Unsure", "", "", "fake"]


def test_entries_without_video_or_frame_are_rejected_by_their_number(tmp_path):
    good = {"Labeled Data": URL, "Frame": 1, "Label": {}}
    entries = [
        good,
        {"Labeled Data": URL, "Label": {}},
        good | {"Frame": "first"},
        good | {"Label": "Skip"},
        "entry",
    ]
    (tmp_path / "export.json").write_text(json.dumps(entries))
    assert read_reasons(tmp_path / "export.json") == {
        2: "key 'Frame' is missing; correct or remove the entry",
        3: "frame: expected a whole number, got 'first'; correct or remove the entry",
        4: "Label: expected a key for each face, got 'Skip'; correct or remove the entry",
        5: "expected an object, got 'entry'; correct or remove the entry",
    }


def test_rows_without_frame_are_rejected_by_their_line(tmp_path):
    text = "frame,xmin,xmax,ymin,ymax,class_id\nclip.jpg,1,2,3,4,1\n\na_00001.jpg,1,2,3,4,1\n_\n"
    (tmp_path / "old.csv").write_text(text)
    reasons = read_reasons(tmp_path / "old.csv")
    assert list(reasons) == [2, 5]
    assert reasons[2].startswith("frame: expected a name like NAME_00017.jpg, got 'clip.jpg'")


@pytest.mark.parametrize("text", ["[]", "frame,xmin,xmax,ymin,ymax,class_id\n"])
def test_empty_list_is_named(tmp_path, text):
    (tmp_path / "none").write_text(text)
    reason = "no annotation in it (an empty list); annotate, or remove the file"
    assert read_reasons(tmp_path / "none") == {None: reason}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[{"Labeled', "not valid JSON"),
        (b'{"images": []}', "not a known format: json object with images; expected that of CVAT"),
        (b"[3]x", "more text after its end, place 3"),
        (b"[1 2]", "expected , or ] at place 3"),
        (b'{"a": 1, 2: 3}', "no key at place"),
        (b"<annotations><b></annotations>", "not valid XML"),
        (b"<html/>", "not a known format: xml with html"),
        (b"frame;xmin;xmax\n1;2;3\n", "not a known format: expected .*; got 'frame,xmin,xmax'"),
        (b"", "not a known format"),
        (b"\xff\xfe\x00\x01", "not UTF-8 text"),
    ],
)
def test_file_that_cannot_be_read_says_why(tmp_path, content, reason):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_annotations(tmp_path / "file")


def test_folder_gives_all_files_also_in_folders_and_names_the_unreadable(tmp_path):
    write_clay(tmp_path / "a.json", [(URL, 1, [([1, 2, 3, 4], {"0": "Real"})])])
    (tmp_path / "b.json").write_text("[")
    (tmp_path / "c/deep").mkdir(parents=True)
    write_clay(tmp_path / "c/deep/d.json", [(URL, 2, [([1, 2, 3, 4], {"0": "Real"})])])
    (tmp_path / "c/image.jpg").write_bytes(b"\xff\xd8")  # exports bring their images along
    (tmp_path / ".hidden").write_text("[")
    found = read_annotation_folder(tmp_path, {})
    names = ("a.json", "c/deep/d.json")
    assert found.faces["file"].tolist() == [(tmp_path / name).as_posix() for name in names]
    assert found.unreadable == [(tmp_path / "b.json").as_posix()]
    assert [rejection.file for rejection in found.rejections] == found.unreadable


def test_missing_folder_has_no_annotations(tmp_path):
    assert len(read_annotation_folder(tmp_path / "none", {}).faces) == 0
