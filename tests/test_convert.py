"""`convert.py`: any format in, four out, and what is written is read back the same."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import convert
from data_set import PROJECT, make_frames, read_rows
from deepfake_detector.common.boxes import BOX
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.annotations.usable_faces import scale_to_px
from deepfake_detector.video.writing import write_video

EXPORTS = PROJECT / "tests/data/annotations/exports"
VIDEO = "Zwei Köpfe.mp4"
ROUNDING = {"cvat": 0.006, "coco": 1e-3, "yolo": 1e-3, "csv": 1e-3}  # px of a 64 x 48 frame


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    (tmp_path / "data/videos").mkdir(parents=True)
    write_video(tmp_path / "data/videos" / VIDEO, make_frames(2, seed=1), fps=25)
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["convert.py", *map(str, arguments)])
    convert.main()


def read_faces(path):
    """Read faces in px, real before fake, with the number of tracks of each label."""
    read = read_annotation_folder(path, {})
    assert read.rejections == []
    faces = scale_to_px(read.faces, dict.fromkeys(read.faces["name"], (64, 48)))
    faces = faces.sort_values(["label", "frame"], ascending=[False, True])
    tracks = faces.groupby("label")["face"].nunique().to_dict()
    names = set(faces["name"].str.removesuffix(".mp4"))
    return faces[["label", "frame", *BOX]], tracks, names


@pytest.mark.parametrize("form", ["cvat", "coco", "yolo", "csv"])
@pytest.mark.parametrize("export", ["cvat_video.xml", "label_studio.json", "yolo", "via.csv"])
def test_round_trip_keeps_labels_frames_boxes_and_tracks(folder, monkeypatch, form, export):
    out = folder / "out" if form == "yolo" else folder / f"out.{'xml' if form == 'cvat' else form}"
    run(monkeypatch, EXPORTS / export, "--format", form, "--out", out)
    faces, tracks, names = read_faces(out)
    expected = [("real", frame, 10 + frame, 8.5, 30 + frame, 28.5) for frame in range(5)]
    expected += [("real", 98, 5, 5, 25, 25)]  # a frame that the video has not is still carried
    expected += [("fake", frame, 40, 10, 60, 34) for frame in (1, 2, 3)]
    assert list(zip(faces["label"], faces["frame"], strict=True)) == [row[:2] for row in expected]
    rounding = ROUNDING[form] + (1e-3 if export == "yolo" else 0)
    np.testing.assert_allclose(faces[BOX], [row[2:] for row in expected], atol=rounding)
    assert tracks == ({"real": 1, "fake": 1} if form == "yolo" else {"real": 2, "fake": 1})
    assert names == {"Zwei Köpfe"}


def test_what_is_left_out_is_named(folder, monkeypatch, caplog):
    run(monkeypatch, EXPORTS / "cvat_video.xml", "--format", "csv", "--out", "out.csv")
    assert "row 12: polyline: expected a box" in caplog.text
    assert "label 'face': expected real or fake (faces left out: 1)" in caplog.text
    assert len(read_rows(Path("out.csv"))) == 9


def test_cvat_writes_a_file_a_video_and_a_gap_ends_a_track(folder, monkeypatch):
    rows = ["a.mp4,0,1,2,31,42,real,x", "a.mp4,3,1,2,31,42,real,x", "b.mp4,0,1,2,31,42,fake,"]
    text = "\n".join(["video,frame,left,top,right,bottom,label,face", *rows])
    Path("faces.csv").write_text(text)
    with pytest.raises(SystemExit, match="of one video, and there are 2; give a folder"):
        run(monkeypatch, "faces.csv", "--format", "cvat", "--out", "out.xml")
    run(monkeypatch, "faces.csv", "--format", "cvat", "--out", "out")
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.mp4.xml", "b.mp4.xml"]
    faces, _, names = read_faces(Path("out"))
    assert list(zip(faces["label"], faces["frame"], strict=True)) == [
        ("real", 0),
        ("real", 3),
        ("fake", 0),
    ]
    assert names == {"a", "b"}


def test_coco_is_what_pycocotools_reads(folder, monkeypatch):
    from pycocotools.coco import COCO

    run(monkeypatch, EXPORTS / "csv_own.csv", "--format", "coco", "--out", "out.json")
    coco = COCO("out.json")
    assert len(coco.getAnnIds()) == 9
    assert {image["width"] for image in coco.loadImgs(coco.getImgIds())} == {64}
    assert json.loads(Path("out.json").read_text())["videos"][0]["name"] == VIDEO


@pytest.mark.parametrize(
    ("export", "form", "reason"),
    [
        ("via.csv", "yolo", "the size of Zwei Köpfe is needed; put the video where --videos says"),
        ("yolo", "csv", "the boxes of Zwei Köpfe are fractions of the frame, whose size is not"),
        ("nowhere.csv", "csv", "no such file or folder"),
    ],
)
def test_what_cannot_be_written_says_why(folder, monkeypatch, export, form, reason):
    with pytest.raises(SystemExit, match=reason):
        run(monkeypatch, EXPORTS / export, "--format", form, "--out", "out", "--videos", "none")


def test_name_that_climbs_out_of_the_folder_is_not_written(folder, monkeypatch):
    Path("faces.csv").write_text(
        "video,frame,left,top,right,bottom,label\n../a,0,1,2,31,42,real\n"
    )
    with pytest.raises(SystemExit, match="no face in it that can be used"):
        run(monkeypatch, "faces.csv", "--format", "cvat", "--out", "out")
