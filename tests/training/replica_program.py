"""One process of a training of two epochs, as `train` does it; at will in two goes.

`python replica_program.py FOLDER`, with `settings.json` in FOLDER; writes `losses.json`, losses
of each step, and on the chief `history.csv` and the detector in FOLDER/train.
"""

import json
import sys
from pathlib import Path
from unittest import mock

import keras
import tensorflow as tf

from deepfake_detector.common.labels import LABEL_COUNT
from deepfake_detector.config.schema import DetectorParams, Params
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models.ssd.anchors import count_anchors
from deepfake_detector.training import ssd
from deepfake_detector.training.replicas import find_replicas

LOSSES = ("loss", "box_loss", "class_loss")


def build_small(params: DetectorParams) -> keras.Model:
    """Build an SSD of few layers, with batch normalization that learns, as the real one has it."""
    size = params.image_size_px
    image = keras.Input((size, size, 3), name="image")
    x, rows = keras.layers.Rescaling(1 / 128, -1)(image), {"box": [], "label": []}
    for number, count in enumerate(count_anchors(params.anchors)):
        stride = (8, 2, 2, 2, 2, 3)[number]
        x = keras.layers.Conv2D(12, 3, stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization(momentum=0.9)(x))
        for name, width in (("box", 4), ("label", LABEL_COUNT)):
            style = {"kernel_regularizer": keras.regularizers.L2(1e-3), "name": f"{name}_{number}"}
            predicted = keras.layers.Conv2D(count * width, 3, padding="same", **style)(x)
            rows[name].append(keras.layers.Reshape((-1, width))(predicted))
    outputs = {name: keras.layers.Concatenate(axis=1)(each) for name, each in rows.items()}
    return keras.Model(image, outputs)


class WatchSteps(keras.callbacks.Callback):
    """Keeps the losses of each step, of the means of an epoch so far that `fit` reports."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self._before = [0.0] * len(LOSSES)

    def on_train_batch_end(self, batch, logs=None):
        sums = [(batch + 1) * float(logs[name]) for name in LOSSES]
        self.steps.append(
            [total - before for total, before in zip(sums, self._before, strict=True)]
        )
        self._before = sums


def train_and_watch(
    folder: Path, params: Params, shards: Shards, fingerprint: str, stops: bool
) -> list:
    """Train, or stop after the first epoch and go on; return the losses of all steps."""
    watch, fit = WatchSteps(), ssd.fit

    def fit_and_watch(trainer, params, shards, done, callbacks):
        fit(trainer, params, shards, done, [watch, *callbacks])

    def report(row):
        watch.model.stop_training = stops and row["epoch"] == 1

    replicas = find_replicas(params.train)
    if replicas is not None:
        replicas.check_same_work(fingerprint)
    with mock.patch.multiple(ssd, fit=fit_and_watch, build_detector=build_small):
        for _ in range(1 + stops):
            if replicas is None or replicas.is_chief:
                ssd.train_ssd(params, shards, folder / "train", fingerprint, report)
            else:
                ssd.help_train_ssd(params, shards.train)
    return watch.steps


def main(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    devices = [tf.config.LogicalDeviceConfiguration()] * settings["devices"]
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, devices)
    params = Params.model_validate(settings["params"])
    paths = [Path(path) for path in settings["shards"]]
    asked = settings["fingerprint"], settings["stops"]
    steps = train_and_watch(folder, params, Shards(paths, paths), *asked)
    (folder / "losses.json").write_text(json.dumps(steps))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
