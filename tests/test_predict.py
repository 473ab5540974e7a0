import argparse
import errno
import json
import os
import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import predict
from builders import make_predictor
from code_map import PROJECT
from deepfake_detector.batch.analyze_input import PredictorOptions, load_once
from deepfake_detector.batch.inputs import Output, list_inputs, plan_inputs
from deepfake_detector.batch.run import analyze_all
from deepfake_detector.common.parallel import Workers
from deepfake_detector.common.tables import Rejection
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.video.media.errors import show_path
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.sampling import Sampling
from deepfake_detector.video.writing import write_video

FACE = [0.25, 0.25, 0.75, 0.75]


class TwoFaces:
    """Stands in for a trained detector: a sure fake face and a doubtful real one in each image."""

    input_shape = (None, 30, 30, 3)

    def predict_on_batch(self, images):
        boxes = np.zeros((len(images), 4, 4), np.float32)
        scores = np.zeros((len(images), 4, 2), np.float32)
        boxes[:, 0], scores[:, 0] = FACE, [0.05, 0.9]
        boxes[:, 1], scores[:, 1] = [-0.1, 0.0, 0.1, 0.2], [0.3, 0.15]
        return {"boxes": boxes, "scores": scores}


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "in" / "NAME_00003.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), np.full((80, 120, 3), 90, np.uint8))
    return path


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((80, 120, 3), 90, np.uint8)] * 20, fps=10)
    return path


@pytest.fixture
def run(monkeypatch):
    """Predict as the command does, with a detector that finds two faces."""

    def run(*inputs, out, annotations=None, score=0.5, frame_stride=3):
        """Return the rows of rejected.csv."""
        monkeypatch.setattr(
            DeepfakePredictor, "load", lambda stride: make_predictor(TwoFaces(), stride)
        )
        places = list_inputs(list(inputs))
        output = Output(out, score, predict.read_truth(annotations, places))
        options = PredictorOptions.of(stride=frame_stride)
        rejected = analyze_all(plan_inputs(places, output), options, Workers(1), output)
        rows = pd.read_csv(out / "rejected.csv", keep_default_na=False).itertuples(index=False)
        rejections = [Rejection(row.file, None, row.reason) for row in rows]
        assert rejected == len(rejections)
        return rejections

    load_once.cache_clear()
    yield run
    load_once.cache_clear()


def is_green(image):
    return (image[..., 1] > 150) & (image[..., 0] < 100) & (image[..., 2] < 100)


def test_a_picture_gets_its_faces_drawn_and_listed_in_its_own_pixels(run, picture, tmp_path):
    out = tmp_path / "out"
    assert run(picture, out=out) == []
    faces = pd.read_csv(out / "faces.csv")
    assert faces[["left", "top", "right", "bottom"]].to_numpy().tolist() == [[30, 20, 90, 60]]
    assert faces[["frame", "label", "score"]].to_numpy().tolist() == [[0, "fake", 0.9]]
    assert json.loads((out / "faces.json").read_text())[0]["label"] == "fake"
    drawn = cv2.imread(str(out / picture.name))
    assert drawn.shape == (80, 120, 3)
    assert (drawn != 90).any()


def test_a_lower_threshold_shows_doubtful_faces_clipped_to_the_picture(run, picture, tmp_path):
    run(picture, out=tmp_path / "out", score=0.25)
    faces = pd.read_csv(tmp_path / "out" / "faces.csv")
    assert faces["label"].tolist() == ["fake", "real"]
    assert faces["left"].tolist() == [30, 0]


def test_a_video_becomes_a_folder_with_a_drawn_video_of_as_many_frames(run, clip, tmp_path):
    run(clip, out=tmp_path / "out")
    folder = tmp_path / "out" / "clip"
    assert {path.name for path in folder.iterdir()} == {
        "annotated.mp4", "report.html", "verdict.json",
    }  # fmt: skip
    assert len(list(read_frames(folder / "annotated.mp4"))) == 20
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["verdict"] == "likely fake"
    assert verdict["model"]["name"] == "trained"


@pytest.mark.parametrize(("frame_stride", "frames"), [(3, range(0, 20, 3)), (7, range(0, 20, 7))])
def test_every_nth_frame_is_analyzed(run, clip, tmp_path, frame_stride, frames):
    run(clip, out=tmp_path / "out", frame_stride=frame_stride)
    faces = pd.read_csv(tmp_path / "out" / "faces.csv")
    assert faces["frame"].tolist() == list(frames)
    assert faces["track"].tolist() == [1] * len(frames)


def test_the_frame_stride_must_be_a_whole_number_from_1():
    assert predict.parse_stride("3") == 3
    for text in ("0", "-1", "2.5", "x"):
        with pytest.raises(argparse.ArgumentTypeError, match="a whole number from 1, got"):
            predict.parse_stride(text)


def test_the_command_names_model_and_stride(picture, tmp_path, monkeypatch):
    asked = []

    def load(**given):
        asked.append(given)
        return make_predictor(TwoFaces())

    load_once.cache_clear()
    monkeypatch.setattr(DeepfakePredictor, "load", load)
    options = ["--model", "released", "--frame-stride", "7", "--prevalence", "0.01"]
    arguments = ["predict.py", str(picture), "--out", str(tmp_path / "out"), *options]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.chdir(PROJECT)
    predict.main()
    crops = make_sampling(load_params().predict).crops
    sampling = Sampling(7, crops=crops)
    asked_for = {"model": "released", "sampling": sampling, "engine": "auto"}
    assert asked == [{**asked_for, "prevalence": 0.01, "max_false_positive_rate": None}]
    assert len(pd.read_csv(tmp_path / "out" / "faces.csv")) == 1


def test_without_a_stride_a_long_video_is_analyzed_in_fewer_frames(picture, tmp_path, monkeypatch):
    asked = []
    load_once.cache_clear()
    monkeypatch.setattr(
        DeepfakePredictor,
        "load",
        lambda model, sampling, **others: (
            asked.append((model, sampling)) or make_predictor(TwoFaces())
        ),
    )
    monkeypatch.setattr("sys.argv", ["predict.py", str(picture), "--out", str(tmp_path / "out")])
    monkeypatch.chdir(PROJECT)
    predict.main()
    assert asked == [(None, make_sampling(load_params().predict))]


def test_annotated_faces_are_drawn_in_green(run, picture, tmp_path):
    annotations = tmp_path / "truth.csv"
    annotations.write_text(
        "frame,xmin,xmax,ymin,ymax,class_id\nNAME_00003.jpg,5,20,40,70,1\nOTHER_00001.jpg,0,9,0,9,2\n"
    )
    run(picture, out=tmp_path / "plain")
    run(picture, out=tmp_path / "out", annotations=annotations)
    assert not is_green(cv2.imread(str(tmp_path / "plain" / picture.name))).any()
    green = is_green(cv2.imread(str(tmp_path / "out" / picture.name)))
    assert green[:, 3:23].any()


def test_one_bad_file_does_not_stop_the_others(run, picture, clip, tmp_path):
    bad = picture.with_name("bad.mp4")
    bad.write_text("not a video")
    cut = picture.with_name("cut.mp4")
    cut.write_bytes(clip.read_bytes()[:900])
    rejections = run(picture.parent, out=tmp_path / "out")
    assert {Path(rejection.file).name for rejection in rejections} == {"bad.mp4", "cut.mp4"}
    rejected = pd.read_csv(tmp_path / "out" / "rejected.csv")
    assert rejected["file"].tolist() == sorted([str(bad), str(cut)])
    assert pd.read_csv(tmp_path / "out" / "faces.csv")["file"].tolist() == [str(picture)]
    assert not (tmp_path / "out" / "bad").exists()


def test_no_face_found_gives_empty_tables(run, picture, tmp_path):
    run(picture, out=tmp_path / "out", score=0.97)
    assert len(pd.read_csv(tmp_path / "out" / "faces.csv")) == 0
    assert json.loads((tmp_path / "out" / "faces.json").read_text()) == []


def test_of_inputs_that_would_overwrite_each_other_the_first_is_analyzed(run, clip, tmp_path):
    twin = tmp_path / "other" / "clip.avi"
    twin.parent.mkdir()
    twin.write_bytes(clip.read_bytes())
    (rejection,) = run(clip, twin, out=tmp_path / "out")
    assert rejection.file == str(twin)
    assert f"would become clip, as {clip} did; rename one" in rejection.reason
    assert set(pd.read_csv(tmp_path / "out" / "faces.csv")["file"]) == {str(clip)}


def make_png_that_claims_too_much(path):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    packed = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + packed + b"\0\0\0\0IEND\xaeB\x60\x82")


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("pipe.mp4", os.mkfifo, "a pipe or a device"),
        (
            "link.mp4",
            lambda path: path.symlink_to("nothing"),
            "a link to a file that is not there",
        ),
        ("zero.png", lambda path: path.symlink_to("/dev/zero"), "a pipe or a device"),
        ("empty.png", Path.touch, "empty file"),
        ("large.png", make_png_that_claims_too_much, "the limit; shrink it"),
        ("notes.txt", lambda path: path.write_text("notes"), "not a video"),
        ("\udcff:.mp4", lambda path: path.write_text("notes"), "not a video"),
        ("IMG.HEIC", lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" * 9), "HEIC"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name_and_the_rest_goes_on(
    run, picture, tmp_path, name, make, reason
):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "face.jfif").write_bytes(cv2.imencode(".jpg", cv2.imread(str(picture)))[1].tobytes())
    (folder / ".DS_Store").write_bytes(b"Bud1")
    (folder / "Thumbs.db").write_bytes(b"x")
    make(folder / name)
    (rejection,) = run(folder, out=tmp_path / "out")
    assert rejection.file == show_path(folder / name)
    assert reason in rejection.reason
    faces = pd.read_csv(tmp_path / "out" / "faces.csv")
    assert set(faces["file"]) == {str(folder / "face.jfif")}
    assert len(pd.read_csv(tmp_path / "out" / "rejected.csv")) == 1
    assert cv2.imread(str(tmp_path / "out" / "face.jfif")) is not None


def test_a_video_whose_name_is_no_text_is_analyzed(run, clip, tmp_path):
    path = tmp_path / "mixed" / "\udcff.mp4"
    path.parent.mkdir()
    path.write_bytes(clip.read_bytes())
    assert run(path, out=tmp_path / "out") == []
    assert len(pd.read_csv(tmp_path / "out" / "faces.csv")) > 0
    assert json.loads((tmp_path / "out" / "\udcff" / "verdict.json").read_text())["verdict"]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_what_was_found_is_written_also_where_it_ends_early(
    run, picture, clip, tmp_path, monkeypatch, error
):
    analyze = DeepfakePredictor.analyze

    def end(self, path, progress):
        if path == clip:
            raise error
        return analyze(self, path, progress)

    monkeypatch.setattr(DeepfakePredictor, "analyze", end)
    with pytest.raises(type(error)):
        run(picture, clip, out=tmp_path / "out")
    assert set(pd.read_csv(tmp_path / "out" / "faces.csv")["file"]) == {str(picture)}


def test_the_folder_of_the_input_is_no_place_for_the_output(run, picture):
    rejections = run(picture, out=picture.parent)
    assert "--out is the folder it lies in" in rejections[0].reason


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    rejections = run(tmp_path / "missing.png", out=tmp_path / "out")
    assert "missing.png: no such file" in rejections[0].reason


@pytest.mark.parametrize("room", [0, 600, 2500])
def test_a_full_disk_ends_the_command_and_rejects_no_video(run, clip, tmp_path, room):
    run(clip, out=tmp_path / "whole")  # loads what it needs, so that nothing else is written
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            run(clip, out=tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out/clip/verdict.json").exists()
    rejected = tmp_path / "out/rejected.csv"
    assert not rejected.exists() or rejected.read_text() == "file,row,reason\n"
    assert run(clip, out=tmp_path / "out") == []
