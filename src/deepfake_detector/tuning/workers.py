"""A worker: takes trials from a study and trains them, one after the other."""

import logging
from contextlib import ExitStack
from typing import Protocol

import optuna
import tensorflow as tf
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from deepfake_detector.config.schema import Params
from deepfake_detector.tuning.initial_trials import list_initial_trials
from deepfake_detector.tuning.queue import (
    LOST,
    MEAN_BEST_IOU,
    ORIGIN,
    REASON,
    RECALL,
    begin_again,
    claim_trial,
    fail_lost_trials,
    queue_trials,
    sign_of_life,
)
from deepfake_detector.tuning.run_trial import (
    TrialContext,
    check_anchors,
    choose_params,
    train_trial,
)
from deepfake_detector.tuning.study import STUDIES, lock_study

FAILURES = (FloatingPointError, MemoryError, tf.errors.ResourceExhaustedError)
"""What ends a trial and not the study: the loss is not finite, or memory does not suffice."""

logger = logging.getLogger(__name__)


class TrialLogger(Protocol):
    """Who is told of a trial while it runs, such as MLflow."""

    def begin_trial(self, trial: optuna.Trial, params: Params) -> None: ...

    def log_epoch(self, row: dict) -> None: ...

    def end_trial(self, state: str, reason: str, metrics: dict[str, float]) -> None: ...


class Worker:
    """Trains the trials of a study until there are as many as asked for."""

    def __init__(
        self,
        study: optuna.Study,
        storage: BaseStorage,
        context: TrialContext,
        trial_logger: TrialLogger,
    ):
        self._study, self._storage = study, storage
        self._ground, self._witness = context, trial_logger
        self._starts = list_initial_trials(context.params, context.faces)

    def run(self, trials: int) -> None:
        """Train trials. Stopped from the keyboard, it lets the trial at hand wait again."""
        while True:
            with ExitStack() as life:
                trial = self._claim(trials, life)
                if trial is None:
                    return
                state, score = self._try(trial)
                self._tell(trial, state, score)

    def _claim(self, trials: int, life: ExitStack) -> optuna.Trial | None:
        retries = self._ground.params.tune.retries
        with lock_study(self._study.study_name):
            fail_lost_trials(self._study, self._storage, retries)
            queue_trials(self._study, trials, self._starts)
            trial = claim_trial(self._study, trials)
            if trial is not None:
                life.enter_context(sign_of_life(self._study, self._storage, trial))
            return trial

    def _try(self, trial: optuna.Trial) -> tuple[TrialState, float | None]:
        """Train a trial; give its state, and its objective if it came to the end.

        An error that is not among `FAILURES` ends the worker; the trial is then begun again.
        """
        logger.info("trial %d (%s) begins", trial.number, trial.user_attrs[ORIGIN])
        try:
            return TrialState.COMPLETE, self._train(trial)
        except optuna.TrialPruned as reason:
            trial.set_user_attr(REASON, str(reason))
            return TrialState.PRUNED, None
        except FAILURES as error:
            trial.set_user_attr(REASON, f"{type(error).__name__}: {str(error)[:500]}")
            return TrialState.FAIL, None
        except KeyboardInterrupt:
            trial.set_user_attr(REASON, "stopped from the keyboard")
            self._tell(trial, TrialState.FAIL, None)
            stopped = self._study.get_trials()[trial.number]
            begin_again(self._study, stopped, stopped.user_attrs.get(LOST, 0))
            raise

    def _train(self, trial: optuna.Trial) -> float:
        params = choose_params(trial, self._ground.params)
        self._witness.begin_trial(trial, params)
        check_anchors(trial, params, self._ground)
        folder = STUDIES / self._study.study_name / f"trial_{trial.number:04d}"
        log_epoch = self._witness.log_epoch
        return train_trial(trial, params, self._ground.shards, folder, log_epoch)

    def _tell(self, trial: optuna.Trial, state: TrialState, score: float | None) -> None:
        told = self._study.tell(trial, score, state)
        attributes = told.user_attrs
        metrics = {
            name: attributes[name] for name in (RECALL, MEAN_BEST_IOU) if name in attributes
        }
        if told.value is not None:
            metrics["objective"] = told.value
        self._witness.end_trial(state.name, attributes.get(REASON, ""), metrics)
        logger.info(
            "trial %d: %s%s %s",
            trial.number,
            state.name.lower(),
            f", objective {told.value:.4f}" if told.value is not None else "",
            attributes.get(REASON, ""),
        )
