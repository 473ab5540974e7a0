"""What all trials of a study have in common: frames, and parameters that are not searched.

A study goes on with nothing else, as its trials could not be compared.
"""

import hashlib
import json
from pathlib import Path

import optuna

from deepfake_detector.common.files import hash_file
from deepfake_detector.config.schema import Params, flatten_params

FINGERPRINT = "fingerprint"
"""User attribute of a study."""

COMMON = ("seed", "detector.", "train.", "face_classifier.enabled")
"""What a trial's result depends on, by the beginnings of the parameters' names."""


def check_fingerprint(study: optuna.Study, fingerprint: str) -> None:
    """Record the fingerprint of a new study, and compare it with that of one that goes on.

    Raises:
        ValueError: the study began with another fingerprint.
    """
    began_with = study.user_attrs.get(FINGERPRINT)
    if began_with is None:
        study.set_user_attr(FINGERPRINT, fingerprint)
    elif began_with != fingerprint:
        raise ValueError(
            f"study {study.study_name} began with other frames or other parameters than those it "
            "searches, so its trials cannot be compared with new ones; give another name with "
            "--study"
        )


def make_fingerprint(params: Params, shards: list[Path]) -> str:
    """Hash what all trials of a study have in common: frames, and parameters not searched."""
    searched = {space.name for space in params.tune.space}
    common = {
        name: value
        for name, value in flatten_params(params).items()
        if name.startswith(COMMON) and name not in searched
    }
    space = [space.model_dump() for space in params.tune.space]
    return hash_values([common, space], shards)


def hash_values(values: list | dict, files: list[Path]) -> str:
    """Hash values that JSON can hold, and files with their names."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        digest.update(f"{path.name} {hash_file(path)}".encode())
    return digest.hexdigest()
