"""What happens after each epoch: validation, the history, the best epoch, and a checkpoint.

Everything an epoch leaves is written to one folder at once, so a training that is killed at any
moment goes on after its last finished epoch.
"""

import csv
import json
import logging
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from deepfake_detector.data.batches import make_evaluation_batches
from deepfake_detector.metrics import mean_average_precision
from deepfake_detector.params import Params, TrainParams
from deepfake_detector.prediction import batch_to_table, join_tables, read_truth

logger = logging.getLogger(__name__)

KEPT = ("detector.keras", "last.keras", "history.csv")
"""What a finished training leaves in its folder."""


class StepWatch(keras.callbacks.Callback):
    """Shows progress in images/s with the time left, and stops when the loss is not finite."""

    def __init__(self, params: TrainParams, done: int):
        super().__init__()
        self._params = params
        self._epoch = done
        self._bar = tqdm(
            total=params.epochs * params.steps_per_epoch * params.batch_size,
            initial=done * params.steps_per_epoch * params.batch_size,
            unit=" images",
            desc="train",
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"epoch {self._epoch}, batch {batch + 1}: the loss is {logs['loss']}; lower "
                "train.schedule.learning_rate, or look for broken boxes in the annotations"
            )
        self._bar.set_postfix(epoch=self._epoch, loss=f"{logs['loss']:.3f}", refresh=False)
        self._bar.update(self._params.batch_size)

    def on_train_end(self, logs=None):
        self._bar.close()


class EpochEnd(keras.callbacks.Callback):
    """Validates, keeps and reports each epoch; goes on from and tidies up its checkpoint."""

    def __init__(
        self,
        model,
        finder: keras.Model,
        validation: list[Path],
        params: Params,
        folder: Path,
        fingerprint: str,
        report: Callable,
    ):
        super().__init__()
        self._trained, self._finder = model, finder
        self._params, self._folder, self._report = params.train, folder, report
        self._overlap = params.evaluate.overlap
        self._checkpoint = Checkpoint(folder.with_name(f"{folder.name}_unfinished"), fingerprint)
        self._validation = Validation(model, finder, validation, params)
        self._history: list[dict] = []
        self._started = time.monotonic()

    def resume(self) -> int:
        """Take up the checkpoint where one fits; give the number of finished epochs."""
        self._history = self._checkpoint.restore(self._trained)
        for row in self._history:
            self._report(row["epoch"], row)
        if self._history:
            logger.info("train: going on after epoch %d", len(self._history))
        return len(self._history)

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._started
        optimiser = self._trained.optimizer
        row = {
            "epoch": epoch + 1,
            "train_loss": logs["loss"],
            "train_location_loss": logs["location_loss"],
            "train_label_loss": logs["label_loss"],
            **self._validation.run(),
            "learning_rate": float(keras.ops.convert_to_numpy(optimiser.learning_rate)),
            "images_per_second": self._params.steps_per_epoch * self._params.batch_size / seconds,
        }
        self._history.append(row)
        self._checkpoint.save(
            self._trained, self._finder, self._history, is_best=self._best() == len(self._history)
        )
        self._report(row["epoch"], row)
        if self.has_stopped():
            logger.info(
                "train: no better validation mAP for %d epochs, stopping early",
                self._params.early_stopping_epochs,
            )
            self._trained.stop_training = True

    def has_stopped(self) -> bool:
        """Tell whether early stopping has ended this training."""
        return len(self._history) - self._best() >= self._params.early_stopping_epochs

    def _best(self) -> int:
        """Give the best epoch by validation mAP, the first of equals; 0 before the first."""
        scores = [_rank(row["validation_map"]) for row in self._history]
        return scores.index(max(scores)) + 1 if scores else 0

    def finish(self) -> None:
        """Move what is kept to the training's folder and remove the checkpoint."""
        self._checkpoint.finish(self._folder)


def _rank(score: float) -> float:
    return -1.0 if math.isnan(score) else score


class Validation:
    """Losses and AP on the validation frames, in one pass over them."""

    def __init__(self, model, finder: keras.Model, shards: list[Path], params: Params):
        self._trained, self._shards = model, shards
        self._overlap = params.evaluate.overlap
        self._batch_size, self._size_px = params.train.batch_size, params.detector.image_size_px
        outputs = model.detector.output | finder.output
        self._predictor = keras.Model(finder.input, outputs)
        self._truth = read_truth(shards)

    def run(self) -> dict[str, float]:
        """Measure the model as it is now."""
        tables, losses, weights = [], [], []
        for images, faces in make_evaluation_batches(
            self._shards, self._batch_size, self._size_px
        ):
            outputs = self._predictor.predict_on_batch(images)
            losses.append([float(part) for part in self._trained.compute_parts(faces, outputs)])
            weights.append(len(images))
            tables.append(batch_to_table(outputs, faces))
        location, label = np.average(losses, axis=0, weights=weights)
        precision = mean_average_precision(join_tables(tables), self._truth, self._overlap)
        return {
            "validation_loss": float(location + label),
            "validation_location_loss": float(location),
            "validation_label_loss": float(label),
            "validation_ap_real": precision["ap_real"],
            "validation_ap_fake": precision["ap_fake"],
            "validation_map": precision["map"],
        }


class Checkpoint:
    """The last finished epoch on disk: weights, optimiser, history, best and last detector.

    An epoch is a folder that is renamed into place when it is complete.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self._folder, self._fingerprint = folder, fingerprint

    def restore(self, model) -> list[dict]:
        """Restore weights and optimiser; give the history, empty where nothing fits."""
        latest = self._find_latest()
        for epoch in self._folder.glob("epoch_*"):
            if epoch != latest:
                shutil.rmtree(epoch)
        if latest is None:
            return []
        model.detector.load_weights(latest / "detector.weights.h5")
        with np.load(latest / "optimiser.npz", allow_pickle=False) as saved:
            for index, variable in enumerate(model.optimizer.variables):
                variable.assign(saved[str(index)])
        with (latest / "history.csv").open(newline="") as file:
            return [_parse_row(row) for row in csv.DictReader(file)]

    def save(self, model, finder: keras.Model, history: list[dict], is_best: bool) -> None:
        """Save the epoch that just ended, then forget the one before."""
        before = self._find_latest()
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        model.detector.save_weights(partial / "detector.weights.h5")
        variables = model.optimizer.variables
        arrays = {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
        np.savez(partial / "optimiser.npz", **arrays)
        finder.save(partial / "last.keras")
        best = partial / "last.keras" if is_best else before / "detector.keras"
        shutil.copyfile(best, partial / "detector.keras")
        write_history(partial / "history.csv", history)
        (partial / "fingerprint.json").write_text(json.dumps(self._fingerprint))
        partial.rename(self._folder / f"epoch_{len(history):04d}")
        if before is not None:
            shutil.rmtree(before)

    def finish(self, folder: Path) -> None:
        """Copy what is kept into `folder` and remove the checkpoint."""
        latest = self._find_latest()
        folder.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copyfile(latest / name, folder / f".{name}")
            (folder / f".{name}").replace(folder / name)
        shutil.rmtree(self._folder)

    def _find_latest(self) -> Path | None:
        for epoch in sorted(self._folder.glob("epoch_*"), reverse=True):
            if json.loads((epoch / "fingerprint.json").read_text()) == self._fingerprint:
                return epoch
        return None


def write_history(path: Path, history: list[dict]) -> None:
    """Write one row an epoch."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def _parse_row(row: dict[str, str]) -> dict:
    return {key: int(value) if key == "epoch" else float(value) for key, value in row.items()}
