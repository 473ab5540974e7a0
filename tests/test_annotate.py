"""`annotate.py`: videos in, an annotation file out, bad videos named and left out."""

import sys
from pathlib import Path

import numpy as np
import pytest

import annotate
from deepfake_detector.data.annotations import annotate_video
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.faces.offline_tracker import FrameDetections, make_empty_detections
from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).parents[1]


class BrightFinder:
    """Sees a face in every bright picture."""

    def __init__(self, min_face_px):
        pass

    def detections(self, image, frame=0):
        if image.mean() < 128:
            return make_empty_detections(frame)
        return FrameDetections(
            frame, np.array([[10.0, 10, 30, 34]]), np.zeros((1, 5, 2)), np.ones(1)
        )


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run annotate.py with arguments, on videos in a folder that is the argument's root."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(annotate_video, "_load_detector", BrightFinder)
    write_video(tmp_path / "bright.mp4", [np.full((48, 64, 3), 250, np.uint8)] * 8, 25)
    write_video(tmp_path / "dark.mp4", [np.full((48, 64, 3), 5, np.uint8)] * 8, 25)
    (tmp_path / "broken.mp4").write_text("no video")

    def run(names, *options):
        videos = [str(tmp_path / name) for name in names]
        out = str(tmp_path / "faces")
        monkeypatch.setattr(sys, "argv", ["annotate.py", *videos, "--out", out, *options])
        annotate.main()
        return read_annotations(tmp_path / "faces")[0]

    return run


@pytest.mark.parametrize("form", ["clay", "csv"])
def test_every_frame_with_a_face_is_annotated_with_the_label(run, form):
    faces = run(["bright.mp4", "dark.mp4"], "--label", "fake", "--format", form)
    assert faces["frame"].tolist() == list(range(8))
    assert set(faces["label"]) == {"fake"}
    assert {Path(name).stem for name in faces["name"]} == {"bright"}
    assert faces[["left", "top", "right", "bottom"]].iloc[0].tolist() == [10, 10, 30, 34]


def test_bad_video_is_named_and_the_others_are_annotated(run, tmp_path, caplog):
    caplog.set_level("INFO")
    with pytest.raises(SystemExit, match="1 of 2 videos could not be read"):
        run(["broken.mp4", "bright.mp4"], "--label", "real")
    faces, _ = read_annotations(tmp_path / "faces")
    assert len(faces) == 8
    assert "[1/2] skipped: broken.mp4" in caplog.text
    assert "[2/2] bright.mp4: 8 frames, 1 faces" in caplog.text


def test_long_work_says_how_far_it_is(run, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(annotate_video, "REPORT_SECONDS", -1)
    run(["bright.mp4"], "--label", "real")
    assert "bright.mp4: frame 7" in caplog.text


def test_when_no_video_can_be_read_nothing_is_written(run, tmp_path):
    with pytest.raises(SystemExit, match="1 of 1 videos"):
        run(["missing.mp4"], "--label", "real")
    assert not (tmp_path / "faces").exists()


def test_label_must_be_real_or_fake(run, capsys):
    with pytest.raises(SystemExit):
        run(["bright.mp4"], "--label", "true")
    assert "choose from" in capsys.readouterr().err
