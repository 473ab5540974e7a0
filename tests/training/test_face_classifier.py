from math import nan
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
from deepfake_detector.training.checkpoints import remove_checkpoints
from deepfake_detector.training.face_classifier import (
    FaceClassifierPlan,
    PairBatches,
    count_steps,
    make_classifier_optimizer,
    train_face_classifier,
)
from deepfake_detector.training.face_classifier_epochs import choose_crops, rank_epoch
from deepfake_detector.training.ssd import Shards

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").face_classifier
TINY = PARAMS.model_copy(
    update={
        "weights": "none",
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
        FaceClassifierPlan(TINY, SOURCES, 3, fingerprint), shards, folder, report
    )
    return reported


def list_epochs(rows):
    return [(row["network"], row["epoch"]) for row in rows]


def test_an_interrupted_training_goes_on_and_ends_as_an_uninterrupted_one(shards, tmp_path):
    whole = run(shards, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(shards, tmp_path / "killed", stop_after=(2, 1))
    resumed = run(shards, tmp_path / "killed")
    assert list_epochs(resumed) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for name in ("train_loss", "validation_loss", "learning_rate"):
        expected = [row[name] for row in whole]
        assert [row[name] for row in resumed] == pytest.approx(expected, rel=1e-3)
    folder = tmp_path / "killed/face_classifier"
    history = pd.read_csv(folder / "history.csv")
    assert list_epochs(history.to_dict("records")) == list_epochs(resumed)
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


def test_the_best_epoch_tells_most_faces_apart():
    def rank(auc, loss):
        return rank_epoch({"validation_frame_auc": auc, "validation_loss": loss})

    assert rank(0.8, 0.9) > rank(0.7, 0.5)
    assert rank(0.8, 0.5) > rank(0.8, 0.9)
    assert rank(nan, 0.5) > rank(nan, 0.9) > rank(nan, nan)


def test_an_epoch_grows_with_the_sources_up_to_its_most_steps():
    params = PARAMS.model_copy(
        update={"pairs_per_source": 8, "pairs_per_batch": 4, "max_steps_per_epoch": 10}
    )
    assert [count_steps([None] * sources, params) for sources in (1, 3, 50)] == [2, 6, 10]
    small = params.model_copy(update={"pairs_per_source": 1})
    assert count_steps([None], small) == 1


def test_a_batch_has_real_and_fake_in_turn_and_follows_from_seed_and_epoch(shards):
    maker = FacePairSampler(group_crops(list_crops(shards.train), SOURCES), 32, 1.4, TINY.pairs)
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


def test_validation_looks_at_so_many_faces_of_each_video_spread_over_it(shards):
    crops = list_crops(shards.validation)
    chosen = choose_crops(crops, 2)
    assert [(crop.video, crop.frame) for crop in chosen] == [
        ("real.mp4", 0),
        ("real.mp4", 3),
        ("fake.mp4", 0),
        ("fake.mp4", 3),
    ]
    assert len(choose_crops(crops, 50)) == 8
