"""Runs in MLflow: one per training, told by `train` and `evaluate`. MLflow is known only here."""

from deepfake_detector.mlflow_tracking.provenance import hash_dvc_inputs, read_git_commit
from deepfake_detector.mlflow_tracking.registry import register_detector, register_released
from deepfake_detector.mlflow_tracking.runs import (
    continued_run,
    end_killed_run,
    find_run,
    has_evaluation,
    log_epoch,
    log_evaluation,
    log_file,
    log_training_run,
    training_run,
)
from deepfake_detector.mlflow_tracking.store import use_project_tracking
from deepfake_detector.mlflow_tracking.study_runs import StudyRun

__all__ = [
    "StudyRun",
    "continued_run",
    "end_killed_run",
    "find_run",
    "has_evaluation",
    "hash_dvc_inputs",
    "log_epoch",
    "log_evaluation",
    "log_file",
    "log_training_run",
    "read_git_commit",
    "register_detector",
    "register_released",
    "training_run",
    "use_project_tracking",
]
