"""What happens after each epoch: validation, the history, the best epoch, and a checkpoint."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from tqdm import tqdm

from deepfake_detector.config.schema import Params
from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.epoch_validation import Validation
from deepfake_detector.training.model_selection import find_objective

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProgressInfo:
    """What a training is to do, for its progress: `name` is shown, `rate` names a parameter."""

    name: str
    rate: str
    epochs: int
    steps_per_epoch: int
    images_per_step: int


class ProgressBar(keras.callbacks.Callback):
    """Shows progress in images/s with the time left, and stops when the loss is not finite."""

    def __init__(self, work: ProgressInfo, done: int):
        super().__init__()
        self._work, self._epoch = work, done
        images_per_epoch = work.steps_per_epoch * work.images_per_step
        self._bar = tqdm(
            total=work.epochs * images_per_epoch,
            initial=done * images_per_epoch,
            unit=" images",
            desc=work.name,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"epoch {self._epoch}, batch {batch + 1}: the loss is {logs['loss']}; lower "
                f"{self._work.rate}, or look for broken boxes in the annotations"
            )
        self._bar.set_postfix(epoch=self._epoch, loss=f"{logs['loss']:.3f}", refresh=False)
        self._bar.update(self._work.images_per_step)

    def on_train_end(self, logs=None):
        self._bar.close()


class EpochEnd(keras.callbacks.Callback):
    """Validates, keeps and reports each epoch; goes on from and tidies up its checkpoint."""

    def __init__(
        self,
        model,
        inference_model: keras.Model,
        validation: list[Path],
        params: Params,
        folder: Path,
        fingerprint: str,
        report: Callable,
    ):
        super().__init__()
        self._trained, self._finder = model, inference_model
        self._params, self._folder, self._report = params.train, folder, report
        self._objective = find_objective(params)
        self._checkpoint = Checkpoint(folder, "detector", fingerprint)
        self._validation = Validation(model, inference_model, validation, params)
        self._history: list[dict] = []
        self._started = time.monotonic()

    def resume(self) -> int:
        """Take up the checkpoint where one fits; give the number of finished epochs."""
        self._history = self._checkpoint.restore(self._trained.detector, self._trained.optimizer)
        for row in self._history:
            self._report(row["epoch"], row)
        if self._history:
            logger.info("train: going on after epoch %d", len(self._history))
        return len(self._history)

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._started
        optimizer = self._trained.optimizer
        row = {
            "epoch": epoch + 1,
            "train_loss": logs["loss"],
            "train_box_loss": logs["box_loss"],
            "train_class_loss": logs["class_loss"],
            **self._validation.run(),
            "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
            "images_per_second": self._params.steps_per_epoch * self._params.batch_size / seconds,
        }
        self._history.append(row)
        is_best = self._best() == len(self._history)
        self._checkpoint.save(
            self._trained.detector, optimizer, self._finder, self._history, is_best
        )
        self._report(row["epoch"], row)
        if self.has_stopped():
            logger.info(
                "train: no better epoch on validation for %d epochs, stopping early",
                self._params.early_stopping_epochs,
            )
            self._trained.stop_training = True

    def has_stopped(self) -> bool:
        """Tell whether early stopping has ended this training."""
        return len(self._history) - self._best() >= self._params.early_stopping_epochs

    def _best(self) -> int:
        return find_best_epoch(self._history, self._objective)

    def finish(self) -> None:
        """Copy what is kept to the training's folder."""
        self._checkpoint.publish(self._folder)


def find_best_epoch(history: list[dict], objective: str) -> int:
    """Find the best epoch, from 1, the first of equals; 0 without any.

    Args:
        history: rows of `history.csv`.
        objective: the column to go by, from `find_objective`; NaN is worst.
    """
    scores = [row[objective] for row in history]
    scores = [-math.inf if math.isnan(score) else score for score in scores]
    return scores.index(max(scores)) + 1 if scores else 0
