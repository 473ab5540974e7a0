"""One trial of a study: values are chosen, their anchors measured, a detector trained with them.

Frames are extracted once, the libraries are imported once, and nothing but the train and
validation shards is known here.
"""

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import optuna

from deepfake_detector.config.schema import Params
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.training.model_selection import find_objective
from deepfake_detector.training.ssd import train_ssd
from deepfake_detector.tuning.initial_trials import TrainingFaces
from deepfake_detector.tuning.queue import MEAN_BEST_IOU, RECALL, VALUES
from deepfake_detector.tuning.suggest import apply_values, suggest_values


@dataclass(frozen=True)
class TrialContext:
    """What all trials have in common; `params` are those that a trial's values are put into."""

    params: Params
    shards: Shards
    faces: TrainingFaces


def choose_params(trial: optuna.Trial, params: Params) -> Params:
    """Choose the values of a trial, and put them into the parameters.

    All trials start from ImageNet: the released weights fit the default anchors alone, and are
    trained already, so that trials with and without them could not be compared. A trial that came
    with exact values gets those; Optuna learns from the nearest point.
    """
    suggested = suggest_values(trial, params)
    values = trial.user_attrs.get(VALUES, suggested)
    trial.set_user_attr(VALUES, values)
    chosen = apply_values(params, values)
    return chosen.model_copy(
        update={"train": chosen.train.model_copy(update={"init": "imagenet"})}
    )


def check_anchors(trial: optuna.Trial, params: Params, context: TrialContext) -> None:
    """Measure a trial's anchors on the training faces; prune them if they are hopeless.

    Raises:
        optuna.TrialPruned: they reach too few faces, compared to those of the ground's parameters.
    """
    fitness = context.faces.measure(params.detector)
    trial.set_user_attr(RECALL, fitness.best_possible_recall)
    trial.set_user_attr(MEAN_BEST_IOU, fitness.mean_best_iou)
    usual = context.faces.measure(context.params.detector).best_possible_recall
    if fitness.best_possible_recall < params.tune.min_anchor_recall * usual:
        raise optuna.TrialPruned(
            f"anchors reach {fitness.best_possible_recall:.1%} of the training faces, those of "
            f"params.yaml {usual:.1%}"
        )


def train_trial(
    trial: optuna.Trial, params: Params, shards: Shards, folder: Path, log_epoch: Callable
) -> float:
    """Train a detector with a trial's parameters; give the best objective of its epochs.

    Args:
        folder: for the training's checkpoints; it is removed afterwards, whatever happens.
        log_epoch: called with each row of `history.csv`.

    Raises:
        optuna.TrialPruned: the trial does worse than others did.
        FloatingPointError: the loss is not finite, or validation has no objective.
    """
    objective, scores = find_objective(params), []

    def report(row: dict) -> None:
        log_epoch(row)
        epoch, score = row["epoch"], row[objective]
        if not math.isfinite(score):
            raise FloatingPointError(f"epoch {epoch}: {objective} is {score}")
        scores.append(score)
        trial.report(max(scores), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"stopped after epoch {epoch}: others did better")

    try:
        train_ssd(params, shards, folder / "train", f"trial {trial.number}", report)
    finally:
        keras.backend.clear_session()  # else each trial's graph stays in memory
        shutil.rmtree(folder, ignore_errors=True)
    return max(scores)
