"""A search in MLflow: one run for the study, one below it for each trial.

Several workers log to one study at once, so no run is ever the active one.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_detector.config.schema import Params, flatten_params
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


class StudyRun:
    """The run of a study, and the callback of Optuna that ends the run of each trial.

    A trial begins its run and logs its epochs. When Optuna calls back, the trial's user attributes
    are logged with its objective: numbers as metrics, texts as tags `trial.NAME`.

    Args:
        name: of the study.
        inputs: the hashes of what is trained on, by path, from `hash_dvc_inputs`.
        known_run_id: the run of the study, where another worker or another day has begun it.
    """

    def __init__(self, name: str, inputs: dict[str, str], known_run_id: str | None):
        import mlflow

        use_project_tracking()
        self._client = mlflow.MlflowClient()
        of_mlflow_run = find_run(os.environ.get("MLFLOW_RUN_ID"))
        self.run_id = find_run(known_run_id) or of_mlflow_run or _begin_study(name)
        self._experiment = self._client.get_run(self.run_id).info.experiment_id
        self._trial_run_id: str | None = None
        self._client.update_run(self.run_id, status="RUNNING")
        if of_mlflow_run not in (None, self.run_id):
            self._client.set_tag(of_mlflow_run, "study_run", self.run_id)
        for key, value in _describe(name, inputs).items():
            self._client.set_tag(self.run_id, key, value)

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

    def log_epoch(self, row: dict[str, float]) -> None:
        """Log an epoch of the trial at hand: a row of `history.csv`, whose `epoch` is the step."""
        import mlflow

        values = {key: value for key, value in row.items() if key != "epoch"}
        mlflow.log_metrics(values, step=row["epoch"], run_id=self._trial_run_id)

    def __call__(self, study: "Study", trial: "FrozenTrial") -> None:
        """End the run of a trial that is complete or pruned."""
        self._end_trial(trial)

    def end_failed_trials(self, study: "Study") -> None:
        """End the runs of trials that failed: Optuna calls no callback where a worker ends."""
        for trial in study.get_trials(deepcopy=False):
            if trial.state.name == "FAIL" and self._is_open(trial.user_attrs.get(RUN)):
                self._end_trial(trial)

    def _end_trial(self, trial: "FrozenTrial") -> None:
        import mlflow

        run_id, attributes = trial.user_attrs[RUN], trial.user_attrs
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

    def log_winner(self, run_id: str, number: int, score: float) -> None:
        """Tag the best trial, and only that one, and log it with the study's run.

        The study's run names a best run that this store does not hold, but it cannot be tagged.
        """
        below = f"tags.`{PARENT}` = '{self.run_id}' and tags.`{BEST}` = 'true'"
        for earlier in self._client.search_runs([self._experiment], below):
            self._client.delete_tag(earlier.info.run_id, BEST)
        if find_run(run_id):
            self._client.set_tag(run_id, BEST, "true")
        self._client.set_tag(self.run_id, "best_trial", str(number))
        self._client.set_tag(self.run_id, "best_run", run_id)
        self._client.log_metric(self.run_id, "objective", score)

    def log_results(self, folder: Path) -> None:
        """Keep the tables and drawings of the study with its run."""
        for path in sorted([*folder.glob("*.csv"), *folder.glob("*.png")]):
            self._client.log_artifact(self.run_id, str(path))

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
