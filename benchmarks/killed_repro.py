"""`dvc repro` on four clips, killed at random moments: the same command ends clean, nothing twice.

    python benchmarks/killed_repro.py --kills 10 --seconds 30

Copies the project into a temporary folder with four of the sample's clips and a training of
seconds. The command is begun, all of its processes are killed with SIGKILL at a random moment, and
the command is typed again, to be killed again, and at last to end. Where it ends before, what was
made is removed, and it begins anew. Then `calibrate`, when its model was deleted from MLflow, is
killed as soon as a model's row is there, and as soon as a version's is. Whatever is not as
after a run without a kill is a fault: it is printed, and the exit code is 1.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT / "tests")]

import copied_project  # noqa: E402
from copied_project import SHORT, CopiedProject, commit, copy_project, keep_few_clips  # noqa: E402
from embedded_sample import copy_sample  # noqa: E402

CLIPS = ("franck_1", "franck_1_swap", "webcam_1", "carphone")  # of three people
VALUES = SHORT | {
    "train.epochs": "1",
    "train.steps_per_epoch": "1",
    "train.init": "none",
    "detector.image_size_px": "300",
    "extract_frames.landmarks": "false",
    "face_classifier.max_steps_per_epoch": "1",
}
REPRO = ("dvc", "repro")
CALIBRATE = (*REPRO, "--force", "--single-item", "calibrate")
TABLES = {"a logged model": "logged_models", "a version": "model_versions"}


EXPECTED = {
    "dvc status": "Data and pipelines are up to date.",
    "runs finished": 1,
    "runs open": 0,
    "epochs": [[1]],
    "versions": 1,
    "logged models": 1,
    "unfinished": [],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=10, help="at random (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30, help="each after at most (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=20, help="of the moments (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "project")
        rng = random.Random(arguments.seed)
        faults = kill_at_random(project, arguments.kills, arguments.seconds, rng)
        faults += kill_in_registration(project)
    print(f"faults: {len(faults)}", *faults, sep="\n")
    return 1 if faults else 0


def kill_at_random(
    project: CopiedProject, kills: int, max_seconds: float, rng: random.Random
) -> list[str]:
    """Kill the command so many times, let it end whenever it does; return the faults."""
    faults, killed = [], 0
    while killed < kills:
        after = rng.uniform(0, max_seconds)
        end = time.monotonic() + after
        if kill(project, lambda _, end=end: time.monotonic() > end):
            killed += 1
            print(f"kill {killed} after {after:.1f} s, {find_stage(project)}", flush=True)
        else:
            faults += compare(project, f"after {killed} kills")
            clean(project)
    return faults + compare(project, f"after {kills} kills")


def kill_in_registration(project: CopiedProject) -> list[str]:
    """Kill the command in two moments of the registration; return the faults."""
    faults = []
    for name, table in TABLES.items():
        in_fresh_process(forget_models, project)
        before = count_rows(project, table)
        kill(project, lambda p, t=table, n=before: count_rows(p, t) > n, CALIBRATE)
        faults += compare(project, f"killed once {name} was in the database", CALIBRATE)
    return faults


def forget_models(project: CopiedProject) -> None:
    """Delete what is registered and logged, so that the run that trained registers it anew."""
    client = make_client(project)
    client.delete_registered_model("deepfake_detector")
    for model in client.search_logged_models(["0"]):
        client.delete_logged_model(model.model_id)


def in_fresh_process(function: Callable, project: CopiedProject):
    """Call a function in a process of its own: MLflow keeps connections to its database."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(function, project).result()


def make_client(project: CopiedProject):
    import mlflow

    store = f"sqlite:///{project.folder}/mlflow.db"
    return mlflow.MlflowClient(store, store)


def find_stage(project: CopiedProject) -> str:
    """Name the stage whose folder was made last."""
    folders = [path for path in (project.folder / "artifacts").glob("*") if path.is_dir()]
    newest = max(folders, key=lambda folder: folder.stat().st_mtime, default=None)
    return f"in or after {newest.name}" if newest else "before the first stage"


def make_project(folder: Path) -> CopiedProject:
    """Copy the project, four of the sample's clips, and shorten the training."""
    copied_project.CLIPS = CLIPS
    folder.mkdir()
    project = copy_project(folder)
    (folder / "data.dvc").unlink()
    (folder / "released.dvc").unlink()
    pipeline = folder / "dvc.yaml"  # as the FAQ has it for a project without a released detector
    pipeline.write_text(pipeline.read_text().replace("      - released\n", ""))
    copy_sample(folder / "data")
    keep_few_clips(folder / "data")
    (folder / "data/annotations/project_2020.csv").unlink()  # of another clip
    project.write_params(VALUES)
    project.run("dvc", "add", "-q", "data")
    commit(project)
    return project


def clean(project: CopiedProject) -> None:
    """Remove what was made: artifacts, DVC's cache of them, runs and models."""
    for name in ("artifacts", "mlruns", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(project.folder / name, ignore_errors=True)
    for name in ("dvc.lock", "mlflow.db"):
        (project.folder / name).unlink(missing_ok=True)
    project.run("dvc", "commit", "-q", "-f", "data.dvc")


def kill(project: CopiedProject, is_time: Callable[[CopiedProject], bool], command=REPRO) -> bool:
    """Begin a command, and kill it with all it has begun when it is time.

    Returns:
        Whether it was killed; it may have ended before.
    """
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.make_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        if is_time(project):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.01)
    return False


def count_rows(project: CopiedProject, table: str) -> int:
    """Count the rows of a table of MLflow's database, deleted ones too; 0 where there is none."""
    database = project.folder / "mlflow.db"
    if not database.is_file():
        return 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
        return connection.execute(f"select count(*) from {table}").fetchone()[0]
    return 0  # there is no such table yet, or it is locked


def compare(
    project: CopiedProject, moment: str, command=REPRO, expected: dict = EXPECTED
) -> list[str]:
    """Type the command again; list what is not as after a run without a kill."""
    finished = project.try_run(*command)
    if finished.returncode:
        said = (finished.stdout + finished.stderr)[-1500:]
        wrong = [f"{moment}: exit code {finished.returncode}: {said}"]
    else:
        found = in_fresh_process(describe, project)
        wrong = [
            f"{moment}: {name}: expected {expected[name]}, found {found[name]}"
            for name in expected
            if found[name] != expected[name]
        ]
    print("\n".join(wrong) or f"{moment}: as without a kill", flush=True)
    return wrong


def describe(project: CopiedProject) -> dict:
    """Describe what a run has left: nothing in it depends on when it ran."""
    client = make_client(project)
    runs = client.search_runs(["0"])
    finished = [run for run in runs if run.info.status == "FINISHED"]
    artifacts = project.folder / "artifacts"
    files = [path.relative_to(artifacts) for path in artifacts.rglob("*") if path.is_file()]
    return {
        "dvc status": project.run("dvc", "status").strip().splitlines()[-1],
        "runs finished": len(finished),
        "runs open": sum(run.info.status in ("RUNNING", "SCHEDULED") for run in runs),
        "epochs": [
            [point.step for point in client.get_metric_history(run.info.run_id, "train_loss")]
            for run in finished
        ],
        "versions": len(client.search_model_versions("name='deepfake_detector'")),
        "logged models": len(client.search_logged_models(["0"])),
        "unfinished": sorted(str(p) for p in files if "unfinished" in str(p) or p.name[0] == "."),
    }


if __name__ == "__main__":
    sys.exit(main())
