"""What happens during a training and after each of its epochs, for every network alike.

`ProgressBar` shows progress and stops a training that diverges; `ValidationCheckpoint` measures,
ranks, keeps and reports each epoch.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
from tqdm import tqdm

from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.model_selection import Rank, find_best_epoch

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
    """Shows progress in images/s with the time left, and stops when the loss is not finite.

    Adds `images_per_second`, without the time of validation, to the logs of an epoch: it stands
    before other callbacks.
    """

    def __init__(self, work: ProgressInfo, done: int):
        super().__init__()
        self._work, self._epoch = work, done
        self._images_per_epoch = work.steps_per_epoch * work.images_per_step
        self._started = time.monotonic()
        self._bar = tqdm(
            total=work.epochs * self._images_per_epoch,
            initial=done * self._images_per_epoch,
            unit=" images",
            desc=work.name,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._started = epoch + 1, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"epoch {self._epoch}, batch {batch + 1}: the loss is {logs['loss']}; lower "
                f"{self._work.rate}, or look for broken boxes in the annotations"
            )
        self._bar.set_postfix(epoch=self._epoch, loss=f"{logs['loss']:.3f}", refresh=False)
        self._bar.update(self._work.images_per_step)

    def on_epoch_end(self, epoch, logs=None):
        logs["images_per_second"] = self._images_per_epoch / (time.monotonic() - self._started)

    def on_train_end(self, logs=None):
        self._bar.close()


class ValidationCheckpoint(keras.callbacks.Callback):
    """Measures each epoch on validation, keeps it and the best one, and reports its row.

    A row has `epoch` (from 1), `train_loss` and its parts, what `evaluate` returns,
    `learning_rate` and `images_per_second`. Epochs that a resumed training finds in its checkpoint
    are not reported again.

    Args:
        evaluate: measures the network as it is now: values by column.
        rank: of a row; the first of the epochs with the highest one is kept.
        checkpoint: where epochs are kept; `restore` has been called.
        report: called with each row, after it is kept.
        patience: the training stops after so many epochs without a better one; None: never.
    """

    def __init__(
        self,
        evaluate: Callable[[], dict[str, float]],
        rank: Rank,
        checkpoint: Checkpoint,
        report: Callable[[dict], None],
        patience: int | None = None,
    ):
        super().__init__()
        self._evaluate, self._rank, self._report = evaluate, rank, report
        self._checkpoint, self._patience = checkpoint, patience

    def on_epoch_end(self, epoch, logs=None):
        losses = {f"train_{key}": logs[key] for key in logs if key.endswith("loss")}
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        row = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in losses.items()},
            **self._evaluate(),
            "learning_rate": float(rate),
            "images_per_second": logs["images_per_second"],
        }
        history = [*self._checkpoint.history, row]
        self._checkpoint.save(row, is_best=find_best_epoch(history, self._rank) == len(history))
        self._report(row)
        if self.has_stopped():
            logger.info(
                "no better epoch on validation for %d epochs, stopping early", self._patience
            )
            self.model.stop_training = True

    def has_stopped(self) -> bool:
        """Return whether the training has stopped early, also one that was resumed."""
        history = self._checkpoint.history
        waited = len(history) - find_best_epoch(history, self._rank)
        return self._patience is not None and waited >= self._patience
