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
from deepfake_detector.mlflow_tracking.lost_runs import end_lost_runs, note_process
from deepfake_detector.mlflow_tracking.outbox import FOLDER, UNSENT, Outbox, is_away
from deepfake_detector.mlflow_tracking.provenance import list_changed_files, read_git_commit
from deepfake_detector.mlflow_tracking.store import use_project_tracking

DATA_DOCS = Path("artifacts/validate/data_docs")
DATA_CARD = [Path("artifacts/split/data_card.md"), Path("artifacts/split/data_card.json")]
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


_unsent_run: str | None = None
"""The current run, where MLflow was away when it began."""


@contextmanager
def training_run(
    params: Params, inputs: dict[str, str], resume_run_id: str | None = None
) -> Iterator[str]:
    """Run a training: the run of `mlflow run`, else the interrupted one, else a new one.

    Args:
        inputs: the hashes of what is trained on, by path, from `hash_dvc_inputs`.
        resume_run_id: the run of the training that goes on.

    Yields:
        The run's id, or a name for it while MLflow is away. An interrupted run ends as KILLED, any
        other error as FAILED.
    """
    known = os.environ.get("MLFLOW_RUN_ID"), resume_run_id
    with _run(known, f"{params.detector.backbone}, {params.train.epochs} epochs") as run_id:
        _log("params", values={name: str(v) for name, v in flatten_params(params).items()})
        log_provenance(inputs)
        yield run_id


@contextmanager
def continued_run(run_id: str | None) -> Iterator[str]:
    """Continue the run of a training, or begin a new one where the store does not hold it."""
    with _run((run_id, os.environ.get("MLFLOW_RUN_ID")), "evaluate") as run_id:
        yield run_id


def end_killed_run(run_id: str | None) -> None:
    """End the run of a training that was killed and is not gone on with."""
    outbox = _open_outbox()
    run_id = outbox.find_sent(run_id)
    if run_id and not run_id.startswith(UNSENT):
        outbox.log(run_id, "end_killed")


def is_sent() -> bool:
    """Return whether the current run is known to MLflow, which was not away when it began."""
    return _unsent_run is None


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
def _run(known: tuple[str | None, ...], name: str) -> Iterator[str]:
    """Continue the first of these runs that the store holds, or begin one."""
    from mlflow.exceptions import MlflowException

    global _unsent_run
    outbox = _open_outbox()
    known = tuple(outbox.find_sent(run_id) for run_id in known)
    try:
        use_project_tracking()
        if not outbox.flush():
            raise MlflowException("what is kept could not be sent")
        known = tuple(outbox.find_sent(run_id) for run_id in known)
        run_id = next(filter(None, map(find_run, known)), None)
        run = _start(run_id, name)
    except MlflowException as error:
        if not is_away(error):
            raise
        outbox.note_away(error)
        run = None
    run_id = run.info.run_id if run else next(filter(None, known), None) or outbox.begin(name)
    _unsent_run = None if run else run_id
    try:
        yield run_id
    except KeyboardInterrupt:
        _end(run_id, "KILLED")
        raise
    except BaseException:
        _end(run_id, "FAILED")
        raise
    else:
        _end(run_id, "FINISHED")
    finally:
        _unsent_run = None


def _start(run_id: str | None, name: str):
    import mlflow

    if run_id is None:  # this one is gone; without an id, start_run would insist on it
        os.environ.pop("MLFLOW_RUN_ID", None)
    run = mlflow.start_run(run_id=run_id, run_name=None if run_id else name)
    note_process(run.info.run_id)
    end_lost_runs(run.info.experiment_id)
    return run


def _end(run_id: str, status: str) -> None:
    """End the current run, and send what was kept, where MLflow is back."""
    import mlflow
    from mlflow.exceptions import MlflowException

    outbox = _open_outbox()
    if mlflow.active_run() is not None:
        try:
            mlflow.end_run(status)
        except MlflowException as error:
            if not is_away(error):
                raise
    outbox.log(run_id, "status", value=status)
    outbox.flush()


def _open_outbox() -> Outbox:
    global _outbox
    folder = FOLDER.absolute()
    if _outbox is None or _outbox[0] != folder:
        _outbox = folder, Outbox(FOLDER, _send)
    return _outbox[1]


_outbox: tuple[Path, Outbox] | None = None
"""The outbox of the folder that the command works in: it remembers that MLflow is away."""


def _log(do: str, **values: Any) -> None:
    """Log to the current run, now or later."""
    import mlflow

    _open_outbox().log(_unsent_run or mlflow.active_run().info.run_id, do, **values)


def _send(entry: dict[str, Any]) -> str | None:
    """Log an entry of the outbox."""
    import mlflow

    client, run_id = mlflow.MlflowClient(), entry["run"]
    match entry["do"]:
        case "begin":
            return _begin(entry["name"])
        case "params":
            _log_resolved_params(run_id, entry["values"])
        case "tags":
            for name, value in entry["values"].items():
                client.set_tag(run_id, name, value)
        case "epoch":
            _log_epoch(run_id, entry["step"], entry["values"])
        case "metrics":
            mlflow.log_metrics(entry["values"], run_id=run_id)
        case "file":
            client.log_artifact(run_id, entry["path"], entry["folder"])
        case "status":
            client.set_terminated(run_id, entry["value"])
        case "end_killed":
            if find_run(run_id) and client.get_run(run_id).info.status == "RUNNING":
                client.set_terminated(run_id, "KILLED")
    return None


def _begin(name: str) -> str:
    """Begin a run that is not the active one; it is ended by an entry of its own."""
    import mlflow

    os.environ.pop("MLFLOW_RUN_ID", None)
    run = mlflow.start_run(run_name=name)
    mlflow.end_run()
    return run.info.run_id


def _log_resolved_params(run_id: str, values: dict[str, str]) -> None:
    """Log parameters once: MLflow rejects a second value, so a resumed run keeps it as a tag."""
    import mlflow

    client = mlflow.MlflowClient()
    logged = client.get_run(run_id).data.params
    new = {name: value for name, value in values.items() if name not in logged}
    mlflow.log_params(new, run_id=run_id)
    for name in values.keys() & logged.keys():
        if values[name] != logged[name]:
            client.set_tag(run_id, f"resumed_with.{name}", values[name])


def _log_epoch(run_id: str, step: int, values: dict[str, float]) -> None:
    """Log an epoch that the run does not show yet: MLflow would show it twice."""
    import mlflow

    logged = mlflow.MlflowClient().get_metric_history(run_id, next(iter(values)))
    if step not in {metric.step for metric in logged}:
        mlflow.log_metrics(values, step=step, run_id=run_id)


def log_provenance(inputs: dict[str, str]) -> None:
    """Tag the run with its git commit, the tracked files that differ from it, and its inputs."""
    tags = {f"dvc.{path}": digest for path, digest in inputs.items()}
    commit = read_git_commit()
    if commit is not None:
        tags["mlflow.source.git.commit"] = commit
        tags["git.changed_files"] = ", ".join(list_changed_files()) or "none"
    _log("tags", values=tags)


def log_epoch(row: dict[str, float]) -> None:
    """Log `EPOCH_METRICS` of a row of `history.csv`; its `epoch` is the step.

    An epoch that the run already shows is left.
    """
    _log("epoch", step=int(row["epoch"]), values=_choose_numbers(row, EPOCH_METRICS))


def log_file(path: Path, folder: str | None = None) -> None:
    """Keep a file with the run, in a folder of its artifacts."""
    _log("file", path=str(path), folder=folder)


def log_evaluation(metrics: dict[str, Any], folder: Path) -> None:
    """Log `TEST_METRICS` of an evaluation, the files in `folder`, data card and Data Docs.

    All metrics are in the folder's `metrics.json`. The large table of detections is not logged.

    Args:
        metrics: by name, `test_...`; None is undefined.
    """
    _log("metrics", values=_choose_numbers(metrics, TEST_METRICS))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "detections.csv":
            log_file(path, _join(folder.name, path.relative_to(folder)))
    for path in sorted(DATA_DOCS.rglob("*")):
        if path.is_file():
            log_file(path, _join("data_docs", path.relative_to(DATA_DOCS)))
    for path in filter(Path.is_file, DATA_CARD):
        log_file(path, "data_card")


def _join(folder: str, path: Path) -> str:
    return f"{folder}/{path.parent.as_posix()}".removesuffix("/.")


def _choose_numbers(metrics: dict[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    """Return those of these metrics that are there and defined."""
    chosen = {name: metrics[name] for name in names if metrics.get(name) is not None}
    return {name: value for name, value in chosen.items() if not math.isnan(value)}


def has_evaluation() -> bool:
    """Return whether the current run shows test metrics; False while MLflow is away."""
    import mlflow

    if _unsent_run is not None:
        return False
    run = mlflow.MlflowClient().get_run(mlflow.active_run().info.run_id)
    return any(key.startswith(TEST) for key in run.data.metrics)


def log_training_run(run_id: str) -> None:
    """Tag the current run with the one that trained its detector."""
    _log("tags", values={"trained_in_run": run_id})
