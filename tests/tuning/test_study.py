from pathlib import Path

import optuna
import pytest

from deepfake_detector.config.schema import Params
from deepfake_detector.tuning import study as studies

RATE = "train.schedule.learning_rate"


def change(params, **tune):
    content = params.model_dump(by_alias=True)
    content["tune"] |= tune
    return Params.model_validate(content)


def sample(params, name, count):
    """Sample the learning rate of `count` trials that all do equally well."""
    storage = studies.open_storage(None, lambda study, trial: None)
    study = studies.open_study(name, storage, params, "same")
    rates = []
    for _ in range(count):
        trial = study.ask()
        rates.append(trial.suggest_float(RATE, 0.0001, 0.01, log=True))
        study.tell(trial, 0.5 - rates[-1])
    return rates


def test_a_study_that_goes_on_samples_as_one_never_stopped(folder, rate_params):
    whole = sample(rate_params, "whole", 4)
    stopped = sample(rate_params, "stopped", 2) + sample(rate_params, "stopped", 2)
    assert stopped == whole
    assert len(set(whole)) == 4


def test_a_study_of_other_frames_is_rejected(opened, rate_params):
    _, storage = opened
    with pytest.raises(ValueError, match="study first began with other frames"):
        studies.open_study("first", storage, rate_params, "other")


def test_a_study_that_is_not_there_is_told_from_those_that_are(opened):
    assert studies.load_study("first", None).study_name == "first"
    with pytest.raises(ValueError, match="no study is called second; there are: first"):
        studies.load_study("second", None)


def test_before_the_first_study_there_is_none_to_load(folder):
    with pytest.raises(ValueError, match="no study has begun yet"):
        studies.load_study("first", None)


def test_a_lock_left_by_a_killed_worker_is_taken_over(opened, monkeypatch):
    monkeypatch.setattr(studies, "LOCK_SECONDS", 3)
    journal = studies.JOURNAL.resolve()
    Path(f"{journal}.lock").symlink_to(journal)
    studies.load_study("first", None).set_user_attr("by", "the next one")
    assert studies.load_study("first", None).user_attrs["by"] == "the next one"


def test_the_fingerprint_is_of_frames_and_of_what_is_not_searched(rate_params, folder):
    shard = folder / "a.mp4.tfrecord"
    shard.write_bytes(b"frames")

    def fingerprint(**changes):
        content = rate_params.model_dump(by_alias=True)
        content["train"] |= changes
        return studies.make_fingerprint(Params.model_validate(content), [shard])

    first = fingerprint()
    schedule = rate_params.train.schedule.model_dump()
    assert fingerprint(schedule=schedule | {"learning_rate": 0.5}) == first  # it is searched
    assert fingerprint(epochs=99) != first
    shard.write_bytes(b"others")
    assert fingerprint() != first


def test_the_pruner_is_the_one_asked_for(rate_params):
    def make(name):
        tune = change(rate_params, pruner=name, pruner_warmup_epochs=3).tune
        return studies.make_pruner(tune, epochs=9)

    assert isinstance(make("median"), optuna.pruners.MedianPruner)
    assert isinstance(make("hyperband"), optuna.pruners.HyperbandPruner)
    assert isinstance(make("none"), optuna.pruners.NopPruner)
