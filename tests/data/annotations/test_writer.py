import csv
import json

import numpy as np
import pytest

from deepfake_detector.common.labels import FAKE, REAL
from deepfake_detector.data.annotations.annotation_writer import (
    AnnotatedVideo,
    add_video_rows,
    write_annotations,
)
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.faces.offline_tracker import Track


def make_track(first_frame, *boxes):
    boxes = np.array(boxes, float)
    return Track(first_frame, boxes, np.zeros((len(boxes), 5, 2)), 1.0)


def make_video(name="two people.mp4"):
    real = make_track(0, [1, 2, 11, 22], [2, 2, 12, 22])
    fake = make_track(1, [30.123, 2, 41.126, 22])
    return AnnotatedVideo(name, 3, [real, fake], [REAL, FAKE])


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_clay_export_counts_frames_from_one_and_boxes_as_width_and_height(tmp_path):
    write_annotations(tmp_path / "a.json", [make_video()], "clay")
    entries = json.loads((tmp_path / "a.json").read_text())
    assert [entry["Frame"] for entry in entries] == ["1", "2", "3"]
    assert entries[1]["Labeled Data"].endswith("/two%20people.mp4")
    assert entries[1]["Label"] == {
        "0": {
            "class": "Face",
            "geometry": [2.0, 2.0, 10.0, 20.0],
            "attributes": {"explicit": "", "0": "Real"},
        },
        "1": {
            "class": "Face",
            "geometry": [30.12, 2.0, 11.01, 20.0],
            "attributes": {"explicit": "", "1": "Fake"},
        },
    }
    assert entries[2]["Label"] == {}


def test_csv_export_has_the_columns_of_2020(tmp_path):
    write_annotations(tmp_path / "a.csv", [make_video("clip.mp4")], "csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "frame,xmin,xmax,ymin,ymax,class_id",
        "clip_00001.jpg,1.0,11.0,2.0,22.0,1",
        "clip_00002.jpg,2.0,12.0,2.0,22.0,1",
        "clip_00002.jpg,30.12,41.13,2.0,22.0,2",
    ]


@pytest.mark.parametrize("form", ["clay", "csv"])
def test_both_forms_are_read_back_by_the_importers(tmp_path, form):
    path = tmp_path / "annotations"
    write_annotations(path, [make_video()], form)
    faces, rejections = read_annotations(path)
    assert not rejections
    assert faces["frame"].tolist() == [0, 1, 1]
    assert faces["label"].tolist() == ["real", "real", "fake"]
    assert {name.removesuffix(".mp4") for name in faces["name"]} == {"two people"}
    np.testing.assert_allclose(
        faces[["left", "top", "right", "bottom"]].astype(float),
        [[1, 2, 11, 22], [2, 2, 12, 22], [30.12, 2, 41.13, 22]],
        atol=0.006,
    )


def test_no_video_gives_an_empty_list(tmp_path):
    write_annotations(tmp_path / "a.json", [], "clay")
    assert json.loads((tmp_path / "a.json").read_text()) == []


def test_no_unfinished_file_is_left(tmp_path):
    write_annotations(tmp_path / "deep" / "a.json", [make_video()], "clay")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_video_rows_are_added_and_replaced(tmp_path):
    path = tmp_path / "videos.csv"
    add_video_rows(path, [{"video": "a.mp4", "source": "a"}, {"video": "b.mp4", "source": "b"}])
    add_video_rows(path, [{"video": "b.mp4", "identity": "anna"}, {"video": "c.mp4"}])
    rows = read_rows(path)
    assert [row["video"] for row in rows] == ["a.mp4", "b.mp4", "c.mp4"]
    assert (rows[1]["source"], rows[1]["identity"]) == ("b", "anna")
    assert rows[2]["split"] == ""


def test_what_a_person_wrote_into_other_columns_stays(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("video,licence,split\na.mp4,CC0,test\n")
    add_video_rows(path, [{"video": "a.mp4", "source": "a"}])
    (row,) = read_rows(path)
    assert (row["licence"], row["split"], row["source"]) == ("CC0", "test", "a")


def test_table_without_a_video_column_is_rejected(tmp_path):
    path = tmp_path / "videos.csv"
    path.write_text("name\na.mp4\n")
    with pytest.raises(ValueError, match="expected a column `video`"):
        add_video_rows(path, [])
    assert path.read_text() == "name\na.mp4\n"
