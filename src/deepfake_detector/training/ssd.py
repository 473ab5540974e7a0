"""Training a detector: the loss over matched anchors, the optimizer, and `fit`.

Liu et al. 2016 (SSD), section 2.2. What happens after each epoch is in `callbacks` and
`epoch_validation`.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from deepfake_detector.config.schema import OptimizerParams, Params, TrainParams
from deepfake_detector.data.loading.training_batches import (
    WHOLE,
    Share,
    make_training_batches,
)
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.initial_weights import initialize_ssd
from deepfake_detector.models.ssd.anchor_matching import make_targets
from deepfake_detector.models.ssd.loss import divide_loss, sum_loss
from deepfake_detector.models.ssd.network import (
    build_detector,
    build_inference_model,
    make_detector_anchors,
)
from deepfake_detector.training.callbacks import ProgressBar, ProgressInfo, ValidationCheckpoint
from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.epoch_validation import SsdValidator
from deepfake_detector.training.model_selection import rank_ssd_epoch
from deepfake_detector.training.replicas import find_replicas
from deepfake_detector.training.replicated_fit import ReplicatedTraining


class DetectorTrainer(keras.Model):
    """A detector with the SSD loss, for `fit`. Faces are matched to anchors on the device.

    `fit` takes images [B, S, S, 3] and `{"boxes": [B, N, 4], "labels": [B, N]}`, and reports
    `loss` with its parts `box_loss` and `class_loss`.
    """

    def __init__(self, detector: keras.Model, params: Params):
        super().__init__(name="detector_trainer")
        self.detector = detector
        self._anchors = make_detector_anchors(detector, params.detector)
        self._detector_params, self._loss_params = params.detector, params.train.loss
        self._box_loss = keras.metrics.Mean(name="box_loss")
        self._class_loss = keras.metrics.Mean(name="class_loss")

    def call(self, images, training=None):
        return self.detector(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Compute the SSD loss and the weights' regularization of a batch: a scalar."""
        box_loss, class_loss = self.compute_parts(y, y_pred)
        self._box_loss.update_state(box_loss)
        self._class_loss.update_state(class_loss)
        return box_loss + class_loss + sum(self.losses)

    def compute_parts(self, faces, outputs):
        """Compute box loss and class loss, two scalars, from a batch's faces and outputs."""
        return self.divide_parts(*self.sum_parts(faces, outputs))

    def divide_parts(self, location, label, positives):
        """Compute box loss and class loss from what `sum_parts` returns, of a whole batch."""
        return divide_loss(location, label, positives, self._loss_params)

    def sum_parts(self, faces, outputs):
        """Sum what the losses are made of over a batch, or a part of one: three scalars."""
        targets = make_targets(
            faces["boxes"],
            faces["labels"],
            self._anchors,
            self._detector_params.anchors.variances,
            self._detector_params.matching,
        )
        return sum_loss(*targets, outputs["box"], outputs["label"], self._loss_params)


def train_ssd(
    params: Params,
    shards: Shards,
    folder: Path,
    fingerprint: str,
    report: Callable[[dict], None],
    classifier: FaceClassifier | None = None,
) -> None:
    """Train the SSD, or go on where an interrupted training of the same fingerprint stopped.

    Args:
        folder: gets `detector.keras` (best epoch on validation, see `model_selection`),
            `last.keras` and `history.csv` in the end; they also stay in a checkpoint beside it
            (`checkpoints.remove_checkpoints`), so that what follows may be interrupted, too.
        fingerprint: names everything the result depends on.
        report: called with each row of `history.csv`, but for epochs of an interrupted training.
        classifier: labels the faces found on validation; None: the SSD's own labels count.

    Raises:
        FloatingPointError: the loss is not finite; the message names epoch and batch.
    """
    trainer, params = start_trainer(params)
    inference_model = build_inference_model(trainer.detector, params.detector)
    checkpoint = Checkpoint(folder, "detector", fingerprint)
    done = checkpoint.restore(trainer.detector, trainer.optimizer, kept=inference_model)
    validator = SsdValidator(trainer, inference_model, classifier, shards.validation, params)
    patience = params.train.early_stopping_epochs
    validation = ValidationCheckpoint(
        validator.measure, rank_ssd_epoch, checkpoint, report, patience
    )
    done = params.train.epochs if validation.has_stopped() else done
    fit(trainer, params, shards.train, done, [validation])
    checkpoint.publish(folder)


def help_train_ssd(params: Params, shards: list[Path]) -> None:
    """Train replicas of the SSD that the chief trains, measures and keeps on another machine.

    Args:
        shards: of the train split.

    Raises:
        FloatingPointError: the loss is not finite; the message names epoch and batch.
        ConnectionError: a machine has gone.
    """
    trainer, params = start_trainer(params)
    fit(trainer, params, shards, 0, [])


def start_trainer(params: Params) -> tuple[DetectorTrainer, Params]:
    """Make a trainer with the weights to start from, and the params that fit them."""
    keras.utils.set_random_seed(params.seed)
    detector = build_detector(params.detector)
    if initialize_ssd(detector, params.detector, params.train.init):
        params = shorten_epochs(params)
    return make_trainer(detector, params), params


def fit(
    trainer: DetectorTrainer,
    params: Params,
    shards: list[Path],
    done: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Train the epochs that are left, on what `train.strategy` names.

    Args:
        done: epochs; the chief's number counts.
        callbacks: beside the progress bar.
    """
    replicas = find_replicas(params.train)
    if replicas is not None:
        done = int(replicas.broadcast(np.array([float(done)]))[0])
    if done >= params.train.epochs:
        return
    callbacks = [ProgressBar(make_ssd_progress(params.train), done), *callbacks]
    if replicas is None:
        trainer.fit(
            make_batches(params, shards, done),
            epochs=params.train.epochs,
            initial_epoch=done,
            steps_per_epoch=params.train.steps_per_epoch,
            callbacks=callbacks,
            shuffle=False,  # the stream is
            verbose=0,
        )
        return
    training = ReplicatedTraining(
        replicas,
        lambda: make_trainer(build_detector(params.detector), params),
        lambda done: make_batches(params, shards, done, replicas.share),
        params.train.steps_per_epoch,
    )
    training.fit(trainer, range(done, params.train.epochs), callbacks)


def shorten_epochs(params: Params) -> Params:
    """Return params with fewer steps an epoch, for a detector that is trained already."""
    steps = max(1, round(params.train.finetune_fraction * params.train.steps_per_epoch))
    return params.model_copy(
        update={"train": params.train.model_copy(update={"steps_per_epoch": steps})}
    )


def make_trainer(detector: keras.Model, params: Params) -> DetectorTrainer:
    """Make a trainer of a detector, with its optimizer."""
    if params.train.freeze_batch_norm:
        freeze_batch_norm(detector)
    trainer = DetectorTrainer(detector, params)
    trainer.compile(optimizer=make_optimizer(params.train))
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def make_batches(params: Params, shards: list[Path], done: int, share: Share = WHOLE):
    """Make the endless training batches, or parts, from those on that follow `done` epochs."""
    return make_training_batches(
        shards,
        params.train.batch_size,
        params.detector.image_size_px,
        params.train.max_faces,
        params.train.augmentation,
        params.seed,
        skipped_batches=done * params.train.steps_per_epoch,
        share=share,
    )


def make_ssd_progress(params: TrainParams) -> ProgressInfo:
    """Say what there is to do, for the progress bar."""
    return ProgressInfo(
        name="train",
        rate="train.schedule.learning_rate",
        epochs=params.epochs,
        steps_per_epoch=params.steps_per_epoch,
        images_per_step=params.batch_size,
    )


def make_optimizer(params: TrainParams) -> keras.optimizers.Optimizer:
    """Make the optimizer with its learning-rate schedule; weight decay spares norms and biases."""
    settings: OptimizerParams = params.optimizer
    options = {
        "learning_rate": make_schedule(params),
        "global_clipnorm": settings.clip_norm or None,
        "weight_decay": settings.weight_decay or None,
    }
    if settings.name == "adam":
        optimizer = keras.optimizers.Adam(**options)
    else:
        optimizer = keras.optimizers.SGD(momentum=0.9, **options)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "scale"])
    return optimizer


def make_schedule(params: TrainParams) -> keras.optimizers.schedules.LearningRateSchedule:
    """Make the learning rate over steps: warm-up and cosine, or divided by ten at epochs."""
    steps, schedule = params.steps_per_epoch, params.schedule
    if schedule.name == "step_decay":
        rates = [schedule.learning_rate / 10**drop for drop in range(len(schedule.milestones) + 1)]
        boundaries = [epoch * steps - 1 for epoch in schedule.milestones]  # last step before
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
    warmup = schedule.warmup_epochs * steps
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=schedule.learning_rate / 100 if warmup else schedule.learning_rate,
        decay_steps=max(params.epochs * steps - warmup, 1),
        warmup_target=schedule.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def freeze_batch_norm(detector: keras.Model) -> None:
    """Keep the pretrained statistics: batches are small, and a step takes half the time."""
    for layer in detector.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.startswith("_"):
            layer.trainable = False


def count_parameters(detector: keras.Model) -> int:
    """Count the numbers a detector has learned."""
    return int(sum(np.prod(weight.shape) for weight in detector.trainable_weights))
