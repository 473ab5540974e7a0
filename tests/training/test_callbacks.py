import math

import keras
import numpy as np
import pytest

from deepfake_detector.training.callbacks import ProgressBar, ProgressInfo, ValidationCheckpoint
from deepfake_detector.training.checkpoints import Checkpoint

INFO = ProgressInfo("network", "train.schedule.learning_rate", 9, 1, 4)


def fit(folder, scores, epochs, patience=None):
    """Train one weight; the `n`th epoch has the `n`th score. Return what is reported."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    network.optimizer.build(network.trainable_variables)
    checkpoint, reported = Checkpoint(folder, "network", ""), []
    done = checkpoint.restore(network, network.optimizer, kept=network)

    def evaluate():
        return {"validation_score": scores[len(checkpoint.history)]}

    validation = ValidationCheckpoint(
        evaluate, lambda row: (row["validation_score"],), checkpoint, reported.append, patience
    )
    data = np.ones((4, 1), np.float32)
    network.fit(data, data, epochs=epochs, initial_epoch=done, verbose=0,
                callbacks=[ProgressBar(INFO, done), validation])  # fmt: skip
    return reported, checkpoint, validation


def test_a_row_has_losses_validation_learning_rate_and_speed(tmp_path):
    (row,), _, _ = fit(tmp_path / "out", [0.5], epochs=1)
    assert list(row) == ["epoch", "train_loss", "validation_score", "learning_rate",
                         "images_per_second"]  # fmt: skip
    assert (row["epoch"], row["validation_score"]) == (1, 0.5)
    assert row["learning_rate"] == pytest.approx(0.01)
    assert row["images_per_second"] > 0


def test_epochs_that_a_resumed_training_finds_are_not_reported_again(tmp_path):
    fit(tmp_path / "out", [0.5, 0.6], epochs=2)
    reported, checkpoint, _ = fit(tmp_path / "out", [0.5, 0.6, 0.7], epochs=3)
    assert [row["epoch"] for row in reported] == [3]
    assert [row["validation_score"] for row in checkpoint.history] == [0.5, 0.6, 0.7]


def test_the_file_of_the_best_epoch_is_kept(tmp_path):
    _, checkpoint, _ = fit(tmp_path / "out", [0.5, 0.9, 0.6], epochs=3)
    checkpoint.publish(tmp_path / "out")
    best, last = (
        keras.models.load_model(tmp_path / "out" / name).get_weights()[0]
        for name in ("network.keras", "last.keras")
    )
    assert best != last


def test_a_training_stops_after_so_many_epochs_without_a_better_one(tmp_path):
    reported, _, validation = fit(tmp_path / "out", [0.5, 0.9, 0.6, 0.6, 1.0], 5, patience=2)
    assert [row["epoch"] for row in reported] == [1, 2, 3, 4]
    assert validation.has_stopped()
    _, _, resumed = fit(tmp_path / "out", [], epochs=4, patience=2)
    assert resumed.has_stopped()


def test_a_loss_that_is_not_finite_stops_with_the_batch_named():
    bar = ProgressBar(INFO, done=0)
    bar.on_epoch_begin(2)
    bar.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(FloatingPointError, match="epoch 3, batch 8: the loss is nan"):
        bar.on_train_batch_end(7, {"loss": math.nan})
