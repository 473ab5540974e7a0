"""The face classifier trains on Keras' JAX backend, too: in a process of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

from code_map import PROJECT, SOURCE

TRAIN_ONE_STEP = """
import math, sys
sys.modules["tensorflow"] = None  # as where it is not installed
from pathlib import Path

import cv2
import keras
import numpy as np

from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models import face_classifier
from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.train_classifier import FaceClassifierPlan, train_network

assert keras.backend.backend() == "jax"

def build_small(crop_px):
    image = keras.Input((crop_px, crop_px, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, 2)(image))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))

face_classifier._build_features = build_small  # the loop is tested, not the network
folder, params_file = Path(sys.argv[1]), Path(sys.argv[2])
box, window = np.array([[0.3, 0.3, 0.7, 0.7]]), np.array([[0.1, 0.1, 0.9, 0.9]])
paths = []
for label, video in enumerate(("real.mp4", "fake.mp4"), start=1):
    picture = np.random.default_rng(label).integers(0, 255, (60, 60, 3), np.uint8)
    crop = cv2.imencode(".jpg", picture)[1].tobytes()
    record = FrameRecord(crop, box, np.array([label]), [crop], window, video, 0, 75, 75)
    paths.append(folder / f"{video}.tfrecord")
    write_shard(paths[-1], [record])
changes = {"crop_px": 32, "epochs": 2, "max_steps_per_epoch": 1, "pairs_per_batch": 2}
params = load_params(params_file).face_classifier.model_copy(update=changes)
sources = {"real.mp4": "one", "fake.mp4": "one"}
plan = FaceClassifierPlan(params, "none", 1.0, sources, 3, "")
reported = []

def stop(row):
    reported.append(row)
    raise KeyboardInterrupt

for report in (stop, reported.append):
    checkpoint = Checkpoint(folder / "train", "one", "")
    try:
        network = train_network(plan, 1, Shards(paths, paths), checkpoint, report)
    except KeyboardInterrupt:
        pass
assert [row["epoch"] for row in reported] == [1, 2], reported
assert all(math.isfinite(row["train_loss"]) for row in reported)
assert network.predict_on_batch(np.zeros((1, 32, 32, 3), np.float32)).shape == (1,)
"""


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="jax is not installed; `pip install jax` beside the project's packages runs this",
)
def test_the_face_classifier_trains_and_goes_on_under_jax_without_tensorflow(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(SOURCE)}
    environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    command = [sys.executable, "-c", TRAIN_ONE_STEP, tmp_path, PROJECT / "params.yaml"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
