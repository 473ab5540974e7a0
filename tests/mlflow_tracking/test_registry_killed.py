"""A process that is killed while it registers a model: the same command leaves one version."""

import mlflow
import pytest

from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import registry, runs
from deepfake_detector.mlflow_tracking.registry import DIGEST, NAME, NEWEST, register_detector

MODEL = """import mlflow


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input


mlflow.models.set_model(Model())
"""


class KilledError(BaseException):
    """Stands in for the end of a process: nothing of this program catches it."""


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Register files as a detector, in a served form of a few lines, in a run."""
    (tmp_path / "model.py").write_text(MODEL)
    detector, calibration = tmp_path / "detector.keras", tmp_path / "calibration.json"
    for path in (detector, calibration):
        path.write_text(str(tmp_path))  # of each test another model

    def log_small_model(files, params, example_image, digest):
        return mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(tmp_path / "model.py"),
            pip_requirements=[],
            tags={DIGEST: digest},
        ).model_id

    monkeypatch.setattr(registry, "_log_model", log_small_model)
    return lambda: register_detector(detector, calibration, load_params().predict, b"")


@pytest.mark.parametrize(
    "step",
    ["finalize_logged_model", "_create_model_version", "set_registered_model_alias"],
)
def test_killed_in_any_step_the_same_command_registers_one_version(register, monkeypatch, step):
    def be_killed(*_, **__):
        raise KilledError

    with runs.continued_run(None) as run_id, monkeypatch.context() as killing:
        killing.setattr(mlflow.MlflowClient, step, be_killed)
        with pytest.raises(KilledError):
            register()
    with runs.continued_run(run_id):
        address = register()
        assert register() == address
    client = mlflow.MlflowClient()
    (version,) = client.search_model_versions(f"run_id='{run_id}'")
    assert address == f"models:/{NAME}/{version.version}"
    newest = client.get_registered_model(NAME).aliases[NEWEST]
    assert str(newest) == str(version.version)
    (model,) = client.search_logged_models(["0"], f"source_run_id = '{run_id}'")
    assert model.status == "READY"


def test_what_a_killed_run_left_unfinished_is_deleted_by_the_next_run(register, monkeypatch):
    def be_killed(*_, **__):
        raise KilledError

    with runs.continued_run(None) as killed_run, monkeypatch.context() as killing:
        killing.setattr(mlflow.MlflowClient, "finalize_logged_model", be_killed)
        with pytest.raises(KilledError):
            register()
    with runs.continued_run(None) as run_id:
        register()
    logged = mlflow.MlflowClient().search_logged_models(["0"])
    own = [model for model in logged if model.source_run_id in (killed_run, run_id)]
    assert [(model.source_run_id, model.status) for model in own] == [(run_id, "READY")]


def test_an_older_version_that_is_registered_again_is_not_the_newest(register, tmp_path):
    with runs.continued_run(None) as run_id:
        older = register()
    (tmp_path / "detector.keras").write_text("a later one")
    with runs.continued_run(None):
        newer = register()
    (tmp_path / "detector.keras").write_text(str(tmp_path))
    with runs.continued_run(run_id):
        assert register() == older
    newest = mlflow.MlflowClient().get_registered_model(NAME).aliases[NEWEST]
    assert newer == f"models:/{NAME}/{newest}"
