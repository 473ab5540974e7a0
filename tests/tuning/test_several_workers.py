"""Processes that work on one study at once, from before there is one."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from code_map import PROJECT
from deepfake_detector.tuning.study import STUDIES, load_study

WORKERS = 3


def hear_interrupts():
    """Let a process hear Ctrl-C, also where the tests run in the background and do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(folder):
    """Start a worker for a study of so many trials; what still runs is killed in the end."""
    started = []
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}/src{os.pathsep}{PROJECT}/tests"}

    def begin(trials):
        command = [sys.executable, f"{PROJECT}/tests/search_worker.py", str(trials)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        worker = subprocess.Popen(
            command, cwd=folder, env=environment, preexec_fn=hear_interrupts, **pipes
        )
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        if worker.poll() is None:
            worker.kill()
        worker.communicate()


def list_states():
    return [trial.state.name for trial in load_study("shared", None).get_trials()]


def test_workers_that_start_at_once_share_one_study(start):
    workers = [start(6) for _ in range(WORKERS)]
    for worker in workers:
        said = worker.communicate(timeout=120)
        assert worker.returncode == 0, said[1]
    trials = load_study("shared", None).get_trials()
    assert 6 <= len(trials) <= 6 + WORKERS - 1
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert [trial.user_attrs.get("origin") for trial in trials[:2]] == ["default", "fitted"]
    rates = [trial.value for trial in trials[2:]]
    assert len(set(rates)) == len(rates)


def wait_for_heartbeat(folder):
    with sqlite3.connect(folder / STUDIES / "studies.db") as storage:
        while not storage.execute("SELECT COUNT(*) FROM trial_heartbeats").fetchone()[0]:
            time.sleep(0.05)


def test_a_worker_that_is_killed_loses_one_trial_which_is_begun_again(start, folder):
    killed = start(3)
    assert killed.stdout.readline() == "0\n"  # it has begun the default
    wait_for_heartbeat(folder)  # Optuna takes a trial without one for waiting
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    time.sleep(5)  # longer than GRACE_SECONDS of the worker
    other = start(3)
    said = other.communicate(timeout=120)
    assert other.returncode == 0, said[1]
    trials = load_study("shared", None).get_trials()
    assert list_states() == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    again = [trial for trial in trials if trial.user_attrs.get("origin") == "default"]
    assert [trial.state.name for trial in again] == ["FAIL", "COMPLETE"]
    assert again[0].user_attrs == again[1].user_attrs
    assert again[1].params == again[0].params


def test_a_worker_stopped_from_the_keyboard_leaves_a_study_that_goes_on(start):
    stopped = start(2)
    stopped.stdout.readline()
    os.kill(stopped.pid, signal.SIGINT)
    assert "KeyboardInterrupt" in stopped.communicate(timeout=60)[1]
    assert list_states()[0] == "FAIL"
    other = start(2)
    other.communicate(timeout=120)
    assert other.returncode == 0
    assert list_states().count("COMPLETE") == 2
