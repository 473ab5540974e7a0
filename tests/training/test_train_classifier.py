import zipfile
from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading.crop_index import list_crops
from deepfake_detector.data.loading.face_pairs import FacePairSampler, group_crops
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models import face_classifier as model_module
from deepfake_detector.models.face_classifier import build_face_classifier
from deepfake_detector.training import train_classifier as module
from deepfake_detector.training.checkpoints import Checkpoint, remove_checkpoints
from deepfake_detector.training.train_classifier import (
    FaceClassifierPlan,
    PairBatches,
    count_steps,
    make_classifier_loss,
    make_classifier_optimizer,
    train_face_classifier,
    train_network,
)

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").face_classifier
TINY = PARAMS.model_copy(
    update={
        "crop_px": 32,
        "dropout": 0.0,  # whose masks a resumed training draws anew
        "ensemble_size": 2,
        "epochs": 2,
        "max_steps_per_epoch": 2,
        "pairs_per_batch": 2,
        "validation_frames": 3,
    }
)
SOURCES = {"real.mp4": "one", "fake.mp4": "one"}
BOX, WINDOW = np.array([[0.3, 0.3, 0.7, 0.7]]), np.array([[0.1, 0.1, 0.9, 0.9]])


@pytest.fixture(scope="module", autouse=True)
def small_network():
    """Train a network of one convolution: what is tested here is its training."""

    def build_features(crop_px):
        image = keras.Input((crop_px, crop_px, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(4, 3, 2, use_bias=False)(x)  # Adam would follow its noise
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "_build_features", build_features)
        yield


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder, paths = tmp_path_factory.mktemp("shards"), []
    for label, video in enumerate(SOURCES, start=1):
        pictures = np.random.default_rng(label).integers(0, 255, (4, 60, 60, 3), np.uint8)
        crops = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
        records = [
            FrameRecord(crop, BOX, np.array([label]), [crop], WINDOW, video, frame, 75, 75)
            for frame, crop in enumerate(crops)
        ]
        paths.append(folder / f"{video}.tfrecord")
        write_shard(paths[-1], records)
    return Shards(train=paths, validation=paths)


def run(shards, folder, fingerprint="same", stop_after=None):
    reported = []

    def report(row):
        reported.append(row)
        if (row["network"], row["epoch"]) == stop_after:
            raise KeyboardInterrupt

    train_face_classifier(
        FaceClassifierPlan(TINY, "none", 0.5, SOURCES, 3, fingerprint), shards, folder, report
    )
    return reported


def list_epochs(rows):
    return [(row["network"], row["epoch"]) for row in rows]


def test_an_interrupted_training_goes_on_and_ends_as_an_uninterrupted_one(shards, tmp_path):
    whole = run(shards, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(shards, tmp_path / "killed", stop_after=(2, 1))
    resumed = run(shards, tmp_path / "killed")
    assert list_epochs(resumed) == [(2, 2)]  # the others were reported before
    for name in ("train_loss", "validation_loss", "learning_rate"):
        assert resumed[0][name] == pytest.approx(whole[-1][name], rel=1e-3)
    folder = tmp_path / "killed/face_classifier"
    history = pd.read_csv(folder / "history.csv")
    assert list_epochs(history.to_dict("records")) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    names = ["face_classifier.keras", "history.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    classifier = keras.models.load_model(
        folder / "face_classifier.keras", safe_mode=True, compile=False
    )
    assert classifier.ensemble_size == 2
    assert classifier.predict_on_batch(np.zeros((1, 32, 32, 3), np.float32)).shape == (1,)
    remove_checkpoints(tmp_path / "killed")
    assert not (tmp_path / "killed_unfinished").exists()


def test_a_training_of_something_else_starts_anew(shards, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(shards, tmp_path / "train", stop_after=(1, 1))
    again = run(shards, tmp_path / "train", "other")
    assert list_epochs(again) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert again[0]["train_loss"] != again[2]["train_loss"]  # networks differ in their seed


def test_an_epoch_grows_with_the_sources_up_to_its_most_steps():
    params = PARAMS.model_copy(
        update={"pairs_per_source": 8, "pairs_per_batch": 4, "max_steps_per_epoch": 10}
    )
    assert [count_steps([None] * sources, params) for sources in (1, 3, 50)] == [2, 6, 10]
    small = params.model_copy(update={"pairs_per_source": 1})
    assert count_steps([None], small) == 1


def test_a_batch_has_real_and_fake_in_turn_and_follows_from_seed_and_epoch(shards):
    maker = FacePairSampler(group_crops(list_crops(shards.train), SOURCES), TINY)
    batches = PairBatches(maker, TINY, seed=5, steps=2, done=0)
    crops, labels = batches[1]
    assert crops.shape == (4, 32, 32, 3)
    assert crops.dtype == np.float32
    assert labels.tolist() == [0, 1, 0, 1]
    batches.on_epoch_end()
    resumed = PairBatches(maker, TINY, seed=5, steps=2, done=1)
    assert np.array_equal(batches[1][0], resumed[1][0])
    assert not np.array_equal(resumed[1][0], crops)


def test_the_learning_rate_rises_and_falls_to_nothing():
    rate = make_classifier_optimizer(PARAMS, 100)._learning_rate
    whole = 100 * PARAMS.epochs
    rates = [float(rate(step)) for step in (0, round(0.07 * whole), whole)]
    assert rates == pytest.approx([PARAMS.learning_rate / 50, PARAMS.learning_rate, 0], abs=1e-9)


def assert_alike(arrays, others, **tolerance):
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_allclose(array, other, **tolerance)


def copy_weights(network):
    return [np.array(variable, copy=True) for variable in network.trainable_variables]


def train_one(shards, folder, epochs, report=lambda row: None):
    params = TINY.model_copy(update={"epochs": epochs, "ema_momentum": 0.5})
    plan = FaceClassifierPlan(params, "none", 0.5, SOURCES, 3, "")
    checkpoint = Checkpoint(folder, "one", "")
    return train_network(plan, 1, shards, checkpoint, report)


def test_what_is_kept_are_the_averages_and_training_goes_on_from_the_weights(
    shards, tmp_path, monkeypatch
):
    """Beside `fit`, the same steps by hand, with averages computed in NumPy."""
    built = []

    def build(params):
        built.append(build_face_classifier(params))
        return built[-1]

    monkeypatch.setattr(module, "build_face_classifier", build)
    monkeypatch.setattr(PairBatches, "on_epoch_end", lambda batches: None)  # every epoch alike
    swapped = []

    def report(row):
        swapped.append(copy_weights(built[0]))

    train_one(shards, tmp_path / "fit", 2, report)
    params = TINY.model_copy(update={"epochs": 2, "ema_momentum": 0.5})
    keras.utils.set_random_seed(3)
    sources = group_crops(list_crops(shards.train), SOURCES)
    steps = count_steps(sources, params)
    trainer = build_face_classifier(params)
    trainer.compile(make_classifier_optimizer(params, steps), make_classifier_loss(params))
    sampler = FacePairSampler(sources, params)
    averages, by_epoch = None, []
    batches = PairBatches(sampler, params, 3, steps, 0)
    for _ in range(2):
        for step in range(steps):
            trainer.train_on_batch(*batches[step])
            weights = copy_weights(trainer)
            if averages is None:
                averages = weights
                continue
            momentum = params.ema_momentum
            averages = [momentum * a + (1 - momentum) * w
                        for a, w in zip(averages, weights, strict=True)]  # fmt: skip
        by_epoch.append(averages)
    assert_alike(swapped[0], by_epoch[0], atol=1e-5)
    assert_alike(swapped[1], by_epoch[1], atol=1e-5)  # a step is 1e-3


def test_a_resumed_network_ends_with_the_very_weights_of_an_uninterrupted_one(shards, tmp_path):
    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    whole = train_one(shards, tmp_path / "whole", 3)
    with pytest.raises(KeyboardInterrupt):
        train_one(shards, tmp_path / "killed", 3, stop)
    resumed = train_one(shards, tmp_path / "killed", 3)
    assert_alike(resumed.get_weights(), whole.get_weights(), rtol=1e-4, atol=1e-6)


def test_the_file_of_a_classifier_holds_its_weights_and_no_optimizer(shards, tmp_path):
    train_one(shards, tmp_path / "train", 1)
    file = next((tmp_path / "train_unfinished/one").rglob("best.keras"))
    with zipfile.ZipFile(file) as content, content.open("model.weights.h5") as weights:
        assert b"optimizer" not in weights.read()
