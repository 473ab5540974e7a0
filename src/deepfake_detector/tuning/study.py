"""An Optuna study: its storage, its sampler and pruner, and how many trials it runs.

The storage is a SQLite file for the workers of one machine, or any database for those of many. The
storage hears a heartbeat of each running trial (`optuna.storages.RDBStorage`). A trial whose
heartbeat stops has lost its worker: it is failed, and waits once more under a new number.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from deepfake_detector.config.schema import Params, PrunerParams

STUDIES = Path("artifacts/tune")
DATABASE = STUDIES / "studies.db"
HEARTBEAT_SECONDS = 30
GRACE_SECONDS = 120
"""A trial that the storage has not heard of for so long has lost its worker."""
SQLITE_TIMEOUT_SECONDS = 60
"""How long a worker waits while others write, each for milliseconds; the default is 5."""

ORIGIN, VALUES = "origin", "values"
"""User attributes of a trial: `default`, `fitted` or `sampled`; what exactly it trains with."""
RECALL, MEAN_BEST_IOU = "best_possible_recall", "mean_best_iou"
"""User attributes of a trial: how well its anchors suit the training faces."""
REASON = "reason"
"""User attribute of a trial: why it was pruned or failed; a lost worker leaves none."""

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
"""States of the trials that count; a failed trial is begun again."""


def lock_studies() -> FileLock:
    """Lock what one worker of a machine must do at a time: prepare data, a study, its tables."""
    STUDIES.mkdir(parents=True, exist_ok=True)
    return FileLock(STUDIES / "studies.lock")


def open_storage(url: str | None, retries: int) -> RDBStorage:
    """Open the project's SQLite file, or any database that Optuna can use.

    Args:
        url: as SQLAlchemy writes it, `postgresql+psycopg://user:password@host/name`.
        retries: how often a trial is begun again whose worker died.
    """
    if url is None:
        STUDIES.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{DATABASE}"
    is_sqlite = url.startswith("sqlite")
    options = {"connect_args": {"timeout": SQLITE_TIMEOUT_SECONDS}} if is_sqlite else {}
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return RDBStorage(
            url,
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=retries),
        )


def open_study(name: str, storage: RDBStorage, params: Params) -> optuna.Study:
    """Open a study, or create it."""
    return optuna.create_study(
        study_name=name,
        storage=storage,
        sampler=optuna.samplers.TPESampler(
            n_startup_trials=params.tune.n_startup_trials,
            seed=params.seed + os.getpid(),  # else workers that start at once try the same values
        ),
        pruner=make_pruner(params.tune.pruner, params.train.epochs),
        direction="maximize",
        load_if_exists=True,
    )


def load_study(name: str, url: str | None) -> optuna.Study:
    """Load a study to look at what it has found.

    Raises:
        ValueError: there is no such study.
    """
    if url is None and not DATABASE.is_file():
        raise ValueError(f"{DATABASE} is not there; no study has begun yet")
    storage = open_storage(url, retries=0)
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError as error:
        there = ", ".join(optuna.get_all_study_names(storage)) or "none"
        raise ValueError(f"no study is called {name}; there are: {there}") from error


def run_trials(
    study: optuna.Study, objective: Callable, n_trials: int, callbacks: list[Callable]
) -> None:
    """Run trials until `n_trials` of the study are complete or pruned.

    Other workers do the same at once; each ends the trial it has begun, so that W workers may
    overshoot by W - 1.

    Args:
        objective: called with each trial, see `run_trial.run_trial`.
        callbacks: called with the study and each trial that is complete or pruned.
    """
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        optuna.storages.fail_stale_trials(study)  # also where no trial is left to run
    if len(study.get_trials(deepcopy=False, states=ENDED)) < n_trials:
        study.optimize(objective, callbacks=[*callbacks, MaxTrialsCallback(n_trials, ENDED)])


def make_pruner(params: PrunerParams, epochs: int) -> optuna.pruners.BasePruner:
    """Make what stops a trial that does worse than others did."""
    if params.name == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=params.n_startup_trials, n_warmup_steps=params.n_warmup_steps
        )
    if params.name == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=max(params.n_warmup_steps, 1), max_resource=epochs
        )
    return optuna.pruners.NopPruner()
