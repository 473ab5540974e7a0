"""A search in MLflow: one run for the study, one below it for each trial.

Several workers log to one study at once, so no run is ever the active one. While MLflow is away
the search goes on: Optuna's study keeps what trials were and gave, and the next command whose
MLflow answers logs the trials that have no run, without their epochs.
"""

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.mlflow_tracking.outbox import is_away
from deepfake_detector.mlflow_tracking.provenance import list_changed_files, read_git_commit
from deepfake_detector.mlflow_tracking.runs import find_run
from deepfake_detector.mlflow_tracking.store import use_project_tracking

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

RUN = "mlflow_run_id"
"""User attribute of a study and of a trial: its run."""
PARENT = "mlflow.parentRunId"
STATE, REASON, BEST = "trial.state", "trial.reason", "trial.best"
STATUSES = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
"""MLflow's word for how a run ended, by Optuna's for how a trial did."""

logger = logging.getLogger(__name__)


def _unless_away(method: Callable) -> Callable:
    """Let a method do nothing from the moment on where MLflow is away; warn of it once."""

    @functools.wraps(method)
    def log(self, *arguments):
        from mlflow.exceptions import MlflowException

        if self.is_away:
            return
        try:
            method(self, *arguments)
        except (MlflowException, OSError) as error:
            if not is_away(error):
                raise
            self.is_away = True
            logger.warning(
                "MLflow is away (%s); the search goes on, and the next command logs its trials",
                str(error).strip().splitlines()[0][:120],
            )

    return log


class StudyRun:
    """The run of a study, and the callback of Optuna that ends the run of each trial.

    A trial begins its run and logs its epochs. When Optuna calls back, the trial's user attributes
    are logged with its objective: numbers as metrics, texts as tags `trial.NAME`.

    Args:
        name: of the study.
        inputs: the hashes of what is trained on, by path, from `hash_dvc_inputs`.
        known_run_id: the run of the study, where another worker or another day has begun it.

    Attributes:
        run_id: of the study; as `known_run_id` where MLflow was away when this began.
        is_away: MLflow was away, and is not asked any more.
    """

    def __init__(self, name: str, inputs: dict[str, str], known_run_id: str | None):
        self.run_id, self.is_away = known_run_id, False
        self._trial_run_id: str | None = None
        self._begin(name, inputs)

    @_unless_away
    def _begin(self, name: str, inputs: dict[str, str]) -> None:
        import mlflow

        use_project_tracking()
        self._client = mlflow.MlflowClient()
        of_mlflow_run = find_run(os.environ.get("MLFLOW_RUN_ID"))
        self.run_id = find_run(self.run_id) or of_mlflow_run or _begin_study(name)
        self._experiment = self._client.get_run(self.run_id).info.experiment_id
        self._client.update_run(self.run_id, status="RUNNING")
        if of_mlflow_run not in (None, self.run_id):
            self._client.set_tag(of_mlflow_run, "study_run", self.run_id)
        for key, value in _describe(name, inputs).items():
            self._client.set_tag(self.run_id, key, value)

    @_unless_away
    def begin_trial(self, trial: "Trial", params: Params) -> None:
        """Begin the run of a trial with its parameters; the trial remembers it as `RUN`."""
        import mlflow

        tags = {PARENT: self.run_id, "trial.number": str(trial.number)}
        tags |= _list_tags(trial.user_attrs)
        name = f"trial {trial.number}"
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        self._trial_run_id = run.info.run_id
        trial.set_user_attr(RUN, self._trial_run_id)
        mlflow.log_params(flatten_params(params), run_id=self._trial_run_id)

    @_unless_away
    def log_epoch(self, row: dict[str, float]) -> None:
        """Log an epoch of the trial at hand: a row of `history.csv`, whose `epoch` is the step."""
        import mlflow

        values = {key: value for key, value in row.items() if key != "epoch"}
        mlflow.log_metrics(values, step=row["epoch"], run_id=self._trial_run_id)

    @_unless_away
    def __call__(self, study: "Study", trial: "FrozenTrial") -> None:
        """End the run of a trial that is complete or pruned."""
        self._end_trial(trial, trial.user_attrs[RUN])

    @_unless_away
    def end_open_trials(self, study: "Study") -> None:
        """End the runs of trials that ended unnoticed, and log those that have no run.

        Optuna calls no callback where a worker ends; while MLflow is away none is logged.
        """
        below = f"tags.`{PARENT}` = '{self.run_id}'"
        runs = self._client.search_runs([self._experiment], below)
        logged = {run.data.tags.get("trial.number") for run in runs}
        for trial in study.get_trials(deepcopy=False):
            run_id = trial.user_attrs.get(RUN)
            if not trial.state.is_finished():
                continue
            if self._is_open(run_id):
                self._end_trial(trial, run_id)
            elif run_id is None and str(trial.number) not in logged and trial.user_attrs:
                self._end_trial(trial, self._log_late(trial))

    def _log_late(self, trial: "FrozenTrial") -> str:
        """Log a trial whose run could not be begun; return its run's id."""
        import mlflow

        tags = {PARENT: self.run_id, "trial.number": str(trial.number)}
        name = f"trial {trial.number}"
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        mlflow.log_params(trial.params, run_id=run.info.run_id)
        return run.info.run_id

    def _end_trial(self, trial: "FrozenTrial", run_id: str) -> None:
        import mlflow

        attributes = trial.user_attrs
        metrics = {key: value for key, value in attributes.items() if isinstance(value, float)}
        if trial.value is not None:
            metrics["objective"] = trial.value
        mlflow.log_metrics(metrics, run_id=run_id)
        tags = {STATE: trial.state.name.lower()} | _list_tags(attributes)
        is_lost = trial.state.name == "FAIL" and REASON not in tags
        for key, value in (tags | ({REASON: "its worker ended"} if is_lost else {})).items():
            self._client.set_tag(run_id, key, value)
        status = "KILLED" if is_lost else STATUSES[trial.state.name]
        self._client.set_terminated(run_id, status)

    def _is_open(self, run_id: str | None) -> bool:
        run_id = find_run(run_id)
        return run_id is not None and STATE not in self._client.get_run(run_id).data.tags

    @_unless_away
    def log_winner(self, run_id: str | None, number: int, score: float) -> None:
        """Tag the best trial, and only that one, and log it with the study's run.

        The study's run names a best run that this store does not hold, but it cannot be tagged.
        """
        run_id = run_id or self._find_trial(number)
        below = f"tags.`{PARENT}` = '{self.run_id}' and tags.`{BEST}` = 'true'"
        for earlier in self._client.search_runs([self._experiment], below):
            self._client.delete_tag(earlier.info.run_id, BEST)
        if find_run(run_id):
            self._client.set_tag(run_id, BEST, "true")
        self._client.set_tag(self.run_id, "best_trial", str(number))
        self._client.set_tag(self.run_id, "best_run", run_id)
        self._client.log_metric(self.run_id, "objective", score)

    def _find_trial(self, number: int) -> str:
        """Find the run of a trial that was logged late; empty where there is none."""
        query = f"tags.`{PARENT}` = '{self.run_id}' and tags.`trial.number` = '{number}'"
        runs = self._client.search_runs([self._experiment], query)
        return runs[0].info.run_id if runs else ""

    @_unless_away
    def log_results(self, folder: Path) -> None:
        """Keep the tables and drawings of the study with its run."""
        for path in sorted([*folder.glob("*.csv"), *folder.glob("*.png")]):
            self._client.log_artifact(self.run_id, str(path))

    @_unless_away
    def end(self, status: str) -> None:
        """End the study's run, `FINISHED` or `KILLED`; the next worker opens it again."""
        self._client.set_terminated(self.run_id, status)


def _begin_study(name: str) -> str:
    """Begin a run that stays open, but is not the active one."""
    import mlflow

    os.environ.pop("MLFLOW_RUN_ID", None)  # this one is gone; start_run would insist on it
    run = mlflow.start_run(run_name=f"study {name}")
    mlflow.end_run()
    return run.info.run_id


def _list_tags(attributes: dict[str, Any]) -> dict[str, str]:
    """List the texts among a trial's user attributes as tags."""
    texts = {key: value for key, value in attributes.items() if isinstance(value, str)}
    return {f"trial.{key}": value for key, value in texts.items() if key != RUN}


def _describe(name: str, inputs: dict[str, str]) -> dict[str, str]:
    tags = {"study": name} | {f"dvc.{path}": digest for path, digest in inputs.items()}
    commit = read_git_commit()
    if commit is None:
        return tags
    changed = ", ".join(list_changed_files()) or "none"
    return tags | {"mlflow.source.git.commit": commit, "git.changed_files": changed}
