"""Where MLflow keeps the runs: one absolute address, set in one place."""

import os
import re
import sqlite3
from contextlib import chdir
from pathlib import Path

from deepfake_detector.mlflow_tracking.moved_store import adopt_moved_store


def use_project_tracking() -> None:
    """Keep runs in the project's `mlflow.db`, or where MLFLOW_TRACKING_URI says.

    `mlflow ui`, typed in the project's folder, then shows them, also those of an experiment that
    DVC runs in a temporary copy.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # the import looks at it
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # else minutes for each call
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    import mlflow

    project = find_project(Path.cwd())
    uri = make_absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", project)
    if uri == make_absolute("sqlite:///mlflow.db", project):
        _adopt(project / "mlflow.db")
    mlflow.set_tracking_uri(uri)
    with chdir(project):  # a new store takes this folder's `mlruns` for files, for good
        mlflow.search_experiments(max_results=1)


def _adopt(database: Path) -> None:
    from mlflow.exceptions import MlflowException

    try:
        adopt_moved_store(database)
    except sqlite3.OperationalError as error:  # locked: as MLflow says it
        raise MlflowException(f"{database}: {error}") from error


def find_project(folder: Path) -> Path:
    """Find the project's folder, also from the copy below it where `dvc exp run --temp` works."""
    for parent in folder.parents:
        if parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return parent.parents[2]
    return folder


def make_absolute(uri: str, project: Path) -> str:
    """Make the path of a relative sqlite address absolute; other addresses stay as they are."""
    relative = re.fullmatch(r"sqlite:///(?!/)(.+)", uri)
    if relative is None or Path(relative[1]).is_absolute():
        return uri
    return f"sqlite:///{(project / relative[1]).as_posix()}"
