"""MLflow that is away, and comes back: training goes on, and nothing that was logged is lost."""

import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import mlflow
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import outbox, registry, runs

PARAMS = load_params(PROJECT / "params.yaml")
ROW = {"train_loss": 2.0, "validation_loss": 1.0}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder to work in, without a run that goes on after a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield tmp_path
    mlflow.set_tracking_uri(None)
    while mlflow.active_run():
        mlflow.end_run()


def go_away(monkeypatch):
    """Name a server that nobody runs; what `use_project_tracking` has named stands no more."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    mlflow.set_tracking_uri("http://127.0.0.1:9")


def come_back(monkeypatch, project):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{project}/mlflow.db")


def read_run(run_id):
    return mlflow.MlflowClient().get_run(run_id)


def list_runs():
    return mlflow.MlflowClient().search_runs(["0"])


def list_steps(run_id):
    return [p.step for p in mlflow.MlflowClient().get_metric_history(run_id, "train_loss")]


def train(epochs, folder, resume=None):
    with runs.training_run(PARAMS, {"data": "12.dir"}, resume) as run_id:
        for epoch in epochs:
            runs.log_epoch({"epoch": epoch, **ROW})
        history = Path(folder) / "history.csv"
        history.write_text(f"epochs {epochs}")
        runs.log_file(history)
        history.write_text("another training's")
    return run_id


def test_a_training_goes_on_without_mlflow_and_the_next_command_sends_it(
    project, monkeypatch, caplog
):
    go_away(monkeypatch)
    with caplog.at_level(logging.WARNING):
        name = train([1, 2], project)
    assert caplog.text.count("MLflow is away") == 1
    assert name.startswith(outbox.UNSENT)
    come_back(monkeypatch, project)
    with runs.continued_run(name) as run_id:
        runs.log_evaluation({"test_map_50": 0.5}, project / "evaluate")
    (run,) = list_runs()
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == "15"
    assert run.data.tags["dvc.data"] == "12.dir"
    assert run.data.metrics == {**ROW, "test_map_50": 0.5}
    assert list_steps(run_id) == [1, 2]
    assert (Path(run.info.artifact_uri) / "history.csv").read_text() == "epochs [1, 2]"
    assert [path.name for path in (project / outbox.FOLDER).iterdir()] == ["runs.json"]


def test_mlflow_that_is_killed_in_the_middle_loses_nothing(project, monkeypatch):
    come_back(monkeypatch, project)
    with runs.training_run(PARAMS, {}) as run_id:
        runs.log_epoch({"epoch": 1, **ROW})
        go_away(monkeypatch)
        runs.log_epoch({"epoch": 2, **ROW})
        runs.log_epoch({"epoch": 3, **ROW})
    come_back(monkeypatch, project)
    assert read_run(run_id).info.status == "RUNNING"
    with runs.continued_run(run_id):
        pass
    assert list_steps(run_id) == [1, 2, 3]
    assert read_run(run_id).info.status == "FINISHED"
    assert len(list_runs()) == 1


def test_mlflow_that_comes_back_is_told_at_the_end_of_the_same_command(project, monkeypatch):
    go_away(monkeypatch)
    with runs.training_run(PARAMS, {}):
        runs.log_epoch({"epoch": 1, **ROW})
        come_back(monkeypatch, project)
    (run,) = list_runs()
    assert (run.info.status, list_steps(run.info.run_id)) == ("FINISHED", [1])


def test_a_training_that_is_resumed_while_mlflow_is_away_is_one_run(project, monkeypatch):
    go_away(monkeypatch)
    with pytest.raises(KeyboardInterrupt), runs.training_run(PARAMS, {}) as name:
        runs.log_epoch({"epoch": 1, **ROW})
        raise KeyboardInterrupt
    assert train([2], project, name) == name
    come_back(monkeypatch, project)
    with runs.continued_run(name):
        pass
    (run,) = list_runs()
    assert (run.info.status, list_steps(run.info.run_id)) == ("FINISHED", [1, 2])


def test_while_mlflow_is_away_nothing_is_registered(project, monkeypatch, caplog):
    go_away(monkeypatch)
    with runs.continued_run(None):
        address = registry.register_detector(Path("a"), Path("b"), PARAMS.predict, b"")
    assert address == ""
    assert "not registered, as MLflow is away" in caplog.text


def test_the_run_of_a_training_that_is_given_up_ends(project, monkeypatch):
    come_back(monkeypatch, project)
    client = mlflow.MlflowClient()
    running, finished = (client.create_run("0").info.run_id for _ in range(2))
    client.set_terminated(finished, "FINISHED")
    for run_id in (running, finished, "0" * 32, f"{outbox.UNSENT}12", None):
        runs.end_killed_run(run_id)
    assert read_run(running).info.status == "KILLED"
    assert read_run(finished).info.status == "FINISHED"


def test_what_mlflow_does_not_take_is_no_absence(project, monkeypatch):
    come_back(monkeypatch, project)
    with (
        pytest.raises(mlflow.exceptions.MlflowException, match="250 characters"),
        runs.training_run(PARAMS, {"a" * 300: "1"}),
    ):
        pass


def test_a_server_that_answers_with_an_error_of_its_own_is_away(project, monkeypatch):
    class Broken(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    try:
        assert train([1], project).startswith(outbox.UNSENT)
    finally:
        server.shutdown()
