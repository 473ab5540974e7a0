"""All formats of a detector in one folder, written and checked against Keras."""

from pathlib import Path

import keras
import numpy as np

from deepfake_detector.export.agreement import Agreement, check_agreement, compare_faces
from deepfake_detector.export.litert import run_litert, write_litert, write_litert_detector
from deepfake_detector.export.networks import copy_face_classifier
from deepfake_detector.export.onnx_file import (
    add_decoder,
    find_decoder,
    make_detector,
    make_face_classifier,
    make_network,
    run_onnx,
    save_onnx,
)
from deepfake_detector.export.quantization import quantize_onnx
from deepfake_detector.export.saved_model import (
    export_saved_model,
    run_saved_model,
    write_saved_model,
)

RUNNERS = {
    "saved_model": run_saved_model,
    "detector.onnx": run_onnx,
    "detector.tflite": run_litert,
}
"""Files that find the very faces that Keras finds, and what runs them."""

INTEGER_RUNNERS = {
    "detector_int8.onnx": run_onnx,
    "detector_int8.tflite": run_litert,
}
"""Files in 8-bit integers, which find nearly the same faces."""

CLASSIFIER_RUNNERS = {
    "face_classifier": run_saved_model,
    "face_classifier.onnx": run_onnx,
    "face_classifier.tflite": run_litert,
}

CLASSIFIER_TOLERANCE = 1e-2
"""Of a logit: the probability moves by a quarter of this at most."""


def write_detector(detector: keras.Model, calibration: np.ndarray, folder: Path) -> None:
    """Write the detector in all formats.

    Args:
        calibration: frames [B, S, S, 3] on which the ranges of 8-bit integers are measured.
    """
    export_saved_model(detector, folder / "saved_model")
    save_onnx(make_detector(detector), folder / "detector.onnx")
    integers = quantize_onnx(make_network(detector), calibration)
    save_onnx(add_decoder(integers, find_decoder(detector)), folder / "detector_int8.onnx")
    write_litert_detector(
        detector, calibration, folder / "detector.tflite", folder / "detector_int8.tflite"
    )


def check_detector(expected: dict, images: np.ndarray, folder: Path) -> dict[str, Agreement]:
    """Compare what the written files find in frames with what Keras found there.

    Args:
        expected: `boxes` [B, most, 4] and `scores` [B, most, 2].
        images: [B, S, S, 3].

    Returns:
        How alike the faces are, by file.

    Raises:
        ValueError: a file finds other faces.
    """
    agreements = {}
    for name, run in RUNNERS.items():
        agreements[name] = compare_faces(expected, run(folder / name, images))
        check_agreement(agreements[name], name)
    return agreements


def write_face_classifier(classifier: keras.Model, folder: Path) -> None:
    """Write a face classifier in all formats, in real numbers."""
    network = copy_face_classifier(classifier)
    write_saved_model(network, folder / "face_classifier")
    save_onnx(make_face_classifier(classifier), folder / "face_classifier.onnx")
    write_litert(network, folder / "face_classifier.tflite")


def check_face_classifier(
    classifier: keras.Model, crops: np.ndarray, folder: Path
) -> dict[str, float]:
    """Compare the written files' logits of crops [B, S, S, 3] with those of Keras.

    Returns:
        The largest difference, by file.

    Raises:
        ValueError: it is over `CLASSIFIER_TOLERANCE`.
    """
    crops = crops.astype(np.float32)
    expected = np.asarray(classifier.predict_on_batch(crops))
    differences = {}
    for name, run in CLASSIFIER_RUNNERS.items():
        logits = run(folder / name, crops)["fake_logit"]
        differences[name] = float(np.abs(logits - expected).max(initial=0.0))
        if differences[name] > CLASSIFIER_TOLERANCE:
            raise ValueError(
                f"{name}: a logit is {differences[name]:.3g} from that of Keras, at most "
                f"{CLASSIFIER_TOLERANCE:g} expected; nothing was exported"
            )
    return differences
