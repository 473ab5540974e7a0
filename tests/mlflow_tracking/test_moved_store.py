"""A project that was moved or copied: its runs and models are its own, the original is left."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import mlflow
import pytest

from deepfake_detector.mlflow_tracking import moved_store, runs
from deepfake_detector.mlflow_tracking.moved_store import adopt_moved_store
from deepfake_detector.mlflow_tracking.store import use_project_tracking

MODEL = """import mlflow


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return "the model"


mlflow.models.set_model(Model())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a run, a file of it and a registered model; the run's id."""
    folder = tmp_path_factory.mktemp("made") / "original"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI")
        (folder / "model.py").write_text(MODEL)
        (folder / "notes.txt").write_text("first")
        with runs.continued_run(None) as run_id:
            runs.log_file(folder / "notes.txt")
            mlflow.set_registry_uri(mlflow.get_tracking_uri())
            mlflow.pyfunc.log_model(
                name="model", python_model="model.py", pip_requirements=[],
                registered_model_name="small",
            )  # fmt: skip
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    return folder, run_id


@pytest.fixture
def enter(monkeypatch):
    """Work in a folder, as commands typed there do."""

    def enter(folder):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    yield enter
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def read_files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


LOG_MORE = """
import sys
from pathlib import Path

from deepfake_detector.mlflow_tracking import runs

Path("more.txt").write_text("second")
with runs.continued_run(sys.argv[1]) as run_id:
    runs.log_file(Path("more.txt"))
    print(run_id)
"""


def test_a_copy_goes_on_with_its_own_runs_and_leaves_the_original(made, tmp_path):
    original, run_id = made
    copy, before = tmp_path / "a copy", read_files(original)
    shutil.copytree(original, copy)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    done = subprocess.run(  # a process of its own: MLflow remembers where a run's files are
        [sys.executable, "-c", LOG_MORE, run_id],
        cwd=copy,
        env=environment | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [run_id], done.stderr
    assert done.stderr.count("where this copy is") == 1
    assert read_files(original) == before
    logged = copy / f"mlruns/0/{run_id}/artifacts"
    assert {path.name for path in logged.iterdir()} == {"notes.txt", "more.txt"}


def test_a_moved_project_finds_its_models(made, tmp_path, enter):
    moved = tmp_path / "moved"
    shutil.copytree(made[0], tmp_path / "before")
    enter(tmp_path / "before")
    use_project_tracking()  # its paths are those of before
    (tmp_path / "before").rename(moved)
    enter(moved)
    use_project_tracking()
    mlflow.set_registry_uri(mlflow.get_tracking_uri())
    version = mlflow.MlflowClient().get_model_version("small", "1")
    path = mlflow.artifacts.download_artifacts(f"models:/small/{version.version}")
    assert path.startswith(str(moved))
    assert mlflow.pyfunc.load_model("models:/small/1").predict([]) == "the model"


def test_files_that_lie_elsewhere_stay_there(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "copy")
    database = tmp_path / "copy/mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update runs set artifact_uri = 's3://bucket/mlruns/0/a/artifacts'")
    adopt_moved_store(database)
    with closing(sqlite3.connect(database)) as connection:
        (uri,) = connection.execute("select artifact_uri from runs").fetchone()
        (location,) = connection.execute("select artifact_location from experiments").fetchone()
    assert uri == "s3://bucket/mlruns/0/a/artifacts"
    assert location == f"{tmp_path}/copy/mlruns/0"


def test_a_store_that_is_not_there_or_is_none_of_mlflows_is_left(tmp_path):
    adopt_moved_store(tmp_path / "mlflow.db")
    assert list(tmp_path.iterdir()) == []
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("create table other (a)")
    adopt_moved_store(tmp_path / "mlflow.db")


def test_a_locked_store_is_one_that_is_away(made, tmp_path, enter, monkeypatch):
    from mlflow.exceptions import MlflowException

    from deepfake_detector.mlflow_tracking.outbox import is_away

    shutil.copytree(made[0], tmp_path / "copy")
    enter(tmp_path / "copy")
    monkeypatch.setattr(moved_store, "_WAIT_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "copy/mlflow.db")) as connection:
        connection.execute("begin exclusive")
        with pytest.raises(MlflowException, match="locked") as error:
            use_project_tracking()
    assert is_away(error.value)
