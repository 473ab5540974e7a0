"""The whole pipeline on a few real clips: `dvc repro`, `mlflow run`, and what is run again after a
change. The tests build on each other, in their order.
"""

import base64
import csv
import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import start

from copied_project import CLIPS, SHORT, commit, copy_project, keep_few_clips
from deepfake_detector.mlflow_tracking.runs import EPOCH_METRICS, TEST_METRICS
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video
from embedded_sample import write_sample_record

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Copy the project, restore the sample as a user does, and shorten both."""
    copied = copy_project(tmp_path_factory.mktemp("copied") / "project")
    write_sample_record(copied.folder / "data.dvc")
    copied.run("dvc", "pull", "-q", "data.dvc", "released.dvc")
    keep_few_clips(copied.folder / "data")
    copied.write_params(SHORT)
    commit(copied)
    return copied


@pytest.fixture(scope="module")
def reproduced(copied):
    """Run the pipeline once, as typed."""
    copied.said = copied.run("dvc", "repro", "--pull")
    return copied


def read_runs(project):
    """Give the project's MLflow runs, the newest first."""
    client = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")
    return client.search_runs(["0"], order_by=["attributes.start_time DESC"])


def read_steps(project, run, metric):
    client = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db")
    return [point.step for point in client.get_metric_history(run.info.run_id, metric)]


def read_history(project):
    with (project.folder / "artifacts/train/history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_sample_can_be_trained_on(reproduced):
    summary = (reproduced.folder / "artifacts/validate/videos.csv").read_text()
    assert all(clip in summary for clip in CLIPS)
    assert len(read_history(reproduced)) == 2


def test_the_table_of_results_stands_in_the_output(reproduced):
    assert "class-agnostic AP" in reproduced.said


def test_everything_is_up_to_date_afterwards(reproduced):
    assert "Data and pipelines are up to date." in reproduced.run("dvc", "status")


def test_the_training_started_from_the_released_detector_and_another_one_makes_it_stale(
    reproduced,
):
    start = json.loads((reproduced.folder / "artifacts/train/start.json").read_text())
    assert start == {"released": "released"}
    card = reproduced.folder / "released/card.md"
    text = card.read_text()
    card.write_text("another version")
    said = reproduced.run("dvc", "status", "train")
    card.write_text(text)
    assert "modified:           released" in said


def test_dvc_shows_metrics_parameters_and_plots(reproduced):
    shown = json.loads(reproduced.run("dvc", "metrics", "show", "--json"))
    figures = shown[""]["data"]["artifacts/evaluate/metrics.json"]["data"]["test"]
    assert 0 <= figures["class_agnostic_ap_50"] <= 1
    verdicts = shown[""]["data"]["artifacts/calibrate/metrics.json"]["data"]["test"]
    assert verdicts["videos"] == 2
    card = shown[""]["data"]["artifacts/split/metrics.json"]["data"]["data"]
    assert card["videos"] == len(CLIPS)
    reproduced.run("dvc", "params", "diff")
    reproduced.run("dvc", "plots", "show")


def test_the_run_shows_parameters_epochs_inputs_and_results(reproduced):
    (run,) = read_runs(reproduced)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == "2"
    assert run.data.params["detector.backbone"] == "efficientnet_lite0"
    assert read_steps(reproduced, run, "train_loss") == [1, 2]
    known = {*EPOCH_METRICS, *TEST_METRICS}
    assert run.data.metrics.keys() <= known
    assert {"validation_loss", "learning_rate", "test_map_50_95"} <= run.data.metrics.keys()
    commit = reproduced.run("git", "rev-parse", "HEAD").strip()
    assert run.data.tags["mlflow.source.git.commit"] == commit
    lock = (reproduced.folder / "dvc.lock").read_text()
    assert run.data.tags["dvc.artifacts/split/train.csv"] in lock
    files = {path.name for path in Path(run.info.artifact_uri).rglob("*")}
    assert {"history.csv", "precision_recall.png", "index.html", "reliability.png"} <= files
    assert {"data_card.md", "data_card.json"} <= files


def test_the_registered_detector_answers(reproduced, monkeypatch):
    store = f"sqlite:///{reproduced.folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    mlflow.set_tracking_uri(store)
    mlflow.set_registry_uri(store)  # another test of the process may have named its own
    try:
        detector = mlflow.pyfunc.load_model("models:/deepfake_detector@newest")
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    example = detector.input_example
    (answer,) = detector.predict(example).to_dict(orient="records")
    assert list(answer) == detector.metadata.signature.outputs.input_names()
    assert answer["verdict"] == "cannot tell"  # of a single frame
    assert {face["label"] for face in answer["faces"]} <= {"real", "fake", "undecided"}
    assert base64.b64decode(pd.DataFrame(example)["image"][0]).startswith(b"\xff\xd8")  # a JPEG
    none = detector.predict(example, params={"score_threshold": 1.1})
    assert none["faces"][0] == []


def link_environment(project, monkeypatch):
    """Do what start.py does once, with the environment that runs this test."""
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(project.environments))
    monkeypatch.setattr(start, "VENV", Path(sys.prefix))
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(start, "PROJECT", project.folder)
    start.link_for_mlflow(start.ask_environment()["mlflow"])


def test_mlflow_run_trains_with_the_values_given(reproduced, monkeypatch):
    link_environment(reproduced, monkeypatch)
    said = reproduced.run("mlflow", "run", ".", "-P", "epochs=1", "-P", "learning_rate=1e-5")
    assert "already exists" in said  # MLflow installed nothing
    run = read_runs(reproduced)[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "1"
    assert run.data.params["train.epochs"] == "1"
    assert run.data.params["train.schedule.learning_rate"] == "1e-05"
    assert read_steps(reproduced, run, "train_loss") == [1]
    assert "test_map_50" in run.data.metrics
    assert len(read_history(reproduced)) == 1


def test_the_same_again_is_cached_and_still_shows_its_result(reproduced):
    before = read_runs(reproduced)[0]
    reproduced.run("mlflow", "run", ".", "-P", "epochs=1", "-P", "learning_rate=1e-5")
    run = read_runs(reproduced)[0]
    assert run.info.run_id != before.info.run_id
    assert run.data.tags["trained_in_run"] == before.info.run_id
    assert run.data.metrics["test_map_50"] == before.data.metrics["test_map_50"]
    assert read_steps(reproduced, run, "train_loss") == [1]
    assert run.data.params["train.epochs"] == "1"


def test_dvc_lists_the_experiment(reproduced):
    assert "train.epochs" in reproduced.run("dvc", "exp", "show", "--csv")


def test_a_changed_video_is_extracted_alone(reproduced):
    shards = reproduced.folder / "artifacts/extract_frames"
    before = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.tfrecord")}
    video = reproduced.folder / "data/videos/carphone_swap.mp4"
    frames = [frame for _, frame in read_frames(video)]
    write_video(video, frames[:-10], fps=30)
    reproduced.run("dvc", "repro", "extract_frames")
    after = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.tfrecord")}
    changed = [name for name in before if after[name] != before[name]]
    assert changed == ["carphone_swap.mp4.tfrecord"]


def test_own_data_before_the_first_run_is_taken_as_it_is(reproduced, tmp_path, monkeypatch):
    """`dvc repro --pull` alone rejects it; start.py records it first."""
    fresh = tmp_path / "fresh"
    reproduced.run("git", "clone", "-q", str(reproduced.folder), str(fresh))
    (fresh / "data").mkdir()
    (fresh / "data/mine.txt").write_text("mine")
    monkeypatch.setattr(start, "PROJECT", fresh)
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    start.record_own_data(["dvc", "repro", "--pull"])
    assert (fresh / "data/mine.txt").read_text() == "mine"
    assert "nfiles: 1" in (fresh / "data.dvc").read_text()
