"""The stage `calibrate` on tiny videos, with found faces that are known beforehand."""

import hashlib
import json
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import calibrate
from builders import make_calibration
from deepfake_detector import mlflow_tracking
from deepfake_detector.common.artifacts import EVALUATED
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, make_shard_path, write_shard
from deepfake_detector.inference import engine, shards
from deepfake_detector.inference.model_folders import released
from deepfake_detector.verdicts.calibration import load_calibration

PROJECT = Path(__file__).parents[1]
FOUND = [
    *["video", "frame", "left", "top", "right", "bottom", "real", "fake"],
    *["ssd_fake_score", "classifier_fake_score"],
]
SIZE_PX = 64
FRAMES = [0, 5, 10, 15]
SHARES = {
    **{f"real_{n}": 0.1 for n in range(3)},
    **{f"fake_{n}": 0.9 for n in range(3)},
    "test_real": 0.2,
    "test_fake": 0.8,
}
"""The fake share found in each video; `real_1` and `fake_1` are of one source."""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Work in a folder with the outputs of earlier stages; give params, results and calls."""
    monkeypatch.chdir(tmp_path)
    for folder in ("extract_frames", "split", "train", "evaluate"):
        Path("artifacts", folder).mkdir(parents=True)
    for video in SHARES:
        write_video(video, "fake" if "fake" in video else "real")
    write_split("validation", [video for video in SHARES if not video.startswith("test")])
    write_split("test", ["test_real", "test_fake"])
    find(["test_real", "test_fake"]).to_csv("artifacts/evaluate/detections.csv", index=False)
    Path("artifacts/train/run.json").write_text('{"mlflow_run_id": "abc"}')
    Path("artifacts/train/start.json").write_text('{"released": null}')
    Path("artifacts/train/detector.keras").write_bytes(b"a detector")
    calls = {}
    pretend(monkeypatch, calls)
    return load_params(PROJECT / "params.yaml"), Path("artifacts/calibrate"), calls


def write_video(video, label):
    noise = np.random.default_rng(0).integers(0, 255, (SIZE_PX, SIZE_PX, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    box, label = np.array([[0.1, 0.1, 0.9, 0.9]]), np.array([1 + (label == "fake")])
    crop = [jpeg], np.array([[0, 0, 1, 1]])
    records = [FrameRecord(jpeg, box, label, *crop, video, n, SIZE_PX, SIZE_PX) for n in FRAMES]
    write_shard(make_shard_path(Path("artifacts/extract_frames"), video), records)


def write_split(name, videos):
    rows = [
        f"{video},{video.rsplit('_')[-1]},,{'swapper' if 'fake' in video else ''},face swap,"
        f"at home,,{len(FRAMES)},{len(FRAMES)}"
        for video in videos
    ]
    lines = ["video,source,identity,method,method_group,dataset,labels,frames,faces", *rows]
    Path(f"artifacts/split/{name}.csv").write_text("\n".join(lines) + "\n")


def find(videos):
    box = [SIZE_PX * 0.1] * 2 + [SIZE_PX * 0.9] * 2
    scores = {video: (1 - SHARES[video], SHARES[video], 0.5, SHARES[video]) for video in videos}
    rows = [(v, n, *box, *scores[v]) for v in videos for n in FRAMES]
    return pd.DataFrame(rows, columns=FOUND)


def pretend(monkeypatch, calls):
    @contextmanager
    def run(run_id):
        calls["run"] = run_id
        yield run_id

    def predict(detector, paths, batch_size):
        return find([path.name.removesuffix(".tfrecord") for path in paths])

    monkeypatch.setattr(engine, "load_networks", lambda path, engine: path)
    monkeypatch.setattr(shards, "predict_shards", predict)
    monkeypatch.setattr(mlflow_tracking, "continued_run", run)
    monkeypatch.setattr(
        mlflow_tracking, "log_evaluation", lambda *given: calls.update(logged=given)
    )
    monkeypatch.setattr(
        mlflow_tracking, "register_detector", lambda *given: calls.update(model=given)
    )


def test_calibrates_on_validation_and_judges_the_test_videos(stage, capsys):
    params, out, calls = stage
    calibrate.calibrate(params)
    calibration = load_calibration(out / "calibration.json")
    assert (calibration.fitted.videos, calibration.fitted.sources) == (6, 3)
    assert calibration.detector_sha256 == hashlib.sha256(b"a detector").hexdigest()
    assert calibration.classifier_sha256 is None
    assert calibration.thresholds_note.startswith("10% false alarms: bell curve of 3 real")
    verdicts = pd.read_csv(out / "verdicts.csv").set_index("video")
    assert verdicts["verdict"].to_dict() == {
        "test_real": "likely real",
        "test_fake": "likely fake",
    }
    assert verdicts.loc["test_fake", "label"] == "fake"
    assert verdicts.loc["test_fake", "plain_mean"] == pytest.approx(0.8)
    assert verdicts.loc["test_fake", "majority"] == pytest.approx(5 / 6)  # (4 + 1) / (4 + 2)
    assert len(pd.read_csv(out / "faces.csv")) == 2
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test"]["video_auc"] == metrics["validation"]["video_auc"] == 1.0
    assert metrics["test"]["selective_accuracy"] == 1.0
    assert metrics["test"]["abstained"] == 0
    assert metrics["validation"]["rule_mean_fitted_log_loss"] > 0
    assert {path.name for path in (out / "plots").iterdir()} == {
        "groups.csv",
        "reliability.csv",
        "reliability.png",
    }
    assert calls["run"] == "abc"
    assert calls["logged"][0]["test_video_auc"] == 1.0
    registered, calibration_file, registered_with, example = calls["model"]
    assert (registered, calibration_file) == (
        calibrate.TRAINED / "detector.keras",
        out / "calibration.json",
    )
    assert registered_with == params.predict
    assert example[:2] == b"\xff\xd8"  # a JPEG
    assert "Answered: 2 of 2, right 1.000" in capsys.readouterr().out


def test_verdicts_are_counted_by_method_kind_and_data_set(stage, capsys):
    params, out, _ = stage
    calibrate.calibrate(params)
    verdicts = pd.read_csv(out / "verdicts.csv").set_index("video")
    assert verdicts.loc["test_fake", ["person", "method", "dataset"]].tolist() == [
        *("fake", "swapper", "at home")
    ]
    groups = pd.read_csv(out / "plots/groups.csv").set_index(["by", "group", "metric"])["value"]
    assert groups["method", "swapper", "called likely fake"] == 1.0
    assert groups["method_group", "face swap", "AUC"] == 1.0
    assert groups["dataset", "at home, real", "called likely fake"] == 0.0
    assert groups["dataset", "at home", "AUC"] == 1.0
    assert "kind of method  face swap" in capsys.readouterr().out


def test_without_a_fake_on_validation_nothing_is_answered(stage, capsys):
    params, out, _ = stage
    write_split("validation", ["real_0", "real_1"])
    calibrate.calibrate(params)
    verdicts = pd.read_csv(out / "verdicts.csv")
    assert set(verdicts["verdict"]) == {"cannot tell"}
    assert verdicts["probability"].isna().all()
    assert "no validation video shows a fake face" in verdicts["reason"][0]
    test = json.loads((out / "metrics.json").read_text())["test"]
    assert (test["abstained"], test["video_auc"]) == (2, None)
    assert "No answers: no validation video" in capsys.readouterr().out


def test_without_validation_videos_nothing_is_answered(stage):
    params, out, _ = stage
    write_split("validation", [])
    calibrate.calibrate(params)
    assert set(pd.read_csv(out / "verdicts.csv")["verdict"]) == {"cannot tell"}


def test_one_source_gives_probabilities_but_no_answer(stage):
    params, out, _ = stage
    write_split("validation", ["real_1", "fake_1"])
    calibrate.calibrate(params)
    verdicts = pd.read_csv(out / "verdicts.csv")
    assert set(verdicts["verdict"]) == {"cannot tell"}
    assert verdicts["probability"].notna().all()
    assert "of other sources" in verdicts["reason"][0]


def test_a_stage_that_has_not_run_is_named(stage, monkeypatch):
    (EVALUATED / "detections.csv").unlink()
    monkeypatch.setattr("sys.argv", ["calibrate.py"])
    monkeypatch.setattr(calibrate, "load_params", lambda: stage[0])
    with pytest.raises(
        SystemExit, match=r"calibrate: artifacts.evaluate.detections\.csv: not there"
    ):
        calibrate.main()


def test_the_released_model_is_registered_before_the_own_one(stage, monkeypatch):
    params, _, _ = stage
    order = []
    for name in ("register_released", "register_detector"):
        monkeypatch.setattr(
            mlflow_tracking, name, lambda path, *rest, name=name: order.append((name, path.name))
        )
    calibrate.calibrate(params)
    assert order == [("register_detector", "detector.keras")]  # without one there is none
    Path("released").mkdir()
    Path("released/card.json").write_text("{}")
    calibrate.calibrate(params)
    assert order[1:] == [
        ("register_released", "released"),
        ("register_detector", "detector.keras"),
    ]


@pytest.fixture
def prior(monkeypatch):
    """A released model that takes the detector at its word, and that the training began with."""
    calibration = make_calibration(
        real_probabilities=[number / 100 for number in range(1, 100)], max_real_probability=0.3
    )
    given = "a released detector", calibration, {"version": "0.2"}
    monkeypatch.setattr(released, "load_released", lambda folder, engine: given)
    calibrate.START.write_text('{"released": "released"}')


def test_few_videos_of_a_fine_tuned_detector_have_the_released_calibration_as_prior(
    stage, prior, capsys
):
    params, out, _ = stage
    calibrate.calibrate(params)
    calibration = load_calibration(out / "calibration.json")
    assert (calibration.adaptation.released, calibration.adaptation.videos) == ("0.2", 6)
    verdicts = pd.read_csv(out / "verdicts.csv").set_index("video")
    assert verdicts.loc["test_real", "verdict"] == "likely real"
    assert "checked on only 6 own validation videos" in verdicts.loc["test_real", "reason"]
    validation = json.loads((out / "metrics.json").read_text())["validation"]
    assert validation["video_auc"] == 1.0
    said = capsys.readouterr().out
    assert "calibrated as the released detector 0.2\nand checked on only 6 validation" in said


def test_without_an_own_face_no_prior_answers(stage, prior):
    params, out, _ = stage
    write_split("validation", [])
    calibrate.calibrate(params)
    assert load_calibration(out / "calibration.json").adaptation is None
