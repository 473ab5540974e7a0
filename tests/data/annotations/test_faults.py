"""Numbers that can be read, and limits of what is read: each fault with its whole kind."""

import json
from pathlib import Path

import pytest

from data_set import write_csv
from deepfake_detector.data.annotations import reader
from deepfake_detector.data.annotations.fields import parse_frame
from deepfake_detector.data.annotations.importers import annotation_file, yolo
from deepfake_detector.data.annotations.reader import read_annotation_file, read_annotation_folder

OWN = ["video", "frame", "left", "top", "right", "bottom", "label"]
CSV_2020 = ["frame", "xmin", "xmax", "ymin", "ymax", "class_id"]
ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>'


def read(path):
    return read_annotation_file(path, {})


@pytest.mark.parametrize(
    ("value", "frame"),
    [("17.0", 17), (17.0, 17), (" 17 ", 17), ("17.", 17), ("+3", 3), ("-2", -2)],
)
def test_number_that_can_be_read_is_read(value, frame):
    assert parse_frame(value) == frame


@pytest.mark.parametrize(
    "value", ["17.5", "1_0", "1e3", "", None, True, "0:01.2", "9" * 400, 10**30, float("inf"), "x"]
)
def test_what_is_no_frame_number_is_rejected(value):
    with pytest.raises(ValueError, match="frame: expected a whole number"):
        parse_frame(value)


@pytest.mark.parametrize("ending", ["bmp", "PNG", "jpeg", "webp", "tiff", "jp2"])
def test_any_image_ending_names_a_frame(tmp_path, ending):
    write_csv(tmp_path / "a.csv", CSV_2020, [(f"my_clip_00017.{ending}", 10, 40, 20, 60, 1)])
    face = read(tmp_path / "a.csv").faces.iloc[0]
    assert (face["name"], face["frame"]) == ("my_clip", 16)


def test_frames_as_floating_point_numbers_are_read(tmp_path):
    write_csv(tmp_path / "a.csv", OWN, [("a.mp4", f"{n}.0", 1, 2, 31, 42, "real") for n in (0, 1)])
    assert read(tmp_path / "a.csv").faces["frame"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("row", "name", "frame"),
    [
        (("a.mp4", "0:01.2", 1, 2, 31, 42, "real"), "a.mp4", None),
        (("a.mp4", "5"), "a.mp4", None),
        (("", "5", 1, 2, 31, 42, "real"), "", None),
    ],
)
def test_rejected_row_says_where_its_face_may_be(tmp_path, row, name, frame):
    write_csv(tmp_path / "a.csv", OWN, [row])
    (lost,) = read(tmp_path / "a.csv").lost
    assert (lost.row, lost.name, lost.frame) == (2, name, frame)


def test_number_of_400_digits_is_a_box_for_the_checks_to_reject(tmp_path):
    entry = {"Labeled Data": "a.mp4", "Frame": "1"}
    face = {"geometry": [10**400, 1, 1, 1], "attributes": {"0": "Real"}}
    (tmp_path / "a.json").write_text(json.dumps([{**entry, "Label": {"0": face}}]))
    faces = read(tmp_path / "a.json").faces
    assert faces["left"].isna().tolist() == [True]
    assert faces["label"].tolist() == ["real"]


@pytest.mark.parametrize("digits", [400, 5000])
def test_frame_number_of_many_digits_rejects_its_entry_or_file(tmp_path, digits):
    text = '[{"Labeled Data": "a.mp4", "Frame": ' + "9" * digits + ', "Label": {}}]'
    (tmp_path / "a.json").write_text(text)
    found = read_annotation_folder(tmp_path, {})
    (rejection,) = found.rejections
    assert len(rejection.reason) < 300
    assert bool(found.unreadable) == (digits == 5000)  # Python reads none of over 4,300


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 2000 + "]" * 2000,
        '{"a":' * 100_000,
        '[{"Labeled Data": "a.mp4", "Frame": 1, "Label": ' + "[" * 900 + "]" * 900 + "}]",
        "<annotations>" + "<track>" * 100_000,
        f"{ENTITIES}<annotations>&c;</annotations>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotations/>',
        "video,frame,left,top,right,bottom,label\na.mp4,0,1,2,3,4," + "x" * 200_000 + "\n",
        '"' * 200_001,
    ],
)
def test_text_without_bounds_is_rejected_in_one_line(tmp_path, text):
    (tmp_path / "file").write_text(text)
    found = read_annotation_folder(tmp_path, {})
    assert found.rejections
    assert all(len(rejection.reason) < 500 for rejection in found.rejections)
    assert len(found.faces) == 0


def test_file_that_is_too_large_is_rejected_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(annotation_file, "MAX_BYTES", 10 << 20)
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate((10 << 20) + 1)
    with pytest.raises(ValueError, match="over 10 MB; split it into several files"):
        read(tmp_path / "a.csv")


def test_file_with_too_many_faces_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_FACES", 20)
    monkeypatch.setattr(reader, "_FACES_AT_ONCE", 10)
    rows = [("a.mp4", n, 1, 2, 31, 42, "real") for n in range(21)]
    write_csv(tmp_path / "a.csv", OWN, rows)
    with pytest.raises(ValueError, match="over 20 faces"):
        read(tmp_path / "a.csv")


def test_keyframes_hours_apart_leave_their_video_out(tmp_path):
    box = '<box frame="{}" outside="0" xtl="1" ytl="2" xbr="31" ybr="42"/>'
    boxes = box.format(0) + box.format(99_000_000)
    (tmp_path / "clip.xml").write_text(
        f'<annotations><track id="0" label="real">{boxes}</track></annotations>'
    )
    (lost,) = read(tmp_path / "clip.xml").lost
    assert (lost.name, lost.frame) == ("clip", None)


def test_halves_of_characters_can_be_written(tmp_path):
    entry = {"Labeled Data": "a\ud800.mp4", "Frame": "1", "Label": {"\ud800": {"geometry": []}}}
    entry["Label"]["\ud800"]["attributes"] = {"0": "\udfff"}
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    assert read(tmp_path / "a.json").faces.to_csv().encode()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("train: " + "[" * 2000, "data.yaml: over 100 lists"),
        ("names: 3", "data.yaml: expected `names` with a name for each class"),
        ("names: {0: [", "data.yaml: not valid YAML"),
        ("#" * 70_000, "data.yaml: too large for a list of classes"),
        (b"\xff\xfe", "data.yaml: not UTF-8 text"),
        (None, "YOLO labels without data.yaml, which says what class 0 is"),
    ],
)
def test_labels_of_yolo_without_usable_names_are_unreadable_and_the_names_read_once(
    tmp_path, names, reason, monkeypatch
):
    for frame in (1, 2, 3):
        (tmp_path / f"a_{frame}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    if names is not None:
        content = names if isinstance(names, bytes) else names.encode()
        (tmp_path / "data.yaml").write_bytes(content)
    parsed = []
    parse = yolo._parse_classes
    monkeypatch.setattr(yolo, "_parse_classes", lambda path: parsed.append(path) or parse(path))
    found = read_annotation_folder(tmp_path, {})
    reasons = {Path(rejection.file).name: rejection.reason for rejection in found.rejections}
    assert all(reasons[f"a_{frame}.txt"].startswith(reason) for frame in (1, 2, 3))
    assert set(found.unreadable) == {rejection.file for rejection in found.rejections}
    assert len(parsed) == (names is not None)
