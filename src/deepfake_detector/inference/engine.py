"""What the networks run in: ONNX Runtime where there are files for it, else Keras.

`train` writes the files for ONNX Runtime into the folder `onnx` beside those of Keras, with a
`SHA256SUMS` of both: files that were made from other networks, or are damaged, are not used.
TensorFlow and Keras are imported only where Keras is used.
"""

import logging
from pathlib import Path

from deepfake_detector.common.files import hash_file
from deepfake_detector.config.types import Engine
from deepfake_detector.inference.detector import FACE_CLASSIFIER, Detector, load_detector
from deepfake_detector.models.released_folder import SUMS, read_sums

ONNX_FOLDER = "onnx"
"""Where the files for ONNX Runtime lie, from the folder of the detector."""

logger = logging.getLogger(__name__)


def load_networks(detector: Path, engine: Engine, face_classifier: Path | None = None) -> Detector:
    """Load a detector made by `train`, to run in an engine.

    Args:
        engine: `inference.engine` of `params.yaml`.
        face_classifier: its file, where it is not in its folder beside the detector.

    Raises:
        ValueError: as of `load_detector`, or ONNX Runtime is asked for and cannot be used.
    """
    if engine == "keras" or not detector.is_file():
        return load_detector(detector, face_classifier)
    folder = detector.parent / ONNX_FOLDER
    files = [detector, face_classifier or detector.parent / FACE_CLASSIFIER]
    problem = find_problem(folder, [path for path in files if path.is_file()])
    if not problem:
        return load_onnx(folder)
    if engine == "onnxruntime":
        raise ValueError(f"{problem}; run `dvc repro train`, or set inference.engine: auto")
    logger.info("%s; Keras is used, which is slower", problem)
    return load_detector(detector, face_classifier)


def load_onnx(folder: Path) -> Detector:
    """Load the networks that lie in a folder for ONNX Runtime; it has been checked."""
    from deepfake_detector.inference.onnx_networks import (
        DETECTOR_ONNX,
        FACE_CLASSIFIER_ONNX,
        OnnxFaceClassifier,
        OnnxSsd,
    )

    classifier = folder / FACE_CLASSIFIER_ONNX
    return Detector(
        OnnxSsd(folder / DETECTOR_ONNX),
        OnnxFaceClassifier(classifier) if classifier.is_file() else None,
    )


def find_problem(folder: Path, keras_files: list[Path]) -> str:
    """Say in a sentence why a folder's ONNX files cannot stand for Keras files; empty: they can.

    Args:
        keras_files: the detector, and the face classifier where there is one.
    """
    if not (folder / SUMS).is_file():
        return f"{folder}: no files for ONNX Runtime here"
    sums = {Path(name).name: digest for name, digest in read_sums(folder / SUMS).items()}
    files = [path for path in folder.iterdir() if path.name != SUMS] + keras_files
    if sums.keys() != {path.name for path in files}:
        return f"{folder}: the files for ONNX Runtime are made from another detector"
    changed = [path for path in files if sums[path.name] != hash_file(path)]
    if changed:
        return f"{folder}: {changed[0].name} is not the one in {SUMS}"
    return ""
