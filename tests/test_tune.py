"""A search on the embedded sample, as typed."""

import os
import shutil
import signal
import subprocess
import sys

import mlflow
import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

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
    journal = project.folder / "artifacts/tune/studies.journal"
    storage = JournalStorage(JournalFileBackend(str(journal)))
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
    assert [trial.user_attrs["origin"] for trial in trials] == ["default", "fitted", "search"]
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
            curve = client.get_metric_history(run_id, "validation_map_50")
            assert [(point.step) for point in curve] == [1]


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


def test_two_workers_share_a_study_and_one_that_is_killed_loses_one_trial(project):
    command = [*TUNE, "--trials", "4", "--study", "shared"]
    environment = project._make_environment()
    workers = [
        subprocess.Popen(
            command, cwd=project.folder, env=environment, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for line in workers[0].stderr:
        if " begins" in line:
            break
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait()
    said = workers[1].communicate()[1]
    assert workers[1].returncode == 0, said
    project.run(*command)  # takes up what the dead one lost, if the other had ended before
    trials = load_study(project, "shared").get_trials()
    states = [trial.state.name for trial in trials]
    assert states.count("FAIL") == 1
    assert len(states) == 5
    assert states.count("COMPLETE") + states.count("PRUNED") == 4
    lost = next(trial.number for trial in trials if trial.state.name == "FAIL")
    attributes = [trial.user_attrs for trial in trials]
    assert [each["retry_of"] for each in attributes if "retry_of" in each] == [lost]
    assert "Traceback" not in said


@pytest.mark.usefixtures("searched")
def test_another_space_needs_another_study(project):
    file = project.folder / "params.yaml"
    before = file.read_text()
    rates = "lowest: 0.0002, highest: 0.001"
    assert before.count(rates) == 1
    file.write_text(before.replace(rates, "lowest: 0.0002, highest: 0.002"))
    rejected = project.try_run(*TUNE, "--trials", "4")
    file.write_text(before)
    assert rejected.returncode == 1
    assert "began with other frames or other parameters" in rejected.stderr
    assert "Traceback" not in rejected.stderr


def test_anchors_are_fitted_with_a_picture(project):
    said = project.run(sys.executable, "src/fit_anchors.py", "--out", "anchors.png")
    assert "params.yaml: an anchor overlaps " in said
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
