"""One trial of a study: values are chosen, their anchors measured, an SSD trained with them.

Frames are extracted once, the libraries are imported once, and nothing but the train and
validation shards is known here.
"""

import logging
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import optuna
import tensorflow as tf

from deepfake_detector.config.schema import Params
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.training import ssd
from deepfake_detector.training.model_selection import find_objective
from deepfake_detector.tuning.initial_trials import TrainingFaces
from deepfake_detector.tuning.study import MEAN_BEST_IOU, ORIGIN, REASON, RECALL, STUDIES, VALUES
from deepfake_detector.tuning.suggest import apply_values, suggest_values

INFEASIBLE = (FloatingPointError, MemoryError, tf.errors.ResourceExhaustedError)
"""What prunes a trial: the loss is not finite, or memory does not suffice for its values.

The sampler learns from a pruned trial to stay away; a failed one would teach it nothing."""

logger = logging.getLogger(__name__)


class TrialLog(Protocol):
    """What is told of a trial while it runs, such as its run in MLflow."""

    def begin_trial(self, trial: optuna.Trial, params: Params) -> None: ...

    def log_epoch(self, row: dict[str, float]) -> None: ...


@dataclass(frozen=True)
class TrialContext:
    """What all trials have in common.

    Attributes:
        params: those that a trial's values are put into.
        classifier: the file of the face classifier that labels the faces; None where the labels
            are those of the SSD.
    """

    params: Params
    shards: Shards
    faces: TrainingFaces
    classifier: Path | None
    log: TrialLog


def run_trial(trial: optuna.Trial, context: TrialContext) -> float:
    """Train with the values of a trial, and return the best objective of its epochs.

    Stopped from the keyboard, the trial fails, and its values wait for the next worker.

    Raises:
        optuna.TrialPruned: its anchors match too few faces, it does worse than others did, or it
            cannot be trained (`INFEASIBLE`); the reason is among its user attributes.
    """
    params = choose_params(trial, context.params)
    try:
        context.log.begin_trial(trial, params)
        logger.info("trial %d (%s) begins", trial.number, trial.user_attrs[ORIGIN])
        check_anchors(trial, params, context)
        return train_trial(trial, params, context)
    except optuna.TrialPruned as reason:
        trial.set_user_attr(REASON, str(reason))
        raise
    except INFEASIBLE as error:
        reason = f"{type(error).__name__}: {str(error)[:500]}"
        trial.set_user_attr(REASON, reason)
        raise optuna.TrialPruned(reason) from error
    except KeyboardInterrupt:
        trial.set_user_attr(REASON, "stopped from the keyboard")
        attributes = {key: trial.user_attrs[key] for key in (ORIGIN, VALUES)}
        trial.study.enqueue_trial(trial.params, user_attrs=attributes)
        raise


def log_end(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """Log how a trial ended; a callback of the study."""
    objective = "" if trial.value is None else f", objective {trial.value:.4f}"
    reason = f", {trial.user_attrs[REASON]}" if REASON in trial.user_attrs else ""
    logger.info("trial %d: %s%s%s", trial.number, trial.state.name.lower(), objective, reason)


def choose_params(trial: optuna.Trial, params: Params) -> Params:
    """Choose the values of a trial, and put them into the parameters.

    All trials start from ImageNet: the released weights fit the default anchors alone, and are
    trained already, so that trials with and without them could not be compared. A trial that came
    with exact values gets those; Optuna learns from the nearest point.
    """
    suggested = suggest_values(trial, params)
    values = trial.user_attrs.get(VALUES, suggested)
    trial.set_user_attr(VALUES, values)
    trial.set_user_attr(ORIGIN, trial.user_attrs.get(ORIGIN, "sampled"))
    chosen = apply_values(params, values)
    return chosen.model_copy(
        update={"train": chosen.train.model_copy(update={"init": "imagenet"})}
    )


def check_anchors(trial: optuna.Trial, params: Params, context: TrialContext) -> None:
    """Measure a trial's anchors on the training faces; prune them if they are hopeless.

    Raises:
        optuna.TrialPruned: they match too few faces, compared to those of `context.params`.
    """
    measured = context.faces.measure(params.detector)
    trial.set_user_attr(RECALL, measured.best_possible_recall)
    trial.set_user_attr(MEAN_BEST_IOU, measured.mean_best_iou)
    usual = context.faces.measure(context.params.detector).best_possible_recall
    if measured.best_possible_recall < params.tune.min_anchor_recall * usual:
        raise optuna.TrialPruned(
            f"anchors match {measured.best_possible_recall:.1%} of the training faces, those of "
            f"params.yaml {usual:.1%}"
        )


def train_trial(trial: optuna.Trial, params: Params, context: TrialContext) -> float:
    """Train an SSD with a trial's parameters; return the best objective of its epochs.

    The training's checkpoints are removed afterwards, whatever happens.

    Raises:
        optuna.TrialPruned: the trial does worse than others did.
        FloatingPointError: the loss is not finite, or validation has no objective.
    """
    objective, scores = find_objective(params), []

    def report(row: dict[str, float]) -> None:
        context.log.log_epoch(row)
        epoch, score = row["epoch"], row[objective]
        if not math.isfinite(score):
            raise FloatingPointError(f"epoch {epoch}: {objective} is {score}")
        scores.append(score)
        trial.report(max(scores), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"stopped after epoch {epoch}: others did better")

    folder = STUDIES / trial.study.study_name / f"trial_{trial.number:04d}"
    name = f"trial {trial.number}"
    try:
        classifier = load_classifier(context.classifier)
        ssd.train_ssd(params, context.shards, folder / "train", name, report, classifier)
    finally:
        keras.backend.clear_session()  # else each trial's graph stays in memory
        shutil.rmtree(folder, ignore_errors=True)
    return max(scores)


def load_classifier(path: Path | None) -> FaceClassifier | None:
    """Load a face classifier; for each trial anew, as Keras forgets what is loaded after each."""
    if path is None:
        return None
    return keras.saving.load_model(path, compile=False, safe_mode=True)
