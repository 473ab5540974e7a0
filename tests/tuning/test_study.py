import time
from datetime import datetime, timedelta

import optuna
import pytest

from deepfake_detector.tuning import study as studies

RATE = "train.schedule.learning_rate"


def suggest_rate(trial):
    return trial.suggest_float(RATE, 0.0001, 0.01, log=True)


def list_states(study):
    return [trial.state.name for trial in study.get_trials()]


def stop_heartbeat(storage):
    """Let the last heartbeat of every trial be long ago."""
    long_ago = datetime.now() - timedelta(days=2)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE trial_heartbeats SET heartbeat = ?", (str(long_ago),))


def test_trials_are_run_until_there_are_as_many_as_asked_for(study):
    ended = []
    studies.run_trials(study, suggest_rate, 2, [lambda _, trial: ended.append(trial.number)])
    assert ended == [0, 1]
    assert list_states(study) == ["COMPLETE"] * 2


def test_a_study_that_has_its_trials_runs_none(study):
    studies.run_trials(study, suggest_rate, 2, [])
    studies.run_trials(study, suggest_rate, 2, [])
    studies.run_trials(study, suggest_rate, 1, [])
    assert len(study.get_trials()) == 2


def test_a_study_goes_on_from_the_file(study, rate_params):
    studies.run_trials(study, suggest_rate, 2, [])
    again = studies.open_study("first", studies.open_storage(None, retries=1), rate_params)
    studies.run_trials(again, suggest_rate, 3, [])
    assert [trial.number for trial in study.get_trials()] == [0, 1, 2]


def test_a_pruned_trial_counts(study):
    def prune(trial):
        raise optuna.TrialPruned

    studies.run_trials(study, prune, 2, [])
    assert list_states(study) == ["PRUNED", "PRUNED"]


def test_an_error_ends_the_worker_and_its_trial_does_not_count(study):
    def fail(trial):
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        studies.run_trials(study, fail, 1, [])
    studies.run_trials(study, suggest_rate, 1, [])
    assert list_states(study) == ["FAIL", "COMPLETE"]


def lose_trial(study, storage):
    """Begin a trial, sample its learning rate and die; return the rate."""
    trial = study.ask()
    rate = suggest_rate(trial)
    trial.set_user_attr("values", {RATE: rate})
    storage.record_heartbeat(trial._trial_id)
    stop_heartbeat(storage)
    return rate


def test_the_trial_of_a_dead_worker_fails_and_is_begun_again_with_its_values(study, storage):
    rate = lose_trial(study, storage)
    studies.run_trials(study, suggest_rate, 2, [])
    assert list_states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    again = study.get_trials()[1]
    assert again.params == {RATE: rate}
    assert again.user_attrs == {"values": {RATE: rate}}
    assert optuna.storages.RetryHeartbeatStaleTrialCallback.retried_trial_number(again) == 0


def test_a_trial_is_begun_again_as_often_as_params_say(study, storage):
    rate = lose_trial(study, storage)
    optuna.storages.fail_stale_trials(study)
    assert lose_trial(study, storage) == rate  # the retry
    studies.run_trials(study, suggest_rate, 1, [])
    assert list_states(study) == ["FAIL", "FAIL", "COMPLETE"]
    assert study.get_trials()[2].params != {RATE: rate}


def test_the_lost_trial_of_a_full_study_is_failed_without_running_another(study, storage):
    studies.run_trials(study, suggest_rate, 1, [])
    lose_trial(study, storage)
    studies.run_trials(study, suggest_rate, 1, [])
    assert list_states(study) == ["COMPLETE", "FAIL", "WAITING"]


def test_the_trial_of_a_living_worker_is_left_alone(study, storage):
    trial = study.ask()
    storage.record_heartbeat(trial._trial_id)
    studies.run_trials(study, suggest_rate, 1, [])
    assert list_states(study) == ["RUNNING", "COMPLETE"]


def test_a_running_trial_has_a_heartbeat(study, storage):
    def wait_for_heartbeat(trial):
        count, began = 0, time.monotonic()
        while count == 0 and time.monotonic() - began < 30:
            time.sleep(0.05)
            with storage.engine.begin() as connection:
                (count,) = connection.exec_driver_sql(
                    "SELECT count(*) FROM trial_heartbeats"
                ).one()
        return count

    studies.run_trials(study, wait_for_heartbeat, 1, [])
    assert study.best_value == 1


def test_workers_do_not_sample_the_same(storage, rate_params, monkeypatch):
    rates = []
    for worker in (101, 102):
        monkeypatch.setattr(studies.os, "getpid", lambda worker=worker: worker)
        rates.append(suggest_rate(studies.open_study("both", storage, rate_params).ask()))
    assert rates[0] != rates[1]


def test_random_trials_come_before_those_that_learn(storage, rate_params):
    sampler = studies.open_study("first", storage, rate_params).sampler
    assert isinstance(sampler, optuna.samplers.TPESampler)
    assert sampler._n_startup_trials == rate_params.tune.n_startup_trials == 2


def test_any_sqlite_file_is_a_storage(folder, rate_params):
    storage = studies.open_storage("sqlite:///other.db", retries=0)
    studies.run_trials(studies.open_study("a", storage, rate_params), suggest_rate, 1, [])
    assert studies.load_study("a", "sqlite:///other.db").best_trial.number == 0
    assert not studies.DATABASE.exists()


def test_a_study_that_is_not_there_is_told_from_those_that_are(study):
    assert studies.load_study("first", None).study_name == "first"
    with pytest.raises(ValueError, match="no study is called second; there are: first"):
        studies.load_study("second", None)


def test_before_the_first_study_there_is_none_to_load(folder):
    with pytest.raises(ValueError, match="no study has begun yet"):
        studies.load_study("first", None)
    assert not studies.STUDIES.exists()


def test_the_pruner_is_the_one_asked_for(rate_params):
    def make(name):
        pruner = rate_params.tune.pruner.model_copy(update={"name": name, "n_warmup_steps": 3})
        return studies.make_pruner(pruner, epochs=9)

    assert isinstance(make("median"), optuna.pruners.MedianPruner)
    assert isinstance(make("hyperband"), optuna.pruners.HyperbandPruner)
    assert isinstance(make("none"), optuna.pruners.NopPruner)
