"""A run in MLflow: begun, continued, and what goes into it.

MLflow is imported where it is used: it takes seconds, and most commands do without.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.mlflow_tracking.provenance import list_changed_files, read_git_commit
from deepfake_detector.mlflow_tracking.store import use_project_tracking

DATA_DOCS = Path("artifacts/validate/data_docs")
TEST = "test_"

EPOCH_METRICS = (
    "train_loss",
    "validation_loss",
    "validation_map_50_95",
    "learning_rate",
    "images_per_second",
)
"""Of a row of `history.csv`, the curves that a run shows."""

TEST_METRICS = (
    "test_ap_real",
    "test_ap_fake",
    "test_map_50",
    "test_map_50_95",
    "test_class_agnostic_ap_50_95",
    "test_video_auc",
    "test_video_log_loss",
    "test_video_ece",
)
"""Of the metrics of `evaluate` and `calibrate`, what a run shows; the rest is in its files."""


@contextmanager
def training_run(
    params: Params, inputs: dict[str, str], resume_run_id: str | None = None
) -> Iterator[str]:
    """Run a training: the run of `mlflow run`, else the interrupted one, else a new one.

    Args:
        inputs: the hashes of what is trained on, by path, from `hash_dvc_inputs`.
        resume_run_id: the run of the training that goes on.

    Yields:
        The run's id. An interrupted run ends as KILLED, any other error as FAILED.
    """
    use_project_tracking()
    run_id = find_run(os.environ.get("MLFLOW_RUN_ID")) or find_run(resume_run_id)
    with _run(run_id, f"{params.detector.backbone}, {params.train.epochs} epochs") as run_id:
        _log_resolved_params(flatten_params(params))
        log_provenance(inputs)
        yield run_id


@contextmanager
def continued_run(run_id: str | None) -> Iterator[str]:
    """Continue the run of a training, or begin a new one where the store does not hold it."""
    use_project_tracking()
    run_id = find_run(run_id) or find_run(os.environ.get("MLFLOW_RUN_ID"))
    with _run(run_id, "evaluate") as run_id:
        yield run_id


def find_run(run_id: str | None) -> str | None:
    """Give a run's id back if the store holds that run and it is not deleted."""
    import mlflow
    from mlflow.exceptions import MlflowException

    if not run_id:
        return None
    try:
        run = mlflow.MlflowClient().get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run_id if run.info.lifecycle_stage == "active" else None


@contextmanager
def _run(run_id: str | None, name: str) -> Iterator[str]:
    import mlflow

    if run_id is None:  # this one is gone; without an id, start_run would insist on it
        os.environ.pop("MLFLOW_RUN_ID", None)
    with mlflow.start_run(run_id=run_id, run_name=None if run_id else name) as run:
        try:
            yield run.info.run_id
        except KeyboardInterrupt:
            mlflow.end_run("KILLED")
            raise


def _log_resolved_params(values: dict[str, Any]) -> None:
    """Log parameters once: MLflow rejects a second value, so a resumed run keeps it as a tag."""
    import mlflow

    logged = mlflow.active_run().data.params
    mlflow.log_params({key: value for key, value in values.items() if key not in logged})
    changed = {key for key in values.keys() & logged.keys() if str(values[key]) != logged[key]}
    mlflow.set_tags({f"resumed_with.{key}": values[key] for key in changed})


def log_provenance(inputs: dict[str, str]) -> None:
    """Tag the run with its git commit, the tracked files that differ from it, and its inputs."""
    import mlflow

    tags = {f"dvc.{path}": digest for path, digest in inputs.items()}
    commit = read_git_commit()
    if commit is not None:
        tags["mlflow.source.git.commit"] = commit
        tags["git.changed_files"] = ", ".join(list_changed_files()) or "none"
    mlflow.set_tags(tags)


def log_epoch(row: dict[str, float]) -> None:
    """Log `EPOCH_METRICS` of a row of `history.csv`; its `epoch` is the step.

    An epoch that the run already shows is left: MLflow would show it twice.
    """
    import mlflow

    run_id, values = mlflow.active_run().info.run_id, _choose_numbers(row, EPOCH_METRICS)
    logged = mlflow.MlflowClient().get_metric_history(run_id, next(iter(values)))
    if row["epoch"] not in {metric.step for metric in logged}:
        mlflow.log_metrics(values, step=row["epoch"])


def log_file(path: Path, folder: str | None = None) -> None:
    """Keep a file with the run, in a folder of its artifacts."""
    import mlflow

    mlflow.log_artifact(path, folder)


def log_evaluation(metrics: dict[str, Any], folder: Path) -> None:
    """Log `TEST_METRICS` of an evaluation, the files in `folder`, and the Data Docs.

    All metrics are in the folder's `metrics.json`. The large table of detections is not logged.

    Args:
        metrics: by name, `test_...`; None is undefined.
    """
    import mlflow

    mlflow.log_metrics(_choose_numbers(metrics, TEST_METRICS))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "detections.csv":
            inside = path.relative_to(folder).parent.as_posix()
            mlflow.log_artifact(path, f"{folder.name}/{inside}".removesuffix("/."))
    if DATA_DOCS.is_dir():
        mlflow.log_artifacts(DATA_DOCS, "data_docs")


def _choose_numbers(metrics: dict[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    """Return those of these metrics that are there and defined."""
    chosen = {name: metrics[name] for name in names if metrics.get(name) is not None}
    return {name: value for name, value in chosen.items() if not math.isnan(value)}


def has_evaluation() -> bool:
    """Return whether the current run shows test metrics."""
    import mlflow

    run = mlflow.MlflowClient().get_run(mlflow.active_run().info.run_id)
    return any(key.startswith(TEST) for key in run.data.metrics)


def log_training_run(run_id: str) -> None:
    """Tag the current run with the one that trained its detector."""
    import mlflow

    mlflow.set_tag("trained_in_run", run_id)
