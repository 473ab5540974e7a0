"""A search on the embedded sample, as typed."""

import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys

import mlflow
import optuna
import pandas as pd
import pytest

from copied_project import SHORT, copy_project, keep_few_clips
from deepfake_detector.config.schema import flatten_params, load_params
from embedded_sample import copy_sample

pytestmark = pytest.mark.slow

TUNE = [sys.executable, "src/tune.py"]
PARENT = "mlflow.parentRunId"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Copy the project with a few clips, trainings of one epoch, and frames ready to train on."""
    copied = copy_project(tmp_path_factory.mktemp("tune") / "project")
    copy_sample(copied.folder / "data")
    keep_few_clips(copied.folder / "data")
    copied.write_params(SHORT | {"train.epochs": "1", "train.init": "none"})
    copied.run("dvc", "repro", "-q", "split")
    hide_test_videos(copied.folder / "artifacts")
    return copied


def hide_test_videos(artifacts):
    """Take away all that is known of the test videos, and the pipeline that would restore it."""
    for video in pd.read_csv(artifacts / "split/test.csv")["video"]:
        (artifacts / f"extract_frames/{video}.tfrecord").unlink()
    (artifacts / "split/test.csv").unlink()
    shutil.rmtree(artifacts.parent / "data")
    (artifacts.parent / "data").mkdir()
    stages = "stages:\n  split:\n    cmd: echo split\n  train:\n    cmd: echo train\n"
    (artifacts.parent / "dvc.yaml").write_text(stages)


@pytest.fixture(scope="module")
def searched(project):
    """Search with three trials of one epoch; give the processor seconds that took."""
    before = count_child_seconds()
    project.run(*TUNE, "--trials", "3")
    return count_child_seconds() - before


def load_study(project, name="deepfake_detector"):
    storage = f"sqlite:///{project.folder}/artifacts/tune/studies.db"
    return optuna.load_study(study_name=name, storage=storage)


def count_child_seconds():
    """Count the processor seconds of ended children: what a busy machine does not change."""
    times = os.times()
    return times.children_user + times.children_system


def read_children(project, study):
    client = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")
    parent = study.user_attrs["mlflow_run_id"]
    return client, parent, client.search_runs(["0"], f"tags.`{PARENT}` = '{parent}'")


def test_three_trials_of_one_epoch_without_any_test_video(project, searched):
    assert searched < 120
    trials = load_study(project).get_trials()
    assert [trial.user_attrs["origin"] for trial in trials] == ["default", "fitted", "sampled"]
    assert all(trial.state.is_finished() and trial.state.name != "FAIL" for trial in trials)
    params = flatten_params(load_params(project.folder / "params.yaml"))
    assert all(params[name] == value for name, value in trials[0].user_attrs["values"].items())


@pytest.mark.usefixtures("searched")
def test_mlflow_shows_the_study_with_its_trials_below(project):
    study = load_study(project)
    client, parent, children = read_children(project, study)
    assert len(children) == 3
    assert client.get_run(parent).info.status == "FINISHED"
    tags = [child.data.tags for child in children]
    best = [each["trial.number"] for each in tags if "trial.best" in each]
    assert best == [str(study.best_trial.number)]
    artifacts = {file.path for file in client.list_artifacts(parent)}
    drawings = {"history.png", "importance.png", "parallel_coordinates.png", "slices.png"}
    assert drawings | {"trials.csv"} <= artifacts
    for child in children:
        if child.data.tags["trial.state"] == "complete":
            run_id = child.info.run_id
            curve = client.get_metric_history(run_id, "validation_map_50_95")
            assert [(point.step) for point in curve] == [1]


@pytest.mark.usefixtures("searched")
def test_all_trials_have_the_labels_of_one_classifier(project):
    studies = project.folder / "artifacts/tune"
    trained = (studies / "face_classifier/face_classifier.keras").read_bytes()
    assert (studies / "deepfake_detector/face_classifier.keras").read_bytes() == trained
    sha256 = load_study(project).user_attrs["face_classifier_sha256"]
    assert sha256 == hashlib.sha256(trained).hexdigest()


@pytest.mark.usefixtures("searched")
def test_a_study_that_has_its_trials_trains_nothing(project):
    project.run(*TUNE, "--trials", "3")
    assert len(load_study(project).get_trials()) == 3


@pytest.mark.usefixtures("searched")
def test_apply_writes_the_winner_s_values_and_keeps_the_comments(project):
    file = project.folder / "params.yaml"
    before = file.read_text()
    project.run(*TUNE, "--apply")
    params, winner = flatten_params(load_params(file)), load_study(project).best_trial
    assert all(params[name] == value for name, value in winner.user_attrs["values"].items())
    assert [line for line in comments(before) if line not in comments(file.read_text())] == []
    file.write_text(before)


def comments(text):
    return [line.split("#", 1)[1] for line in text.splitlines() if "#" in line]


def start_worker(project, *words):
    return subprocess.Popen(
        [*TUNE, *words],
        cwd=project.folder,
        env=project.make_environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts():
    """Let a process hear Ctrl-C, also where the tests run in the background and do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_trial(worker):
    """Wait until a worker has begun a trial; return its number."""
    for line in worker.stderr:
        if begun := re.search(r"trial (\d+) \(\w+\) begins", line):
            return int(begun[1])
    raise AssertionError("the worker has begun no trial")


def stop_heartbeat(project, trial):
    """Let the last heartbeat of a trial be long ago."""
    with sqlite3.connect(project.folder / "artifacts/tune/studies.db", timeout=60) as database:
        statement = "UPDATE trial_heartbeats SET heartbeat = '2000-01-01' WHERE trial_id = ?"
        assert database.execute(statement, (trial._trial_id,)).rowcount == 1


def test_two_workers_share_a_study_and_one_that_is_killed_loses_one_trial(project):
    words = ["--trials", "4", "--study", "shared"]
    workers = [start_worker(project, *words) for _ in range(2)]
    lost = wait_for_trial(workers[0])
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].communicate()
    stop_heartbeat(project, load_study(project, "shared").get_trials()[lost])
    said = workers[1].communicate()[1]
    assert workers[1].returncode == 0, said
    assert "Traceback" not in said
    study = load_study(project, "shared")
    trials = study.get_trials()
    states = [trial.state.name for trial in trials]
    assert states.count("FAIL") == 1
    assert states.count("COMPLETE") + states.count("PRUNED") == len(states) - 1 == 4
    again = [t for t in trials if t.user_attrs["origin"] == trials[lost].user_attrs["origin"]]
    assert again[0].number == lost
    assert again[1].user_attrs["values"] == trials[lost].user_attrs["values"]
    _, _, children = read_children(project, study)
    runs = {child.data.tags["trial.number"]: child for child in children}
    assert len(runs) == 5
    assert runs[str(lost)].info.status == "KILLED"
    assert runs[str(lost)].data.tags["trial.reason"] == "its worker ended"


def test_a_search_stopped_from_the_keyboard_goes_on_with_the_same_command(project):
    words = ["--trials", "2", "--study", "stopped"]
    worker = start_worker(project, *words)
    wait_for_trial(worker)
    os.kill(worker.pid, signal.SIGINT)
    said = worker.communicate()[1]
    assert worker.returncode == 130
    assert said.endswith("tune: stopped; the same command goes on with the study\n")
    assert "Traceback" not in said
    project.run(*TUNE, *words)
    trials = load_study(project, "stopped").get_trials()
    assert [trial.user_attrs["origin"] for trial in trials] == ["default", "fitted", "default"]
    assert [trial.state.name for trial in trials][::2] == ["FAIL", "COMPLETE"]
    assert trials[1].state.is_finished()


@pytest.mark.usefixtures("searched")
def test_another_space_needs_another_study(project):
    file = project.folder / "params.yaml"
    before = file.read_text()
    rates = "low: 0.0002, high: 0.001"
    assert before.count(rates) == 1
    file.write_text(before.replace(rates, "low: 0.0002, high: 0.002"))
    rejected = project.try_run(*TUNE, "--trials", "4")
    file.write_text(before)
    assert rejected.returncode == 1
    assert "began with other frames or other parameters" in rejected.stderr
    assert "Traceback" not in rejected.stderr


def test_anchors_are_fitted_with_a_picture(project):
    said = project.run(sys.executable, "src/fit_anchors.py", "--out", "anchors.png")
    assert "params.yaml: an anchor matches " in said
    assert "fitted aspect_ratios: [[" in said
    assert (project.folder / "anchors.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], "give --trials, --apply, or both"), (["--trials", "0"], "expected 1 or more, got 0")],
)
def test_bad_arguments_are_rejected_with_what_is_expected(project, words, expected):
    rejected = project.try_run(*TUNE, *words)
    assert rejected.returncode == 2
    assert expected in rejected.stderr
