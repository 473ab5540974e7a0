from pathlib import Path

import mlflow
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import runs

PARAMS = load_params(PROJECT / "params.yaml")


def change_epochs(epochs):
    return PARAMS.model_copy(update={"train": PARAMS.train.model_copy(update={"epochs": epochs})})


def read_run(run_id):
    return mlflow.MlflowClient().get_run(run_id)


def list_points(run_id, name):
    return [(p.step, p.value) for p in mlflow.MlflowClient().get_metric_history(run_id, name)]


def test_a_training_shows_every_parameter_under_its_dotted_name():
    with runs.training_run(change_epochs(3), {"data": "12.dir"}) as run_id:
        pass
    run = read_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "efficientnet_lite0, 3 epochs"
    assert run.data.params["train.epochs"] == "3"
    assert (
        run.data.params["detector.anchors.strides_px"] == "[8.0, 16.0, 32.0, 64.0, 100.0, 300.0]"
    )
    assert run.data.tags["dvc.data"] == "12.dir"


def test_an_interrupted_training_is_killed_and_continued():
    with pytest.raises(KeyboardInterrupt), runs.training_run(PARAMS, {}) as run_id:
        runs.log_epoch({"epoch": 1, "train_loss": 2.0})
        raise KeyboardInterrupt
    assert read_run(run_id).info.status == "KILLED"
    with runs.training_run(PARAMS, {}, run_id) as continued:
        runs.log_epoch({"epoch": 2, "train_loss": 1.0})
    assert continued == run_id
    assert read_run(run_id).info.status == "FINISHED"
    assert list_points(run_id, "train_loss") == [(1, 2.0), (2, 1.0)]


def test_a_run_shows_a_dozen_metrics_and_no_more(tmp_path):
    losses = {f"{split}_{part}": 1.0 for split in ("train", "validation")
              for part in ("loss", "box_loss", "class_loss")}  # fmt: skip
    scores = ("ap_real", "ap_fake", "map_50", "map_50_95", "class_agnostic_ap_50_95")
    row = {"epoch": 1, **losses, **{f"validation_{name}": 0.5 for name in scores}}
    evaluated = {f"test_{name}": 0.5 for name in (*scores, "ap_real_ci95_low", "found")}
    verdicts = {f"test_video_{name}": 0.5 for name in ("auc", "log_loss", "ece", "eer")}
    with runs.training_run(PARAMS, {}) as run_id:
        runs.log_epoch(row | {"learning_rate": 0.1, "images_per_second": 9.0})
        runs.log_evaluation(evaluated, tmp_path)
        runs.log_evaluation(verdicts | {"validation_video_auc": 0.5}, tmp_path)
    shown = read_run(run_id).data.metrics
    assert shown.keys() == {
        "train_loss", "validation_loss", "validation_map_50_95", "learning_rate",
        "images_per_second", "test_ap_real", "test_ap_fake", "test_map_50", "test_map_50_95",
        "test_class_agnostic_ap_50_95", "test_video_auc", "test_video_log_loss", "test_video_ece",
    }  # fmt: skip
    assert len(shown) <= 13


def test_a_metric_that_is_undefined_is_not_logged(tmp_path):
    with runs.training_run(PARAMS, {}) as run_id:
        runs.log_epoch({"epoch": 1, "train_loss": 2.0, "validation_map_50_95": float("nan")})
        runs.log_evaluation({"test_map_50": None, "test_ap_real": 0.0}, tmp_path)
    assert read_run(run_id).data.metrics == {"train_loss": 2.0, "test_ap_real": 0.0}


def test_a_failed_training_is_failed():
    with pytest.raises(ValueError, match="no"), runs.training_run(PARAMS, {}) as run_id:
        raise ValueError("no")
    assert read_run(run_id).info.status == "FAILED"


def test_another_value_in_a_continued_run_is_told_beside_the_first():
    with runs.training_run(change_epochs(3), {}) as run_id:
        pass
    with runs.training_run(change_epochs(4), {}, run_id):
        pass
    run = read_run(run_id)
    assert run.data.params["train.epochs"] == "3"
    assert run.data.tags["resumed_with.train.epochs"] == "4"


def test_the_run_of_mlflow_run_is_continued(monkeypatch):
    client = mlflow.MlflowClient()
    begun = client.create_run("0").info.run_id
    client.log_param(begun, "epochs", "15")
    monkeypatch.setenv("MLFLOW_RUN_ID", begun)
    with runs.training_run(PARAMS, {}, "another") as run_id:
        pass
    assert run_id == begun
    assert {"epochs", "train.epochs"} <= read_run(begun).data.params.keys()


@pytest.mark.parametrize("lost", [None, "0" * 32])
def test_without_its_run_an_evaluation_begins_one(lost):
    with runs.continued_run(lost) as run_id:
        pass
    assert run_id != lost
    assert read_run(run_id).info.run_name == "evaluate"


def test_a_deleted_run_is_not_continued():
    with runs.continued_run(None) as run_id:
        pass
    mlflow.MlflowClient().delete_run(run_id)
    with runs.continued_run(run_id) as other:
        pass
    assert other != run_id


def test_an_evaluation_keeps_metrics_and_pictures_but_no_detections(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "evaluate"
    for name in ("detections.csv", "metrics.json", "plots/curve.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    docs = tmp_path / runs.DATA_DOCS
    docs.mkdir(parents=True)
    (docs / "index.html").write_text("docs")
    for path in runs.DATA_CARD:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("card")
    metrics = {"test_map_50": 0.5, "test_faces": 3, "test_how": "by source"}
    with runs.continued_run(None) as run_id:
        assert not runs.has_evaluation()
        runs.log_evaluation(metrics, folder)
        assert runs.has_evaluation()
    run = read_run(run_id)
    assert run.data.metrics == {"test_map_50": 0.5}
    kept = Path(run.info.artifact_uri)
    files = {p.relative_to(kept).as_posix() for p in kept.rglob("*") if p.is_file()}
    assert files == {
        *("evaluate/metrics.json", "evaluate/plots/curve.png", "data_docs/index.html"),
        *("data_card/data_card.md", "data_card/data_card.json"),
    }
