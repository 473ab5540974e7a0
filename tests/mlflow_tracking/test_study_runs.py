import mlflow
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import log_epoch
from deepfake_detector.mlflow_tracking.study_runs import StudyRun

PARAMS = load_params(PROJECT / "params.yaml")


def read_run(run_id):
    return mlflow.MlflowClient().get_run(run_id)


def run_trial(study, number, state, reason="", figures=None):
    run_id = study.begin_trial(number, "search", PARAMS)
    log_epoch(1, {"validation_map_50": 0.25})
    study.end_trial(state, reason, figures or {})
    return run_id


@pytest.mark.parametrize(
    ("state", "status"), [("COMPLETE", "FINISHED"), ("PRUNED", "KILLED"), ("FAIL", "FAILED")]
)
def test_a_trial_is_a_run_below_the_study_s(state, status):
    study = StudyRun("a", {"data": "12.dir"}, None)
    run = read_run(run_trial(study, 3, state, "why", {"objective": 0.25}))
    assert run.data.tags["mlflow.parentRunId"] == study.run_id
    assert run.data.tags["trial.number"] == "3"
    assert (run.data.tags["trial.state"], run.data.tags["trial.reason"]) == (state.lower(), "why")
    assert run.info.status == status
    assert run.data.metrics == {"validation_map_50": 0.25, "objective": 0.25}
    assert run.data.params["train.epochs"] == str(PARAMS.train.epochs)
    assert read_run(study.run_id).data.tags["dvc.data"] == "12.dir"


def test_a_study_that_goes_on_keeps_its_run():
    study = StudyRun("a", {}, None)
    study.end("KILLED")
    assert read_run(study.run_id).info.status == "KILLED"
    again = StudyRun("a", {}, study.run_id)
    assert again.run_id == study.run_id
    assert read_run(study.run_id).info.status == "RUNNING"
    assert mlflow.active_run() is None


def test_the_run_of_mlflow_run_becomes_the_study_s(monkeypatch):
    begun = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", begun)
    assert StudyRun("a", {}, None).run_id == begun


def test_one_trial_is_tagged_as_the_best():
    study = StudyRun("a", {}, None)
    first, second = (run_trial(study, number, "COMPLETE") for number in range(2))
    study.log_winner(first, 0, 0.2)
    study.log_winner(second, 1, 0.5)
    assert "trial.best" not in read_run(first).data.tags
    assert read_run(second).data.tags["trial.best"] == "true"
    assert read_run(study.run_id).data.tags["best_trial"] == "1"
    assert read_run(study.run_id).data.metrics == {"objective": 0.5}


def test_a_trial_whose_worker_died_does_not_run_for_ever():
    study = StudyRun("a", {}, None)
    lost = study.begin_trial(0, "search", PARAMS)
    mlflow.end_run("RUNNING")
    study.end_lost_trial(lost)
    assert read_run(lost).info.status == "KILLED"
    assert read_run(lost).data.tags["trial.reason"] == "its worker died"
    done = run_trial(study, 1, "FAIL", "the loss is nan")
    study.end_lost_trial(done)
    assert read_run(done).data.tags["trial.reason"] == "the loss is nan"
