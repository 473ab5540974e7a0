"""What all tests share: MLflow writes to a throw-away folder, never to the project's own runs."""

import os

import pytest

from embedded_sample import copy_sample

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


@pytest.fixture(scope="session", autouse=True)
def _runs_elsewhere(tmp_path_factory):
    """Keep MLflow's default store out of the project."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.delenv("MLFLOW_RUN_ID", raising=False)
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """Give a folder with the embedded sample in it, laid out as `data/`."""
    folder = tmp_path_factory.mktemp("sample")
    copy_sample(folder)
    return folder
