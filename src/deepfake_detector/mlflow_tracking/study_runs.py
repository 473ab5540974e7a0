"""A search in MLflow: one run for the study, one below it for each trial.

Several workers tell of one study at once, so its run is never the active one; a trial's is, while
its worker trains it.
"""

import os
from pathlib import Path

from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.mlflow_tracking.provenance import list_changed_files, read_git_commit
from deepfake_detector.mlflow_tracking.runs import find_run
from deepfake_detector.mlflow_tracking.store import use_project_tracking

PARENT = "mlflow.parentRunId"
STATE, REASON, BEST = "trial.state", "trial.reason", "trial.best"
STATUSES = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
"""MLflow's word for how a run ended, by Optuna's for how a trial did."""


class StudyRun:
    """The run of a study: begun, or gone on with by another worker or on another day.

    Args:
        name: of the study.
        inputs: the hashes of what is trained on, by path, from `hash_dvc_inputs`.
        known_run_id: the run of the study, as the study remembers it.
    """

    def __init__(self, name: str, inputs: dict[str, str], known_run_id: str | None):
        import mlflow

        use_project_tracking()
        self._client = mlflow.MlflowClient()
        of_mlflow_run = find_run(os.environ.get("MLFLOW_RUN_ID"))
        self.run_id = find_run(known_run_id) or of_mlflow_run or _begin_study(name)
        self._experiment = self._client.get_run(self.run_id).info.experiment_id
        self._client.update_run(self.run_id, status="RUNNING")
        if of_mlflow_run not in (None, self.run_id):
            self._client.set_tag(of_mlflow_run, "study_run", self.run_id)
        for key, value in _describe(name, inputs).items():
            self._client.set_tag(self.run_id, key, value)

    def begin_trial(self, number: int, origin: str, params: Params) -> str:
        """Begin the run of a trial with its parameters; give its id."""
        import mlflow

        tags = {PARENT: self.run_id, "trial.number": str(number), "trial.origin": origin}
        name = f"trial {number}, {origin}"
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        mlflow.start_run(run_id=run.info.run_id)
        mlflow.log_params(flatten_params(params))
        return run.info.run_id

    def end_trial(self, state: str, reason: str, figures: dict[str, float]) -> None:
        """End the run of the trial at hand.

        Args:
            state: Optuna's word, `COMPLETE`, `PRUNED` or `FAIL`.
            reason: why it was pruned or failed, else empty.
        """
        import mlflow

        mlflow.log_metrics(figures)
        mlflow.set_tags({STATE: state.lower()} | ({REASON: reason} if reason else {}))
        mlflow.end_run(STATUSES[state])

    def end_lost_trial(self, run_id: str) -> None:
        """End the run of a trial whose worker died, unless that is done already."""
        if find_run(run_id) and STATE not in self._client.get_run(run_id).data.tags:
            self._client.set_tag(run_id, STATE, "fail")
            self._client.set_tag(run_id, REASON, "its worker died")
            self._client.set_terminated(run_id, "KILLED")

    def log_winner(self, run_id: str, number: int, score: float) -> None:
        """Tag the best trial, and only that one, and tell the study's run.

        A run that this store does not hold is told of, but cannot be tagged.
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


def _describe(name: str, inputs: dict[str, str]) -> dict[str, str]:
    tags = {"study": name} | {f"dvc.{path}": digest for path, digest in inputs.items()}
    commit = read_git_commit()
    if commit is None:
        return tags
    changed = ", ".join(list_changed_files()) or "none"
    return tags | {"mlflow.source.git.commit": commit, "git.changed_files": changed}
