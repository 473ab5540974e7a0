from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.training.checkpoints import remove_checkpoints
from deepfake_detector.training.ssd import (
    make_optimizer,
    make_schedule,
    shorten_epochs,
    train_ssd,
)

PROJECT_PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def change(params: Params, **changes) -> Params:
    """Give params with values at dotted names (with __ for the dot) replaced."""
    values = params.model_dump(by_alias=True)
    for name, value in changes.items():
        section, *rest = name.split("__")
        target = values[section]
        for part in rest[:-1]:
            target = target[part]
        target[rest[-1]] = value
    return Params.model_validate(values)


TINY = change(
    PROJECT_PARAMS,
    train__epochs=2,
    train__steps_per_epoch=2,
    train__batch_size=2,
    detector__image_size_px=300,
    train__init="none",
)


def draw_face(label, place, size=300):
    """A picture with one plain face on noise: real ones are round, fake ones square."""
    random = np.random.default_rng(place)
    image = random.integers(60, 100, (size, size, 3), dtype=np.uint8)
    left, top = 30 + 20 * (place % 4), 40 + 15 * (place % 3)
    if label == 1:
        cv2.ellipse(image, (left + 50, top + 60), (50, 60), 0, 0, 360, (200, 170, 150), -1)
    else:
        cv2.rectangle(image, (left, top), (left + 100, top + 120), (150, 170, 200), -1)
    box = np.float32([[left, top, left + 100, top + 120]]) / size
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    whole = np.float32([[0, 0, 1, 1]])
    return FrameRecord(jpeg, box, np.array([label]), [jpeg], whole, "", place, size, size)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Eight images: four real faces, four fake ones."""
    folder = tmp_path_factory.mktemp("shards")
    paths = [folder / "real.mp4.tfrecord", folder / "fake.mp4.tfrecord"]
    for label, path in enumerate(paths, start=1):
        name = path.name.removesuffix(".tfrecord")
        records = [draw_face(label, place) for place in range(4)]
        write_shard(path, [FrameRecord(**(vars(record) | {"video": name})) for record in records])
    return Shards(train=paths, validation=paths)


def run(params, shards, folder, fingerprint="same", stop_after=None):
    reported = []

    def report(row):
        reported.append(row)
        if row["epoch"] == stop_after:
            raise KeyboardInterrupt

    train_ssd(params, shards, folder, fingerprint, report)
    return reported


def test_an_interrupted_training_goes_on_and_ends_as_an_uninterrupted_one(shards, tmp_path):
    whole = run(TINY, shards, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(TINY, shards, tmp_path / "killed", stop_after=1)
    resumed = run(TINY, shards, tmp_path / "killed")
    assert [row["epoch"] for row in resumed] == [2]  # the first one was reported before
    history = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    for name in ("train_loss", "validation_loss", "learning_rate"):
        assert resumed[0][name] == pytest.approx(whole[1][name], rel=1e-3)
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == [
        "detector.keras",
        "history.csv",
        "last.keras",
    ]
    remove_checkpoints(tmp_path / "killed")
    assert not (tmp_path / "killed_unfinished").exists()


def test_a_training_of_something_else_starts_anew(shards, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(TINY, shards, tmp_path / "train", stop_after=1)
    reported = run(TINY, shards, tmp_path / "train", fingerprint="other")
    assert [row["epoch"] for row in reported] == [1, 2]


def test_training_overfits_eight_images(shards, tmp_path):
    params = change(
        PROJECT_PARAMS,
        train__init="imagenet",
        train__epochs=1,
        train__steps_per_epoch=30,
        train__batch_size=8,
        train__freeze_batch_norm=False,
        train__augmentation__expand_prob=0.0,
        train__augmentation__crop_prob=0.0,
        train__augmentation__recompress_prob=0.0,
        train__augmentation__downscale_prob=0.0,
        train__schedule__warmup_epochs=0,
    )
    row = run(params, shards, tmp_path / "train")[-1]
    assert row["validation_ap_real"] > 0.95
    assert row["validation_ap_fake"] > 0.95


class CallsAllFakes:
    """Stands for a face classifier; remembers the crops that it is shown."""

    crop_scale, crop_px, fusion_weight, min_detection_score = 1.5, 32, 1.0, 0.1

    def __init__(self):
        self.shown = []

    def predict_on_batch(self, crops):
        self.shown.append(crops.shape)
        return np.full(len(crops), 9.0, np.float32)


def test_the_epoch_is_measured_with_the_labels_of_the_face_classifier(shards, tmp_path):
    reported, classifier = [], CallsAllFakes()
    params = change(TINY, train__epochs=1, detector__detections__score_threshold=0.01)
    train_ssd(params, shards, tmp_path / "train", "", reported.append, classifier)
    alone = run(params, shards, tmp_path / "alone")
    assert all(shape[1:] == (32, 32, 3) for shape in classifier.shown)
    assert reported[0]["train_loss"] == pytest.approx(alone[0]["train_loss"])
    same = "validation_class_agnostic_ap_50_95"
    assert reported[0][same] == pytest.approx(alone[0][same], nan_ok=True)


@pytest.mark.parametrize(("steps", "expected"), [(24, 2), (1000, 100), (3, 1)])
def test_a_trained_start_takes_a_tenth_of_the_steps_and_all_epochs(steps, expected):
    changes = {"train__epochs": 15, "train__finetune_fraction": 0.1}
    short = shorten_epochs(change(PROJECT_PARAMS, train__steps_per_epoch=steps, **changes))
    assert short == change(PROJECT_PARAMS, train__steps_per_epoch=expected, **changes)


def rates(params, epochs):
    schedule = make_schedule(params)
    steps = params.steps_per_epoch
    return [float(schedule(keras.ops.convert_to_tensor(epoch * steps))) for epoch in epochs]


def test_the_2020_schedule_divides_by_ten_after_epochs_8_and_12():
    params = change(
        PROJECT_PARAMS,
        train__schedule__name="step_decay",
        train__schedule__learning_rate=1e-3,
        train__schedule__milestones=[8, 12],
    ).train
    last_step = 1 - 1 / params.steps_per_epoch
    assert rates(params, [0, 7 + last_step, 8, 11 + last_step, 12]) == pytest.approx(
        [1e-3, 1e-3, 1e-4, 1e-4, 1e-5]
    )


def test_gradients_are_clipped_unless_the_norm_is_0():
    assert make_optimizer(PROJECT_PARAMS.train).global_clipnorm == 5.0
    unclipped = change(PROJECT_PARAMS, train__optimizer__clip_norm=0.0).train
    assert make_optimizer(unclipped).global_clipnorm is None


def test_the_cosine_rises_in_the_warm_up_and_falls_to_nothing():
    params = change(
        PROJECT_PARAMS,
        train__epochs=11,
        train__schedule__learning_rate=1.0,
        train__schedule__warmup_epochs=1,
    ).train
    first, peak, half, last = rates(params, [0, 1, 6, 11])
    assert first == pytest.approx(0.01, abs=1e-6)
    assert peak == pytest.approx(1.0, abs=1e-3)
    assert half == pytest.approx(0.5, abs=1e-2)
    assert last == pytest.approx(0.0, abs=1e-6)
