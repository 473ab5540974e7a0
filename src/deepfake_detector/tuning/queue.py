"""Which trial a worker takes next. Each planned trial waits in the study before it is taken.

A worker holds a lock for as long as its trial runs; a database hears a heartbeat besides, as locks
are not seen from other machines. A trial that runs without has lost its worker: it fails, and
waits once more under a new number.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage, fail_stale_trials
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial, TrialState

from deepfake_detector.tuning.initial_trials import InitialTrial
from deepfake_detector.tuning.study import STUDIES

ORIGIN, VALUES = "origin", "values"
"""Where a trial comes from, and the exact values it trains with."""

RECALL, MEAN_BEST_IOU = "best_possible_recall", "mean_best_iou"
"""How well a trial's anchors suit the training faces."""

REASON = "reason"
"""Why a trial was pruned, failed or stopped."""

RETRY_OF, LOST = "retry_of", "lost"
"""The trial that this one begins again, and how many workers have died over it."""


def queue_trials(study: optuna.Study, trials: int, starts: list[InitialTrial]) -> None:
    """Let trials wait until the study has as many as asked for; the first are `starts`.

    A trial that waits again for a worker that died does not count twice.
    """
    known = study.get_trials(deepcopy=False)
    for number in range(len(known) - count_retries(known), trials):
        if number < len(starts):
            start = starts[number]
            attributes = {ORIGIN: start.origin, VALUES: start.values}
            study.enqueue_trial(start.point, user_attrs=attributes)
        else:
            study.enqueue_trial({}, user_attrs={ORIGIN: "search"})


def claim_trial(study: optuna.Study, trials: int) -> optuna.Trial | None:
    """Take a trial that waits; None where none does, or as many as asked for have begun.

    To be called by one worker of a machine at a time.
    """
    known = study.get_trials(deepcopy=False)
    waiting = sum(trial.state == TrialState.WAITING for trial in known)
    if waiting == 0 or len(known) - waiting - count_retries(known) >= trials:
        return None
    return study.ask()


def count_retries(trials: list[FrozenTrial]) -> int:
    """Count the trials that begin again what another one had begun."""
    return sum(RETRY_OF in trial.user_attrs for trial in trials)


def retry_lost_trial(study: optuna.Study, trial: FrozenTrial, most: int) -> None:
    """Let a trial whose worker died wait again, unless that has happened `most` times before."""
    lost = trial.user_attrs.get(LOST, 0) + 1
    if lost <= most:
        begin_again(study, trial, lost)


def begin_again(study: optuna.Study, trial: FrozenTrial, lost: int) -> None:
    """Let a trial wait again under a new number, with what it was to be trained with."""
    kept = {key: trial.user_attrs[key] for key in (ORIGIN, VALUES) if key in trial.user_attrs}
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={**kept, RETRY_OF: trial.number, LOST: lost},
        )
    )


def fail_lost_trials(study: optuna.Study, storage: BaseStorage, retries: int) -> None:
    """Fail the trials whose worker has died, and let each wait again, at most `retries` times."""
    if isinstance(storage, BaseHeartbeat):
        fail_stale_trials(study)  # and the storage lets them wait again
        return
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        try:
            with FileLock(name_lock(study.study_name, trial.number), timeout=0):
                retry_lost_trial(study, study.tell(trial.number, state=TrialState.FAIL), retries)
        except Timeout:  # its worker lives
            continue


@contextmanager
def sign_of_life(study: optuna.Study, storage: BaseStorage, trial: optuna.Trial) -> Iterator[None]:
    """Show other workers that this one is alive, from when a trial is claimed until it is told."""
    ended = threading.Event()

    def beat() -> None:
        while isinstance(storage, BaseHeartbeat):
            storage.record_heartbeat(trial._trial_id)  # Optuna does so only in `optimize`
            if ended.wait(storage.get_heartbeat_interval()):
                return

    name_lock(study.study_name, trial.number).parent.mkdir(parents=True, exist_ok=True)
    with FileLock(name_lock(study.study_name, trial.number)):
        beating = threading.Thread(target=beat, daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()


def name_lock(study: str, number: int) -> Path:
    """Name the file that the worker of a trial keeps locked."""
    return STUDIES / study / f"trial_{number:04d}.lock"
