"""The stage on data that is good, damaged in every known way, and of no use."""

import json
import logging
import math
import re
from dataclasses import replace

import pytest
from tests.data_set import FACE, DataSet, read_rows, write_clay, write_csv

import validate
from deepfake_detector.common.files import hash_file
from deepfake_detector.config.overrides import override_params
from deepfake_detector.data.validation import probing


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["validate.py", "--workers", "1"])
    return DataSet(tmp_path)


def read_result(data_set, name):
    return read_rows(data_set.folder / f"artifacts/validate/{name}.csv")


def find_reasons(data_set, ending):
    """Give the reasons for a file, by row."""
    rejected = read_result(data_set, "rejected")
    return {row["row"]: row["reason"] for row in rejected if row["file"].endswith(ending)}


def damage_videos(data_set):
    whole = data_set.add_clip("truncated.mp4", seed=100).read_bytes()
    (data_set.videos / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (data_set.videos / "empty.mp4").touch()
    (data_set.videos / "text.mp4").write_text("this is text\n" * 40)
    (data_set.videos / "folder").mkdir()
    (data_set.videos / "copy.mp4").write_bytes((data_set.videos / "p0_real.mp4").read_bytes())
    data_set.add_clip("no_face.mp4", seed=200)
    data_set.annotate("truncated.mp4", "real")


DAMAGED_ROWS = {
    ("nowhere.mp4", 0, 1, 1, 30, 30, "real"): "there is no video 'nowhere.mp4' in data/videos",
    ("../p0_real.mp4", 0, 1, 1, 30, 30, "real"): "unsafe video name '../p0_real.mp4'",
    ("p0_real.mp4", 0, 40, 8, 20, 40, "real"): "box is inside out (left 40, right 20)",
    ("p0_real.mp4", 1, 20, 40, 40, 8, "real"): "box is inside out (top 40, bottom 8)",
    ("p0_real.mp4", 1, 90, 8, 120, 40, "real"): "100% of the box is outside the 64x48 px frame",
    ("p0_real.mp4", 1, 54, 0, 94, 40, "real"): "75% of the box is outside the 64x48 px frame",
    ("p0_real.mp4", 2, 20, 8, 20, 40, "real"): "box is without area (left 20, right 20)",
    ("p0_real.mp4", 2, math.nan, 8, 20, 40, "real"): "left is not a number",
    ("p0_real.mp4", 2, 1, 8, "wide", 40, "real"): "right is not a number",
    ("p0_real.mp4", 3, 1, 1, 8, 30, "real"): "width of the face is 7 px, under",
    ("p0_real.mp4", 6, 1, 1, 30, 30, "real"): "frame 6 (counted from 0) does not exist: "
    "the video has 6; compare its frame numbers with the video",
    ("p0_fake.mp4", 99, 1, 1, 30, 30, "fake"): "the video has 6; compare its frame numbers",
    ("p0_fake.mp4", -1, 1, 1, 30, 30, "fake"): "frame -1 (counted from 0) does not exist",
    ("p0_fake.mp4", "first", 1, 1, 30, 30, "fake"): "frame: expected a whole number, got 'first'",
    ("p1_real.mp4", 4, 16.2, 8, 48, 40, "real"): "the same face as data/annotations/faces.csv row",
    ("p1_real.mp4", 5, 16, 8.3, 48, 40, "fake"): "the same face has another label in",
    ("p2_real.mp4", 0, 1, 1, 30, 30, "unsure"): "label 'unsure': expected real or fake",
}


def test_everything_damaged_is_named_and_everything_else_is_accepted(data_set, caplog):
    damage_videos(data_set)
    first_row = 2 + len(data_set.rows)
    data_set.rows += DAMAGED_ROWS
    data_set.write()
    (data_set.annotations / "empty.json").write_text("[]")
    with caplog.at_level(logging.INFO):
        validate.main()

    reasons = find_reasons(data_set, "faces.csv")
    for number, expected in enumerate(DAMAGED_ROWS.values(), start=first_row):
        assert expected in reasons.pop(str(number))
    assert "another label" in reasons.pop("19")  # the face that the damaged row contradicts
    assert reasons.pop("38") == (
        "its video truncated.mp4 is rejected; correct that first (faces left out: 6)"
    )
    assert reasons == {}
    assert "not a video, or cut off" in find_reasons(data_set, "truncated.mp4")[""]
    assert "empty file (0 bytes)" in find_reasons(data_set, "/empty.mp4")[""]
    assert "not a video" in find_reasons(data_set, "text.mp4")[""]
    assert "a folder; put the videos" in find_reasons(data_set, "folder")[""]
    assert find_reasons(data_set, "copy.mp4")[""].startswith("the same content as p0_real.mp4")
    assert "no annotation in it (an empty list)" in find_reasons(data_set, "empty.json")[""]
    assert "count as clips without a face: no_face.mp4" in caplog.text


def test_frames_whose_face_cannot_be_used_are_neither_faces_nor_background(data_set):
    data_set.rows += [
        ("p0_real.mp4", 1, 40, 8, 20, 40, "real"),
        ("p0_real.mp4", 2, 50, 40, 57, 47, "real"),  # too small, but a face all the same
        ("p1_real.mp4", 3, 54, 0, 94, 40, "real"),  # mostly outside, but seen in part
        ("p1_real.mp4", 4, *FACE, "real"),  # given twice: the first one stays
        ("p2_real.mp4", 0, 1, 1, 30, 30, "unsure"),
    ]
    data_set.write()
    validate.main()
    ignored_frames = read_result(data_set, "ignored_frames")
    assert ignored_frames == [
        {"video": "p0_real.mp4", "frame": "1"},
        {"video": "p0_real.mp4", "frame": "2"},
        {"video": "p1_real.mp4", "frame": "3"},
        {"video": "p2_real.mp4", "frame": "0"},
    ]


def test_row_without_a_frame_leaves_its_video_out_and_one_without_a_video_doubts_the_rest(
    data_set,
):
    data_set.add_clip("no_face.mp4", seed=50)
    data_set.rows.append(("p0_fake.mp4", "0:01.2", *FACE, "fake"))
    data_set.write()
    entry = {"Frame": "1", "Label": {}}
    (data_set.annotations / "clay.json").write_text(json.dumps([entry]))
    validate.main()
    assert find_reasons(data_set, "p0_fake.mp4")[""] == (
        "data/annotations/faces.csv row 38 names no frame of it, so a face may be in any; correct "
        "that row"
    )
    assert "clay.json could not be read whole" in find_reasons(data_set, "no_face.mp4")[""]
    for table in ("videos", "annotations"):
        videos = {row["video"] for row in read_result(data_set, table)}
        assert len(videos) == 5
        assert not videos & {"p0_fake.mp4", "no_face.mp4"}


def test_row_with_video_and_frame_that_is_rejected_leaves_that_frame_out(data_set):
    columns = ["video", "source", "frame_offset"]
    rows = [(*row, -1 if row[0] == "p0_real.mp4" else 0) for row in data_set.listed]
    data_set.rows = [row for row in data_set.rows if row[0] != "p0_real.mp4"]
    data_set.write()
    write_csv(data_set.folder / "data/videos.csv", columns, rows)
    box = {"bbox": [16, 8, 32, 32], "category_id": 1}
    coco = {
        "images": [
            {"id": 1, "file_name": "p0_real_00004.jpg"},
            {"id": 2, "file_name": "p0_real_00002.jpg"},
        ],
        "annotations": [box | {"image_id": 1, "iscrowd": 1}, box | {"image_id": 2}],
        "categories": [{"id": 1, "name": "real"}],
    }
    (data_set.annotations / "coco.json").write_text(json.dumps(coco))
    validate.main()
    assert read_result(data_set, "ignored_frames") == [{"video": "p0_real.mp4", "frame": "2"}]


def test_box_a_little_over_the_edge_is_clipped_and_counted(data_set, caplog):
    data_set.rows = [row for row in data_set.rows if row[:2] != ("p0_real.mp4", 0)]
    data_set.rows.append(("p0_real.mp4", 0, 30, -2, 70, 40, "real"))
    data_set.write()
    with caplog.at_level(logging.INFO):
        validate.main()
    first = next(
        row for row in read_result(data_set, "annotations") if row["video"] == "p0_real.mp4"
    )
    assert [float(first[side]) for side in ("left", "top", "right", "bottom")] == [30, 0, 64, 40]
    assert "1 boxes reached over the frame and were clipped" in caplog.text
    assert read_result(data_set, "rejected") == []


def test_video_whose_annotations_are_all_rejected_is_not_taken_for_one_without_faces(data_set):
    data_set.add_clip("lost.mp4", seed=50)
    data_set.rows.append(("lost.mp4", 77, 1, 1, 30, 30, "real"))
    data_set.write()
    validate.main()
    assert find_reasons(data_set, "lost.mp4")[""].startswith(
        "0 of its 1 annotations can be used, under validate.min_kept_faces = 1"
    )
    assert "lost.mp4" not in {row["video"] for row in read_result(data_set, "videos")}


def test_video_without_annotation_is_rejected_while_an_annotation_file_cannot_be_read(data_set):
    data_set.add_clip("who_knows.mp4", seed=50)
    (data_set.annotations / "broken.json").write_text('[{"Labeled Data": ')
    validate.main()
    assert "not valid JSON" in find_reasons(data_set, "broken.json")[""]
    reason = find_reasons(data_set, "who_knows.mp4")[""]
    assert reason.startswith("it has no annotation, and data/annotations/broken.json could not be")


def test_formats_may_be_mixed(data_set):
    data_set.rows = [row for row in data_set.rows if row[0] not in ("p0_real.mp4", "p1_fake.mp4")]
    data_set.write()
    geometry = [16, 8, 32, 32]
    write_clay(
        data_set.annotations / "clay.json",
        [
            ("https://x.org/a/p0_real.mp4?key=1", frame, [(geometry, {"0": "Real"})])
            for frame in range(1, 7)
        ],
    )
    write_csv(
        data_set.annotations / "old.csv",
        ["frame", "xmin", "xmax", "ymin", "ymax", "class_id"],
        [(f"p1_fake_{frame:05d}.jpg", 16, 48, 8, 40, 2) for frame in range(1, 7)],
    )
    validate.main()
    assert read_result(data_set, "rejected") == []
    rows = read_result(data_set, "annotations")
    assert len(rows) == 36
    for row in rows:
        assert [float(row[side]) for side in ("left", "top", "right", "bottom")] == [16, 8, 48, 40]
        assert row["label"] == row["video"].split("_")[1].removesuffix(".mp4")
    assert {row["frame"] for row in rows} == set("012345")


def test_frame_offset_moves_the_annotations_of_its_video(data_set):
    data_set.rows = [row for row in data_set.rows if row[0] != "p0_real.mp4"]
    data_set.rows += [("p0_real.mp4", frame, 16, 8, 48, 40, "real") for frame in (3, 8)]
    data_set.write()
    validate.main()
    (reason,) = find_reasons(data_set, "faces.csv").values()
    assert "frame_offset -3 for p0_real.mp4 in data/videos.csv would make all fit" in reason

    rows = [(*row, "-3" if row[0] == "p0_real.mp4" else "") for row in data_set.listed]
    path = data_set.folder / "data/videos.csv"
    write_csv(path, ["video", "source", "frame_offset"], rows)
    validate.main()
    assert read_result(data_set, "rejected") == []
    frames = [
        r["frame"] for r in read_result(data_set, "annotations") if r["video"] == "p0_real.mp4"
    ]
    assert frames == ["0", "5"]


def test_corrected_labels_count_and_the_annotations_stay_as_they_are(data_set, caplog):
    data_set.rows += [("p1_real.mp4", frame, 1, 1, 14, 14, "real") for frame in range(6)]
    data_set.write()
    before = (data_set.annotations / "faces.csv").read_bytes()
    write_csv(
        data_set.annotations / "labels.csv",
        ["video", "face", "first_frame", "last_frame", "corrected_label"],
        [
            ("p0_fake.mp4", "", 2, 3, "real"),
            ("p1_real.mp4", "1", 4, 99, "fake"),  # the second face of its frames
            ("p1_real.mp4", "1", 5, 5, "real"),  # the later row counts
            ("p2_real.mp4", "7", 0, 5, "fake"),
        ],
    )
    with caplog.at_level(logging.INFO):
        validate.main()
    changed = {
        (row["video"], row["frame"], row["face"], row["label"])
        for row in read_result(data_set, "annotations")
        if row["label"] != row["video"].split("_")[1].removesuffix(".mp4")
    }
    assert changed == {
        ("p0_fake.mp4", "2", "0", "real"),
        ("p0_fake.mp4", "3", "0", "real"),
        ("p1_real.mp4", "4", "1", "fake"),
    }
    assert "3 labels were corrected" in caplog.text
    assert find_reasons(data_set, "labels.csv") == {
        "5": "no face 7 of 'p2_real.mp4' is annotated in frames 0 to 5; correct or remove the row"
    }
    assert (data_set.annotations / "faces.csv").read_bytes() == before


def test_fakes_without_a_source_are_pointed_out(data_set, caplog):
    data_set.listed = [row for row in data_set.listed if row[0] != "p1_fake.mp4"]
    data_set.write()
    with caplog.at_level(logging.INFO):
        validate.main()
    assert "1 videos with fake faces name no source in data/videos.csv" in caplog.text
    assert "results would flatter: p1_fake.mp4" in caplog.text


def test_pixels_that_are_not_square_and_hdr_are_pointed_out(data_set, caplog, monkeypatch):
    probe = probing.probe_video

    def probe_as_from_a_camera(path, threads):
        return replace(probe(path, threads), pixel_aspect=4 / 3, transfer="pq")

    monkeypatch.setattr(probing, "probe_video", probe_as_from_a_camera)
    with caplog.at_level(logging.INFO):
        validate.main()
    assert "p1_fake.mp4: its pixels are not square" in caplog.text
    assert "divide left and right by 1.333" in caplog.text
    assert "6 videos are HDR and are read with the tones of SDR" in caplog.text


def test_sparse_annotation_is_pointed_out(data_set, caplog):
    data_set.rows = [row for row in data_set.rows if row[0] != "p1_fake.mp4" or row[1] % 2 == 0]
    data_set.write()
    with caplog.at_level(logging.INFO):
        validate.main()
    assert "p1_fake.mp4: about one frame in 2 is annotated; the frames between" in caplog.text


def test_the_same_data_give_the_same_files_and_nothing_is_decoded_twice(data_set, monkeypatch):
    validate.main()
    folder = data_set.folder / "artifacts/validate"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(before) == {
        *("videos.csv", "annotations.csv", "ignored_frames.csv", "rejected.csv"),
        *("video_metadata.json", "result.json"),
    }
    monkeypatch.setattr("deepfake_detector.data.validation.probing.probe_video", pytest.fail)
    validate.main()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_facts_of_another_version_are_not_used_again(data_set):
    validate.main()
    path = data_set.folder / "artifacts/validate/video_metadata.json"
    right = path.read_text()
    path.write_text(right.replace('"frames": 6', '"frames": 7'))
    validate.main()
    assert {row["frames"] for row in read_result(data_set, "videos")} == {"7"}
    path.write_text(path.read_text().replace('"version": "2', '"version": "1'))
    validate.main()
    assert {row["frames"] for row in read_result(data_set, "videos")} == {"6"}
    assert path.read_text() == right


def test_data_docs_are_a_local_page_that_names_the_check_that_failed(data_set):
    data_set.rows.append(("p0_real.mp4", 0, 1, 1, 30, 30, "unsure"))
    data_set.write()
    validate.main()
    docs = data_set.folder / "artifacts/validate/data_docs"
    index = (docs / "index.html").read_text()
    assert "annotations</a>: 15 of 16 checks are met by all 37 rows" in index
    (link,) = re.findall(r'href="(validations/annotations/[^"]+)"', index)
    assert (docs / link).is_file()
    assert not [page for page in docs.rglob("*.html") if "web-assets" in page.read_text()]
    pages = "".join(path.read_text() for path in docs.glob("validations/**/*.html"))
    assert "label is real or fake" in pages
    assert "unsure" in pages
    result = json.loads((docs.parent / "result.json").read_text())
    (label,) = [check for check in result["checks"] if check["check"] == "label is real or fake"]
    assert (label["success"], label["rows"]) == (False, 1)


def assert_stops(data_set, message):
    with pytest.raises(SystemExit, match=re.escape(message)) as stopped:
        validate.main()
    assert (data_set.folder / "artifacts/validate/rejected.csv").is_file()
    return str(stopped.value)


def test_data_without_a_usable_video_stop_with_one_message(data_set):
    for path in data_set.videos.iterdir():
        path.write_bytes(b"")
    message = assert_stops(data_set, "fewer than 1 videos can be used (validate.min_videos)")
    assert len(read_result(data_set, "rejected")) == 12
    assert "labelled" not in message


def test_data_with_one_label_only_stop(data_set):
    data_set.rows = [(*row[:-1], "real") for row in data_set.rows]
    data_set.write()
    assert_stops(data_set, "fewer than 1 usable faces are labelled fake (validate.min_faces_per")


def test_data_without_annotations_stop(data_set):
    (data_set.annotations / "faces.csv").unlink()
    assert_stops(data_set, "fewer than 1 usable faces are labelled real")


def test_data_of_two_people_stop(data_set):
    data_set.listed = [(video, source.replace("p2", "p1")) for video, source in data_set.listed]
    data_set.write()
    assert_stops(data_set, "fewer than 3 groups of videos are unrelated")


def test_thresholds_of_the_whole_are_those_of_params(data_set):
    set_thresholds(data_set, min_videos=7, min_faces_per_label=19, min_unrelated_groups=4)
    message = assert_stops(data_set, "fewer than 7 videos can be used")
    assert "fewer than 19 usable faces are labelled real" in message
    assert "fewer than 19 usable faces are labelled fake" in message
    assert "fewer than 4 groups of videos are unrelated" in message


def test_thresholds_of_faces_and_of_what_is_kept_of_a_video_are_those_of_params(data_set):
    data_set.rows = [row for row in data_set.rows if row[:2] != ("p0_fake.mp4", 5)]
    data_set.rows.append(("p1_real.mp4", 0, 18, 8, 50, 40, "real"))  # IoU 0.88 with the first
    data_set.write()
    set_thresholds(data_set, min_kept_faces=6, same_face_iou=0.88)
    validate.main()
    (reason,) = find_reasons(data_set, "faces.csv").values()
    assert reason.startswith("the same face as data/annotations/faces.csv row")
    assert find_reasons(data_set, "p0_fake.mp4")[""].startswith(
        "5 of its 5 annotations can be used, under validate.min_kept_faces = 6"
    )


def set_thresholds(data_set, **values):
    path = data_set.folder / "params.yaml"
    values = {f"validate.{name}": str(value) for name, value in values.items()}
    path.write_text(override_params(path.read_text(), values)[0])


def test_pins_that_leak_stop_and_are_named(data_set):
    pins = {"p0_real.mp4": "train", "p0_fake.mp4": "test"}
    rows = [(*row, pins.get(row[0], "")) for row in data_set.listed]
    write_csv(data_set.folder / "data/videos.csv", ["video", "source", "split"], rows)
    assert_stops(data_set, "different splits: p0_fake.mp4 (test), p0_real.mp4 (train): corr")


def test_missing_videos_folder_is_one_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["validate.py"])
    DataSet(tmp_path / "elsewhere", people=1)
    (tmp_path / "params.yaml").write_text((tmp_path / "elsewhere/params.yaml").read_text())
    with pytest.raises(SystemExit, match="data/videos: not there; put your videos into it"):
        validate.main()


def test_misspelt_parameter_is_one_message(data_set):
    params = data_set.folder / "params.yaml"
    params.write_text(params.read_text().replace("min_face_px", "smalest_face_px"))
    with pytest.raises(SystemExit, match=r"validate\.smalest_face_px: unknown key") as stopped:
        validate.main()
    assert "this data" not in str(stopped.value)


def test_number_of_workers_does_not_matter(data_set, monkeypatch):
    validate.main()
    folder = data_set.folder / "artifacts/validate"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    (folder / "video_metadata.json").unlink()
    monkeypatch.setattr("sys.argv", ["validate.py", "--workers", "2"])
    validate.main()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_videos_that_the_released_model_learned_from_are_named(data_set, caplog):
    released = data_set.folder / "released"
    released.mkdir()
    sha256 = hash_file(data_set.videos / "p1_fake.mp4")
    record = {"train_videos": {"ann.mp4": sha256}, "train_frame_hashes": {"bob.mp4": ["00"]}}
    (released / "training_record.json").write_text(json.dumps(record))
    with caplog.at_level(logging.WARNING):
        validate.main()
    assert "1 videos are known to the released model" in caplog.text
    assert "p1_fake.mp4 is the same file as ann.mp4" in caplog.text
