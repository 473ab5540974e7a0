"""Runs whose process was killed: nobody would end them, and they would be RUNNING for ever.

Each run names the process that works for it. The next command of the same machine that begins a
run ends those whose process is gone.
"""

import os
import platform
from pathlib import Path

PROCESS = "deepfake_detector.process"
"""Tag of a run: machine, number and beginning of the process that works for it."""


def note_process(run_id: str) -> None:
    """Tag a run with this process."""
    import mlflow

    mlflow.MlflowClient().set_tag(run_id, PROCESS, _name_process(os.getpid()))


def end_lost_runs(experiment_id: str) -> None:
    """End runs of processes of this machine that are gone, as KILLED.

    A training that goes on later continues its run all the same.
    """
    import mlflow

    client = mlflow.MlflowClient()
    machine = f"{platform.node()} "
    wanted = f"attributes.status = 'RUNNING' and tags.`{PROCESS}` LIKE '{machine}%'"
    for run in client.search_runs([experiment_id], wanted):
        process = run.data.tags[PROCESS]
        number = process.removeprefix(machine).partition(" ")[0]
        if number.isdecimal() and process != _name_process(int(number)):
            client.set_terminated(run.info.run_id, "KILLED")


def _name_process(number: int) -> str:
    """Name a process of this machine; one that is not there has no beginning."""
    return f"{platform.node()} {number} {_read_beginning(number)}"


def _read_beginning(number: int) -> str:
    """Return when a process began, in ticks of the machine; "gone" where it is not there."""
    if Path("/proc/self/stat").is_file():
        try:
            fields = Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2]
        except OSError:
            return "gone"
        return fields.split()[19]  # starttime, field 22 of proc(5)
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "there"
    return "there"
