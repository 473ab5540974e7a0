"""Runs in MLflow: one per training, told by `train` and `evaluate`. MLflow is known only here."""

from deepfake_detector.tracking.provenance import hash_dvc_inputs
from deepfake_detector.tracking.registry import register_detector
from deepfake_detector.tracking.runs import (
    continued_run,
    find_run,
    log_epoch,
    log_evaluation,
    log_file,
    training_run,
)
from deepfake_detector.tracking.store import use_project_tracking

__all__ = [
    "continued_run",
    "find_run",
    "hash_dvc_inputs",
    "log_epoch",
    "log_evaluation",
    "log_file",
    "register_detector",
    "training_run",
    "use_project_tracking",
]
