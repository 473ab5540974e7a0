"""A study: where Optuna keeps it, how it samples and prunes, and how many trials it gets.

The journal file serves all workers of one machine, a database those of many.
"""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from deepfake_detector.config.schema import Params, TuneParams, flatten_params

STUDIES = Path("artifacts/tune")
JOURNAL = STUDIES / "studies.journal"
HEARTBEAT_SECONDS = 30
"""A database hears of each running trial this often; after four times that, its worker is dead."""
LOCK_SECONDS = 10
"""A line of the journal takes milliseconds; a lock held this long was left by a killed worker."""

FINGERPRINT = "fingerprint"
COMMON = ("seed", "detector.", "train.", "face_classifier.enabled", "evaluate.iou_threshold")
"""What a trial's result hangs on, by the beginnings of the parameters' names."""


def lock_study(name: str) -> FileLock:
    """Lock what workers of one machine must not do at once."""
    STUDIES.mkdir(parents=True, exist_ok=True)
    return FileLock(STUDIES / f"{name}.lock")


def open_storage(url: str | None, on_death: Callable) -> BaseStorage:
    """Open the project's journal file, or any database that Optuna knows.

    Args:
        url: as SQLAlchemy writes it, `postgresql+psycopg://user:password@host/name`.
        on_death: called with study and trial where a database has not heard of one for long.
    """
    if url is None:
        STUDIES.mkdir(parents=True, exist_ok=True)
        return open_journal()
    return RDBStorage(
        url,
        heartbeat_interval=HEARTBEAT_SECONDS,
        grace_period=4 * HEARTBEAT_SECONDS,
        heartbeat_stale_trial_callback=on_death,
    )


def open_journal() -> JournalStorage:
    """Open the journal file; a lock that a killed worker left counts for LOCK_SECONDS."""
    # Optuna reads the lock's age through a link to this path: a relative one would lead nowhere
    journal = str(JOURNAL.resolve())
    lock = JournalFileSymlinkLock(journal, grace_period=LOCK_SECONDS)
    return JournalStorage(JournalFileBackend(journal, lock_obj=lock))


def open_study(name: str, storage: BaseStorage, params: Params, fingerprint: str) -> optuna.Study:
    """Open a study, or begin it.

    Args:
        fingerprint: of all that the trials have in common.

    Raises:
        ValueError: the study began with another fingerprint, so that its trials and new ones could
            not be compared.
    """
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        sampler=SamplerOfTrial(params.tune.n_startup_trials, params.seed),
        pruner=make_pruner(params.tune, params.train.epochs),
        direction="maximize",
        load_if_exists=True,
    )
    began_with = study.user_attrs.get(FINGERPRINT)
    if began_with is None:
        study.set_user_attr(FINGERPRINT, fingerprint)
    elif began_with != fingerprint:
        raise ValueError(
            f"study {name} began with other frames or other parameters than those it searches, so "
            "its trials cannot be compared with new ones; give another name with --study"
        )
    return study


def load_study(name: str, url: str | None) -> optuna.Study:
    """Load a study to look at what it has found.

    Raises:
        ValueError: there is no such study.
    """
    if url is None and not JOURNAL.is_file():
        raise ValueError(f"{JOURNAL} is not there; no study has begun yet")
    storage = open_journal() if url is None else url
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError as error:
        there = ", ".join(optuna.get_all_study_names(storage)) or "none"
        raise ValueError(f"no study is called {name}; there are: {there}") from error


def make_fingerprint(params: Params, shards: list[Path]) -> str:
    """Hash what all trials of a study have in common: frames, and parameters not searched."""
    searched = {space.name for space in params.tune.space}
    common = {
        name: value
        for name, value in flatten_params(params).items()
        if name.startswith(COMMON) and name not in searched
    }
    space = [space.model_dump() for space in params.tune.space]
    digest = hashlib.sha256(json.dumps([common, space], sort_keys=True).encode())
    for path in shards:
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def make_pruner(params: TuneParams, epochs: int) -> optuna.pruners.BasePruner:
    """Make what stops a trial that does worse than others did."""
    if params.pruner == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=params.pruner_startup_trials,
            n_warmup_steps=params.pruner_warmup_epochs,
        )
    if params.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=max(params.pruner_warmup_epochs, 1), max_resource=epochs
        )
    return optuna.pruners.NopPruner()


class SamplerOfTrial(optuna.samplers.BaseSampler):
    """TPE whose random numbers follow from the seed and the trial's number.

    So workers never try the same by chance, and a study that goes on is one never stopped.
    """

    def __init__(self, n_startup_trials: int, seed: int):
        self._n_startup_trials, self._seed = n_startup_trials, seed
        self._number, self._sampler = None, None

    def _sampler_of(self, trial: FrozenTrial) -> optuna.samplers.TPESampler:
        if self._number != trial.number:
            seed = random.Random(f"{self._seed}, {trial.number}").getrandbits(32)
            self._number = trial.number
            self._sampler = optuna.samplers.TPESampler(
                n_startup_trials=self._n_startup_trials, seed=seed
            )
        return self._sampler

    def infer_relative_search_space(self, study, trial):
        return self._sampler_of(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._sampler_of(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution) -> Any:
        sampler = self._sampler_of(trial)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study, trial) -> None:
        self._sampler_of(trial).before_trial(study, trial)

    def after_trial(self, study, trial, state: TrialState, values) -> None:
        self._sampler_of(trial).after_trial(study, trial, state, values)
