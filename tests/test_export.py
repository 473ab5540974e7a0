"""The whole export of a small detector: every file, the card, checksums, all or nothing."""

import importlib.util
import json
import subprocess

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import export
from copied_project import PROJECT
from deepfake_detector.common.artifacts import EXPORTED, SHARDS, SPLIT_TABLES, TRAINED, VALIDATED
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")),
    reason="onnx or onnxruntime is missing",
)

COUNTS = dict.fromkeys(["videos", "sources", "frames", "real_faces", "fake_faces"], 1)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a small trained detector, one shard a split, and what was said of them."""
    monkeypatch.chdir(tmp_path)
    for folder in (SHARDS, SPLIT_TABLES, TRAINED, VALIDATED):
        folder.mkdir(parents=True)
    make_detector().save(TRAINED / "detector.keras")
    for split in ("train", "validation"):
        write_frames(SHARDS / f"{split}.mp4.tfrecord", f"{split}.mp4")
        table = pd.DataFrame({"video": [f"{split}.mp4"], "frames": [3]})
        table.to_csv(SPLIT_TABLES / f"{split}.csv", index=False)
    (SPLIT_TABLES / "summary.json").write_text(json.dumps({"train": COUNTS}))
    (VALIDATED / "videos.csv").write_text("video,licence\ntrain.mp4,CC0\nvalidation.mp4,MIT\n")
    params = load_params(PROJECT / "params.yaml")
    return params.model_copy(update={"export": params.export.model_copy(update={"frames": 3})})


def make_detector():
    keras.utils.set_random_seed(5)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    outputs = {
        name: keras.layers.Reshape((-1, width), name=name)(
            keras.layers.Conv2D(width, 3, 2, name=f"_{name}_1")(x)
        )
        for name, width in (("box", 4), ("label", 3))
    }
    find = {"score_threshold": 0.01, "nms_iou_threshold": 0.45, "max_detections": 5}
    inference_model = DetectionDecoder(9, [0.1, 0.1, 0.2, 0.2], find, name="decode_detections")
    corners = np.stack(np.meshgrid(*[np.arange(3) / 3] * 2), axis=-1).reshape(-1, 2)
    inference_model.anchors.assign(np.concatenate([corners, corners + 0.4], axis=1))
    return keras.Model(image, inference_model(outputs))


def write_frames(path, video):
    random = np.random.default_rng(5)
    box = np.float32([[0.2, 0.2, 0.6, 0.6]])
    jpegs = [
        cv2.imencode(".jpg", random.integers(0, 255, (40, 40, 3), np.uint8))[1].tobytes()
        for _ in range(3)
    ]
    records = [
        FrameRecord(jpeg, box, np.array([1]), [], np.zeros((0, 4)), video, frame, 40, 40)
        for frame, jpeg in enumerate(jpegs)
    ]
    write_shard(path, records)


def test_everything_is_written_checked_and_described(project):
    classifier = FaceClassifier(
        crop_px=64,
        crop_scale=1.3,
        fusion_weight=1.0,
        min_detection_score=0.1,
        dropout=0.3,
        ensemble_size=2,
    )
    (TRAINED / "face_classifier").mkdir()
    classifier.save(TRAINED / "face_classifier" / "face_classifier.keras")
    export.export(project)
    names = {path.name for path in EXPORTED.iterdir()}
    assert names == {
        *("saved_model", "detector.onnx", "detector_int8.onnx"),
        *("detector.tflite", "detector_int8.tflite"),
        *("face_classifier", "face_classifier.onnx", "face_classifier.tflite"),
        *("model_card.md", "SHA256SUMS"),
    }
    checked = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=EXPORTED)
    assert checked.returncode == 0
    card = (EXPORTED / "model_card.md").read_text()
    assert "faces in 3 frames differ" in card
    assert "name: CC0." in card
    assert "[B, 64, 64, 3]" in card


def test_what_was_exported_before_stays_where_a_file_finds_other_faces(project, monkeypatch):
    from deepfake_detector.export import formats

    def find_nothing(path, images):
        return {"boxes": np.zeros((len(images), 5, 4)), "scores": np.zeros((len(images), 5, 2))}

    monkeypatch.setitem(formats.RUNNERS, "detector.onnx", find_nothing)
    EXPORTED.mkdir()
    (EXPORTED / "before.txt").write_text("before")
    with pytest.raises(ValueError, match=r"detector\.onnx: \d+ of \d+ faces"):
        export.export(project)
    assert [path.name for path in EXPORTED.iterdir()] == ["before.txt"]
