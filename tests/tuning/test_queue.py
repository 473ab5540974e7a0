import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import optuna
from optuna.trial import TrialState

from deepfake_detector.tuning import queue, studies
from deepfake_detector.tuning.initial_trials import InitialTrial

RATE = "train.schedule.learning_rate"
DEFAULT = InitialTrial("default", {RATE: 0.0006}, {RATE: 0.0006})


def list_states(study):
    return [trial.state.name for trial in study.get_trials()]


def test_a_study_is_filled_up_to_the_trials_asked_for(opened):
    study, _ = opened
    queue.queue_trials(study, 2, [DEFAULT])
    queue.queue_trials(study, 2, [DEFAULT])
    assert [trial.user_attrs["origin"] for trial in study.get_trials()] == ["default", "search"]
    queue.queue_trials(study, 3, [DEFAULT])
    assert list_states(study) == ["WAITING"] * 3


def test_the_first_trial_has_the_default_values(opened):
    study, _ = opened
    queue.queue_trials(study, 2, [DEFAULT])
    first = queue.claim_trial(study, 2)
    assert first.suggest_float(RATE, 0.0001, 0.01, log=True) == 0.0006
    assert first.user_attrs["values"] == {RATE: 0.0006}


def test_a_study_that_is_full_gives_no_trial(opened):
    study, _ = opened
    queue.queue_trials(study, 1, [])
    assert queue.claim_trial(study, 1).number == 0
    assert queue.claim_trial(study, 1) is None
    assert len(study.get_trials()) == 1


def test_fewer_trials_than_before_leave_the_rest_waiting(opened):
    study, _ = opened
    queue.queue_trials(study, 3, [])
    assert queue.claim_trial(study, 1).number == 0
    assert queue.claim_trial(study, 1) is None
    assert list_states(study) == ["RUNNING", "WAITING", "WAITING"]


def test_the_trial_of_a_living_worker_is_left_alone(opened):
    study, storage = opened
    queue.queue_trials(study, 1, [])
    with queue.sign_of_life(study, storage, queue.claim_trial(study, 1)):
        queue.fail_lost_trials(study, storage, retries=1)
        assert list_states(study) == ["RUNNING"]


def test_the_trial_of_a_dead_worker_waits_again_once(opened):
    study, storage = opened
    queue.queue_trials(study, 1, [DEFAULT])
    for _ in range(2):
        trial = queue.claim_trial(study, 1)
        assert trial.suggest_float(RATE, 0.0001, 0.01, log=True) == 0.0006
        queue.fail_lost_trials(study, storage, retries=1)  # nobody holds its lock
        queue.queue_trials(study, 1, [DEFAULT])
    assert list_states(study) == ["FAIL", "FAIL"]  # the second is not begun again
    assert study.get_trials()[1].user_attrs["retry_of"] == 0
    assert study.get_trials()[1].user_attrs["values"] == {RATE: 0.0006}
    assert queue.claim_trial(study, 1) is None


def test_a_worker_that_is_killed_lets_go_of_its_trial(opened, folder):
    study, storage = opened
    queue.queue_trials(study, 1, [])
    number = queue.claim_trial(study, 1).number
    lock = queue.name_lock("first", number)
    lock.parent.mkdir(parents=True, exist_ok=True)
    holds = f"from filelock import FileLock\nwith FileLock({str(lock)!r}):\n print(1, flush=True)"
    command = [sys.executable, "-c", f"{holds}\n import time; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        worker.stdout.readline()
        queue.fail_lost_trials(study, storage, retries=1)
        assert list_states(study) == ["RUNNING"]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    queue.fail_lost_trials(study, storage, retries=1)
    assert list_states(study) == ["FAIL", "WAITING"]


def test_a_database_hears_of_a_running_trial_and_misses_a_lost_one(folder, rate_params):
    lost = []
    storage = studies.open_storage("sqlite:///study.db", lambda study, trial: lost.append(trial))
    study = studies.open_study("first", storage, rate_params, "same")
    queue.queue_trials(study, 1, [])
    trial = queue.claim_trial(study, 1)
    with queue.sign_of_life(study, storage, trial):
        queue.fail_lost_trials(study, storage, retries=1)
        assert list_states(study) == ["RUNNING"]
    with storage.engine.begin() as connection:  # as long ago as it takes
        long_ago = datetime.now() - timedelta(days=1)
        statement = "UPDATE trial_heartbeats SET heartbeat = ?"
        connection.exec_driver_sql(statement, (str(long_ago),))
    queue.fail_lost_trials(study, storage, retries=1)
    assert [trial.number for trial in lost] == [0]
    assert study.get_trials()[0].state == TrialState.FAIL


def test_a_trial_begun_again_keeps_its_values_and_forgets_its_run(opened):
    study, _ = opened
    queue.queue_trials(study, 1, [DEFAULT])
    trial = queue.claim_trial(study, 1)
    trial.suggest_float(RATE, 0.0001, 0.01, log=True)
    trial.set_user_attr("mlflow_run_id", "1")
    queue.begin_again(study, study.tell(trial, state=TrialState.FAIL), lost=0)
    again = study.get_trials()[1]
    assert again.params == {RATE: 0.0006}
    assert again.user_attrs == {
        "origin": "default",
        "values": {RATE: 0.0006},
        "retry_of": 0,
        "lost": 0,
    }
    assert isinstance(again.distributions[RATE], optuna.distributions.FloatDistribution)
