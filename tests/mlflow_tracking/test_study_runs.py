import mlflow
import optuna
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import study_runs
from deepfake_detector.mlflow_tracking.study_runs import RUN, StudyRun

PARAMS = load_params(PROJECT / "params.yaml")
OBJECTIVE = "validation_map_50_95"


def read_run(run_id):
    return mlflow.MlflowClient().get_run(run_id)


@pytest.fixture
def study():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(direction="maximize")


def run_trials(study, run, *ends):
    """Run a trial for each of `ends`: a value, or the error it ends with; return their runs."""

    def objective(trial):
        trial.set_user_attr("origin", "sampled")
        run.begin_trial(trial, PARAMS)
        run.log_epoch({"epoch": 1, OBJECTIVE: 0.25})
        trial.set_user_attr("best_possible_recall", 0.75)
        end = ends[trial.number - first]
        if isinstance(end, BaseException):
            trial.set_user_attr("reason", str(end))
            raise end
        return end

    first = len(study.trials)
    study.optimize(objective, len(ends), callbacks=[run])
    return [trial.user_attrs[RUN] for trial in study.trials[first:]]


def test_a_trial_is_a_run_below_the_study_s(study):
    run = StudyRun("a", {"data": "12.dir"}, None)
    trial = read_run(run_trials(study, run, 0.5)[0])
    assert trial.data.tags["mlflow.parentRunId"] == run.run_id
    tags = {key: value for key, value in trial.data.tags.items() if key.startswith("trial.")}
    assert tags == {"trial.number": "0", "trial.origin": "sampled", "trial.state": "complete"}
    assert trial.info.status == "FINISHED"
    metrics = {OBJECTIVE: 0.25, "best_possible_recall": 0.75, "objective": 0.5}
    assert trial.data.metrics == metrics
    curve = mlflow.MlflowClient().get_metric_history(trial.info.run_id, OBJECTIVE)
    assert [point.step for point in curve] == [1]
    assert trial.data.params["train.epochs"] == str(PARAMS.train.epochs)
    assert read_run(run.run_id).data.tags["dvc.data"] == "12.dir"


def test_the_run_of_a_pruned_trial_ends_as_killed_and_says_why(study):
    run = StudyRun("a", {}, None)
    trial = read_run(run_trials(study, run, optuna.TrialPruned("others did better"))[0])
    assert trial.info.status == "KILLED"
    assert trial.data.tags["trial.state"] == "pruned"
    assert trial.data.tags["trial.reason"] == "others did better"


def test_no_run_is_ever_the_active_one(study):
    run = StudyRun("a", {}, None)
    run_trials(study, run, 0.5)
    assert mlflow.active_run() is None


def test_a_study_that_goes_on_keeps_its_run():
    study = StudyRun("a", {}, None)
    study.end("KILLED")
    assert read_run(study.run_id).info.status == "KILLED"
    again = StudyRun("a", {}, study.run_id)
    assert again.run_id == study.run_id
    assert read_run(study.run_id).info.status == "RUNNING"


def test_the_run_of_mlflow_run_becomes_the_study_s(monkeypatch):
    begun = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", begun)
    assert StudyRun("a", {}, None).run_id == begun


def test_one_trial_is_tagged_as_the_best(study):
    run = StudyRun("a", {}, None)
    first, second = run_trials(study, run, 0.2, 0.5)
    run.log_winner(first, 0, 0.2)
    run.log_winner(second, 1, 0.5)
    assert "trial.best" not in read_run(first).data.tags
    assert read_run(second).data.tags["trial.best"] == "true"
    assert read_run(run.run_id).data.tags["best_trial"] == "1"
    assert read_run(run.run_id).data.metrics == {"objective": 0.5}


def test_a_trial_whose_worker_died_does_not_run_for_ever(study):
    run = StudyRun("a", {}, None)
    lost = study.ask()
    run.begin_trial(lost, PARAMS)
    run.end_open_trials(study)  # it still runs, as far as anybody knows
    assert read_run(lost.user_attrs[RUN]).info.status == "RUNNING"
    study.tell(lost, state=optuna.trial.TrialState.FAIL)
    run.end_open_trials(study)
    ended = read_run(lost.user_attrs[RUN])
    assert ended.info.status == "KILLED"
    assert ended.data.tags["trial.state"] == "fail"
    assert ended.data.tags["trial.reason"] == "its worker ended"


def test_a_trial_that_was_stopped_says_so(study):
    run = StudyRun("a", {}, None)
    with pytest.raises(KeyboardInterrupt):
        run_trials(study, run, KeyboardInterrupt("stopped from the keyboard"))
    run.end_open_trials(study)
    run.end_open_trials(study)  # as the next worker does
    ended = read_run(study.trials[0].user_attrs[RUN])
    assert ended.info.status == "FAILED"
    assert ended.data.tags["trial.reason"] == "stopped from the keyboard"


def lose_mlflow(monkeypatch):
    """Let MLflow be away, as where its database is locked."""
    from mlflow.exceptions import MlflowException

    def be_away(*_, **__):
        raise MlflowException("database is locked")

    for name in ("create_run", "get_run", "set_tag", "set_terminated", "search_runs"):
        monkeypatch.setattr(mlflow.MlflowClient, name, be_away)
    monkeypatch.setattr(study_runs, "use_project_tracking", be_away)


def run_unseen(study, run, value):
    """Run a trial of which MLflow may hear nothing."""

    def objective(trial):
        trial.set_user_attr("origin", "sampled")
        trial.suggest_float("rate", 0, 1)
        run.begin_trial(trial, PARAMS)
        run.log_epoch({"epoch": 1, OBJECTIVE: 0.25})
        return value

    study.optimize(objective, 1, callbacks=[run])


def list_trials(run):
    query = f"tags.`mlflow.parentRunId` = '{run.run_id}'"
    return mlflow.MlflowClient().search_runs(["0"], query)


def test_a_search_goes_on_without_mlflow_and_the_next_command_logs_its_trials(
    study, monkeypatch, caplog
):
    with monkeypatch.context() as away:
        lose_mlflow(away)
        run = StudyRun("a", {}, None)
        run_unseen(study, run, 0.5)
        run.end_open_trials(study)
        run.log_winner(None, 0, 0.5)
        run.end("FINISHED")
    assert caplog.text.count("MLflow is away (database is locked)") == 1
    assert run.run_id is None
    again = StudyRun("a", {}, run.run_id)
    for _ in range(2):  # the second time there is nothing to do
        again.end_open_trials(study)
        again.log_winner(None, 0, 0.5)
    (trial,) = list_trials(again)
    assert trial.info.status == "FINISHED"
    assert trial.data.metrics == {"objective": 0.5}
    assert trial.data.params.keys() == {"rate"}
    assert trial.data.tags["trial.best"] == "true"
    assert read_run(again.run_id).data.tags["best_run"] == trial.info.run_id


def test_a_trial_during_which_mlflow_goes_away_is_ended_by_the_next_command(study, monkeypatch):
    run = StudyRun("a", {}, None)
    with monkeypatch.context() as away:

        def objective(trial):
            run.begin_trial(trial, PARAMS)
            lose_mlflow(away)
            return 0.5

        study.optimize(objective, 1, callbacks=[run])
        run.end("FINISHED")
    again = StudyRun("a", {}, run.run_id)
    again.end_open_trials(study)
    (trial,) = list_trials(again)
    assert (trial.info.status, trial.data.metrics["objective"]) == ("FINISHED", 0.5)
