"""The stage `evaluate` on two tiny videos, with found faces that are known beforehand."""

import json
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import evaluate
from deepfake_detector import mlflow_tracking
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, make_shard_path, write_shard
from deepfake_detector.inference import engine, shards

PROJECT = Path(__file__).parents[1]
FOUND = ["video", "frame", "left", "top", "right", "bottom", "real", "fake"]
ROWS = ["a,one,ann,,,at home,real,2,1", "b,two,,swapper,face swap,at home,fake,1,1"]
SPLIT_HEAD = "video,source,identity,method,method_group,dataset,labels,frames,faces"
FAKE_SCORE_COLUMNS = ["ssd_fake_score", "classifier_fake_score"]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Work in a folder with the outputs of earlier stages; give its results and MLflow's calls."""
    params = load_params(PROJECT / "params.yaml")
    monkeypatch.chdir(tmp_path)
    for folder in ("validate", "extract_frames", "split", "train"):
        (tmp_path / "artifacts" / folder).mkdir(parents=True)
    write_facts(tmp_path / "data/videos")
    write_frames(tmp_path / "artifacts/extract_frames")
    write_csv("split/test.csv", SPLIT_HEAD, *ROWS, "empty,three,,,,,,0,0")
    names = [f"{split}_{part}" for split in ("train", "validation")
             for part in ("loss", "box_loss", "class_loss")]  # fmt: skip
    names += [
        f"validation_{name}"
        for name in ("ap_real", "ap_fake", "map_50", "map_50_95", "class_agnostic_ap_50_95")
    ]
    names.append("learning_rate")
    write_csv("train/history.csv", ",".join(["epoch", *names]), ",".join(["1"] + ["0.5"] * 12))
    (tmp_path / "artifacts/train/run.json").write_text('{"mlflow_run_id": "abc"}')
    (tmp_path / "artifacts/train/start.json").write_text('{"released": null}')
    calls = {}
    pretend(monkeypatch, calls)
    return params, tmp_path / "artifacts/evaluate", calls


def write_csv(path, *lines):
    Path("artifacts", path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_facts(videos):
    """What `validate` and `split` say: `a` and `b` are both in train, too, to spare frames."""
    videos.mkdir(parents=True)
    for video in "ab":
        (videos / video).write_bytes(b"video")
    write_csv("validate/videos.csv", "video,source,width_px,height_px,fps,frames,codec",
              "a,one,40,30,25,10,h264", "b,two,40,30,25,10,h264")  # fmt: skip
    write_csv("validate/annotations.csv", "video,frame,left,top,right,bottom,label,face",
              "a,0,10,6,30,24,real,0", "b,0,10,6,30,24,fake,0")  # fmt: skip
    write_csv("split/train.csv", SPLIT_HEAD, *ROWS)


def write_frames(folder):
    """Two frames of `a` (the second without a face), one of `b`; all of 40×30 px."""
    jpeg = cv2.imencode(".jpg", np.full((30, 40, 3), 90, np.uint8))[1].tobytes()
    box, nobody = np.array([[0.25, 0.2, 0.75, 0.8]]), np.zeros((0, 4))
    videos = {"a": [(0, box, [1]), (5, nobody, [])], "b": [(0, box, [2])]}
    for video, frames in videos.items():
        records = [
            FrameRecord(
                jpeg,
                boxes,
                np.array(labels, int),
                [jpeg] * len(boxes),
                boxes,
                video,
                frame,
                40,
                30,
            )
            for frame, boxes, labels in frames
        ]
        write_shard(make_shard_path(folder, video), records)
    write_csv("extract_frames/frames.csv", "video,frame,width_px,height_px,faces",
              "a,0,40,30,1", "a,5,40,30,0", "b,0,40,30,1")  # fmt: skip


def pretend(monkeypatch, calls):
    """Let the detector find both faces, `b` with the wrong label, and MLflow only listen."""

    def find(detector, shards, batch_size):
        calls["shards"] = [path.name for path in shards]
        rows = [
            ("a", 0, 10, 6, 30, 24, 0.8, 0.1, 0.9, 0.1),  # the first look was wrong here
            ("b", 0, 10, 6, 30, 24, 0.6, 0.3, 0.3, 0.3),
        ]
        return pd.DataFrame(rows, columns=[*FOUND, *FAKE_SCORE_COLUMNS])

    @contextmanager
    def run(run_id):
        calls["run"] = run_id
        yield run_id

    monkeypatch.setattr(engine, "load_networks", lambda path, engine: path)
    monkeypatch.setattr(shards, "predict_shards", find)
    monkeypatch.setattr(mlflow_tracking, "continued_run", run)
    monkeypatch.setattr(
        mlflow_tracking, "log_evaluation", lambda *given: calls.update(logged=given)
    )


def test_writes_figures_curves_and_pictures_and_tells_mlflow(stage, capsys):
    params, out, calls = stage
    evaluate.evaluate(params)
    test = json.loads((out / "metrics.json").read_text())["test"]
    assert (test["ap_real"], test["class_agnostic_ap_50"], test["matched_label_accuracy"]) == (
        1.0,
        1.0,
        0.5,
    )
    assert test["ssd_only_matched_label_accuracy"] == 0.0
    assert test["ap_fake"] == 1.0  # the fake face's 0.3 stands before the real one's 0.1
    assert (test["videos"], test["sources"], test["frames"], test["faces"]) == (2, 2, 3, 2)
    assert test["images_per_second"] > 0
    assert test["shortcut_auc_file_size"] == 0.5  # both files are alike
    made = {path.name for path in (out / "plots").iterdir()}
    curves = {"precision_recall.csv", "f1.csv", "confusion.csv", "shortcuts.csv", "face_sizes.csv"}
    curves.add("groups.csv")
    charts = {"precision_recall.png", "f1.png", "confusion.png", "training.png"}
    assert made == curves | charts | {"examples_best.png", "examples_worst.png"}
    assert len(pd.read_csv(out / "detections.csv")) == 2
    scores = pd.read_csv(out / "videos.csv").set_index("video")
    assert scores["score"].to_dict() == {"a": pytest.approx(1 / 9), "b": pytest.approx(1 / 3)}
    assert scores.loc["b", ["label", "person", "method"]].tolist() == ["fake", "two", "swapper"]
    assert scores.loc["a", "person"] == "ann"
    groups = pd.read_csv(out / "plots/groups.csv").set_index(["by", "group"])
    assert groups["value"].to_dict() == {  # b scores above a, though both are under one half
        ("method", "swapper"): 1.0,
        ("method_group", "face swap"): 1.0,
        ("dataset", "at home"): 1.0,
    }
    assert calls["shards"] == ["a.tfrecord", "b.tfrecord"]  # `empty` has no frame
    assert calls["run"] == "abc"
    assert calls["logged"][0]["test_map_50"] == 1.0
    assert "test_intervals" not in calls["logged"][0]  # words are no metric
    table = capsys.readouterr().out
    assert "2 videos of 2 sources, 3 frames, 2 faces (1 real, 1 fake)" in table
    assert "is no benchmark" in table
    assert "Without the face classifier: mAP 0.500, label accuracy 0.000" in table


def test_detections_can_be_scored_again_with_the_same_result(stage, tmp_path):
    """Every face once per label, through `score.py`'s reader: the same average precision."""
    params, out, _ = stage
    evaluate.evaluate(params)
    from deepfake_detector.metrics import score_detections
    from deepfake_detector.metrics.detection_files import read_files

    found = pd.read_csv(out / "detections.csv").melt(
        FOUND[:6], ["real", "fake"], var_name="label", value_name="score"
    )
    found.to_csv(tmp_path / "DETECTIONS.csv", index=False)
    rows = ["video,frame,label,left,top,right,bottom", "a,0,real,10,6,30,24", "a,5,,,,,"]
    (tmp_path / "TRUTH.csv").write_text("\n".join([*rows, "b,0,fake,10,6,30,24"]))
    detections, truth, images = read_files(tmp_path / "DETECTIONS.csv", tmp_path / "TRUTH.csv")
    scores = score_detections(detections, truth, 0.5)
    test = json.loads((out / "metrics.json").read_text())["test"]
    assert images == test["frames"]
    assert scores["mean"]["voc_area"] == test["map_50"]
    assert scores["mean"]["coco"] == pytest.approx(test["map_50_95"], abs=1e-6)
    assert scores["class_agnostic"]["voc_11"] == test["class_agnostic_ap_50_voc07"]


def test_a_test_split_without_frames_is_rejected(stage):
    params, _, _ = stage
    write_csv("split/test.csv", SPLIT_HEAD, "a,one,,,,,real,0,0")
    with pytest.raises(ValueError, match=r"no test video with frames; give split\.test"):
        evaluate.evaluate(params)


def test_a_stage_that_has_not_run_is_named(stage, monkeypatch):
    (evaluate.TEST).unlink()
    monkeypatch.setattr("sys.argv", ["evaluate.py"])
    monkeypatch.setattr(evaluate, "load_params", lambda: stage[0])
    with pytest.raises(SystemExit, match=r"evaluate: artifacts.split.test\.csv: not there"):
        evaluate.main()


def test_test_videos_that_the_released_model_learned_from_are_named(stage, caplog):
    write_csv("validate/videos.csv", "video,source,width_px,height_px,fps,frames,codec,sha256",
              "a,one,40,30,25,10,h264,11", "b,two,40,30,25,10,h264,22")  # fmt: skip
    Path("released").mkdir()
    record = {"train_videos": {"ann.mp4": "22"}}
    Path("released/training_record.json").write_text(json.dumps(record))
    test = pd.read_csv("artifacts/split/test.csv")
    evaluate.warn_of_known_videos(test)
    assert caplog.text == ""  # ImageNet's weights have not seen them
    evaluate.START.write_text('{"released": "released"}')
    evaluate.warn_of_known_videos(test)
    assert "1 of the test videos: b is the same file as ann.mp4" in caplog.text
