"""The released detector, read from its folder: networks, calibration and card.

Both networks are built from the parameters in the folder and filled with its weights; nothing is
converted, downloaded or trained.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from deepfake_detector.config.schema import DetectorParams, FaceClassifierParams
from deepfake_detector.verdicts.calibration import Calibration, load_calibration

CARD, CALIBRATION, WEIGHTS = "card.json", "calibration.json", "weights.npz"
PULL_COMMAND = "dvc pull released"


def load_released(folder: Path) -> tuple[Any, Any, Calibration, dict[str, Any]]:
    """Load the released SSD, face classifier, calibration and card.

    Raises:
        ValueError: a file is missing, damaged, or of another version of this project; the message
            names it and the command that mends it.
    """
    from deepfake_detector.models.face_classifier import FaceClassifier
    from deepfake_detector.models.released_weights import (
        load_released_weights,
        read_released_model,
    )
    from deepfake_detector.models.ssd.network import build_detector, build_inference_model

    model = read_released_model(folder)
    try:
        detector = DetectorParams.model_validate(model["detector"])
        params = FaceClassifierParams.model_validate(model["face_classifier"])
    except ValidationError as error:
        raise ValueError(
            f"{folder / 'model.json'}: made by another version of this project; run "
            f"`{PULL_COMMAND}`, or check out the version it belongs to ({error})"
        ) from error
    ssd = build_inference_model(build_detector(detector), detector)
    classifier = FaceClassifier(
        params.crop_px,
        params.crop_scale,
        params.fusion_weight,
        params.min_detection_score,
        params.dropout,
        params.ensemble_size,
    )
    load_released_weights(folder, ssd, classifier)
    return ssd, classifier, load_calibration(folder / CALIBRATION), read_card(folder)


def read_card(folder: Path) -> dict[str, Any]:
    """Read what the card of a released folder says.

    Raises:
        ValueError: it is not there, or no JSON.
    """
    path = folder / CARD
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a card ({error}); run `{PULL_COMMAND}`") from error


def hash_networks(weights: Path) -> tuple[str, str]:
    """Return the SHA-256 of the SSD's and of the classifier's arrays in a weights file."""
    digests = {"ssd": hashlib.sha256(), "classifier": hashlib.sha256()}
    with np.load(weights, allow_pickle=False) as arrays:
        for name in sorted(arrays.files):
            digest = digests["ssd" if name.startswith("ssd/") else "classifier"]
            digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digests["ssd"].hexdigest(), digests["classifier"].hexdigest()
