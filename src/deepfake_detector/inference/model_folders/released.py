"""The released detector, read from its folder: networks, calibration and card.

In ONNX Runtime both networks are graphs in the folder, which take its weights; in Keras they are
built from the parameters there and filled. Nothing is converted, downloaded or trained.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from deepfake_detector.config.schema import DetectorParams
from deepfake_detector.config.types import Engine
from deepfake_detector.inference.detector import Detector
from deepfake_detector.inference.engine import load_onnx
from deepfake_detector.models.released_folder import (
    ENCODER,
    MODEL,
    PULL_COMMAND,
    check_hashes,
    list_arrays,
    read_released_model,
)
from deepfake_detector.verdicts.calibration import Calibration, load_calibration

CARD, CALIBRATION = "card.json", "calibration.json"
GRAPHS = ("detector.onnx", "face_classifier.onnx")
NETWORK = (
    *("crop_px", "crop_scale", "fusion_weight", "min_detection_score"),
    *("dropout", "ensemble_size"),
)
"""What the face classifier is built from; how it was trained may have had other parameters."""


def load_released(folder: Path, engine: Engine) -> tuple[Detector, Calibration, dict[str, Any]]:
    """Load the released detector, its calibration and card.

    Args:
        engine: `auto`: ONNX Runtime; Keras for a version that was released without graphs for it.

    Raises:
        ValueError: a file is missing, damaged, or of another version of this project; the message
            names it and the command that mends it.
    """
    has_graphs = all((folder / name).is_file() for name in GRAPHS)
    if engine == "onnxruntime" and not has_graphs:
        raise ValueError(
            f"{folder}: released without graphs for ONNX Runtime; set inference.engine: auto"
        )
    if engine == "keras" or not has_graphs:
        detector = load_in_keras(folder)
    else:
        check_hashes(folder, (*list_arrays(folder), MODEL, *GRAPHS))
        detector = load_onnx(folder)
    return detector, load_calibration(folder / CALIBRATION), read_card(folder)


def load_in_keras(folder: Path) -> Detector:
    """Build the networks of a released folder in Keras, and fill them.

    Raises:
        ValueError: as of `load_released`.
    """
    from deepfake_detector.models.face_classifier import FaceClassifier
    from deepfake_detector.models.released_weights import load_released_weights
    from deepfake_detector.models.ssd.network import build_detector, build_inference_model

    model = read_released_model(folder)
    try:
        detector = DetectorParams.model_validate(model["detector"])
        network = {name: model["face_classifier"][name] for name in NETWORK}
        classifier = FaceClassifier(**network, has_encoder=ENCODER in list_arrays(folder))
    except (ValidationError, LookupError) as error:
        raise ValueError(
            f"{folder / 'model.json'}: made by another version of this project; run "
            f"`{PULL_COMMAND}`, or check out the version it belongs to ({error})"
        ) from error
    ssd = build_inference_model(build_detector(detector), detector)
    load_released_weights(folder, ssd, classifier)
    return Detector(ssd, classifier)


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


def hash_networks(folder: Path) -> tuple[str, str]:
    """Return the SHA-256 of the SSD's and of the classifier's arrays in a released folder."""
    digests = {"ssd": hashlib.sha256(), "classifier": hashlib.sha256()}
    for file in list_arrays(folder):
        with np.load(folder / file, allow_pickle=False) as arrays:
            for name in sorted(arrays.files):
                digest = digests["ssd" if name.startswith("ssd/") else "classifier"]
                digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digests["ssd"].hexdigest(), digests["classifier"].hexdigest()
