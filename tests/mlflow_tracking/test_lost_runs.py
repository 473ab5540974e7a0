import os
import platform
import subprocess
import sys

import mlflow
import pytest

from deepfake_detector.mlflow_tracking import runs
from deepfake_detector.mlflow_tracking.lost_runs import PROCESS

BEGIN_AND_BE_KILLED = """
import os
import signal

from deepfake_detector.mlflow_tracking import runs

with runs.continued_run(None) as run_id:
    print(run_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def read_status(run_id):
    return mlflow.MlflowClient().get_run(run_id).info.status


def begin(**tags):
    """Begin a run that nobody ends; return its id."""
    with runs.continued_run(None):
        pass
    return mlflow.MlflowClient().create_run("0", tags=tags).info.run_id


def test_the_run_of_a_process_that_was_killed_is_ended_by_the_next_command():
    with runs.continued_run(None):
        pass  # the store is there
    killed = subprocess.run(
        [sys.executable, "-c", BEGIN_AND_BE_KILLED],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    run_id = killed.stdout.strip()
    assert read_status(run_id) == "RUNNING", killed.stderr
    with runs.continued_run(None):
        assert read_status(run_id) == "KILLED"
    with runs.continued_run(run_id) as again:
        assert (again, read_status(run_id)) == (run_id, "RUNNING")
    assert read_status(run_id) == "FINISHED"


@pytest.mark.parametrize(
    "process",
    [
        f"another-machine {2**22} 17",
        f"{platform.node()} no-number 17",
        None,
    ],
)
def test_a_run_of_a_process_that_cannot_be_asked_after_is_left(process):
    run_id = begin(**({} if process is None else {PROCESS: process}))
    with runs.continued_run(None):
        assert read_status(run_id) == "RUNNING"


def test_a_run_of_a_process_whose_number_another_one_has_now_is_ended():
    run_id = begin(**{PROCESS: f"{platform.node()} {os.getpid()} 0"})
    with runs.continued_run(None):
        assert read_status(run_id) == "KILLED"


def test_a_run_of_a_process_that_goes_on_is_left():
    with runs.continued_run(None) as run_id:
        name = mlflow.MlflowClient().get_run(run_id).data.tags[PROCESS]
    other = begin(**{PROCESS: name})
    with runs.continued_run(None):
        assert read_status(other) == "RUNNING"
