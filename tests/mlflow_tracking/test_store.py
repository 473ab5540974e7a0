import os
from pathlib import Path

import mlflow
import pytest

from deepfake_detector.mlflow_tracking.store import (
    find_project,
    make_absolute,
    use_project_tracking,
)

PROJECT = Path("/home/someone/project")


def test_the_project_is_where_the_command_is_typed():
    assert find_project(PROJECT) == PROJECT


def test_an_experiment_in_a_temporary_copy_belongs_to_the_project():
    assert find_project(PROJECT / ".dvc/tmp/exps/tmp1a2b") == PROJECT


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:///mlflow.db", "sqlite:////home/someone/project/mlflow.db"),
        ("sqlite:////elsewhere/mlflow.db", "sqlite:////elsewhere/mlflow.db"),
        ("http://localhost:5000", "http://localhost:5000"),
    ],
)
def test_only_a_relative_path_is_made_absolute(uri, expected):
    assert make_absolute(uri, PROJECT) == expected


@pytest.fixture
def own_address():
    """Let a test change the address; put it back afterwards."""
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


def test_runs_and_their_files_are_kept_in_the_project(tmp_path, monkeypatch, own_address):
    copy = tmp_path / ".dvc/tmp/exps/tmp1"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    use_project_tracking()
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    assert mlflow.get_experiment("0").artifact_location == f"{tmp_path}/mlruns/0"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert Path.cwd() == copy


def test_the_users_own_address_wins(tmp_path, monkeypatch, own_address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    use_project_tracking()
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/other.db"
    assert not (tmp_path / "mlflow.db").exists()
