"""The weights of the released detector: one folder from which training and prediction start.

`weights.npz` holds float16 arrays named `ssd/LAYER/N` and `classifier_K/LAYER/N`: the `N`th weight
of a layer, from 0, and the `K`th network of the face classifier, from 1. `late_heads.npz`, where a
version has it, holds the heads alone, `classifier_K/logit/N` in float32, which take the place of
those in `weights.npz`: so large a file stays as it is when heads are fitted anew. `model.json` has
the parameters they were trained with, `SHA256SUMS` the hash of each, as `sha256sum` writes it.
"""

from pathlib import Path

import keras
import numpy as np

from deepfake_detector.common.files import hash_file, write_json, write_text
from deepfake_detector.config.schema import DetectorParams, FaceClassifierParams
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.released_folder import (
    LATE_HEADS,
    MODEL,
    SCHEMA,
    SUMS,
    WEIGHTS,
    has_late_heads,
    read_released_model,
)
from deepfake_detector.models.weights_file import write_arrays


def write_released_weights(
    folder: Path,
    ssd: keras.Model,
    classifier: FaceClassifier,
    detector: DetectorParams,
    face_classifier: FaceClassifierParams,
) -> None:
    """Write the weights of a detector, in half precision, and what `read_released_model` reads.

    Args:
        ssd: as `build_detector` or `build_inference_model` makes it.
        detector: the parameters of the SSD.
        face_classifier: those of the classifier.

    Raises:
        ValueError: a weight has no place in half precision; the message names it.
    """
    named = _name_weights("ssd", ssd.layers)
    for number in range(1, classifier.ensemble_size + 1):
        named |= _name_weights(f"classifier_{number}", _list_network(classifier, number))
    arrays = {}
    for name, weight in named.items():
        with np.errstate(over="ignore"):
            arrays[name] = keras.ops.convert_to_numpy(weight).astype(np.float16)
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name}: a weight is not finite in half precision")
    model = {
        "schema": SCHEMA,
        "detector": detector.model_dump(),
        "face_classifier": face_classifier.model_dump(),
    }
    write_arrays(arrays, folder / WEIGHTS)
    write_json(model, folder / MODEL)
    _write_sums(folder, WEIGHTS, MODEL)


def write_late_heads(folder: Path, classifier: FaceClassifier) -> None:
    """Write the heads of a classifier beside the weights of its networks, in single precision.

    Args:
        folder: as `write_released_weights` writes it; `SHA256SUMS` then names this file, too.
    """
    arrays = {
        f"classifier_{number}/{head.name}/{position}": keras.ops.convert_to_numpy(weight)
        for number, head in enumerate(classifier.heads, start=1)
        for position, weight in enumerate(head.weights)
    }
    write_arrays(arrays, folder / LATE_HEADS)
    _write_sums(folder, WEIGHTS, MODEL, LATE_HEADS)


def _write_sums(folder: Path, *names: str) -> None:
    sums = [f"{hash_file(folder / name)}  {name}\n" for name in names]
    write_text("".join(sums), folder / SUMS)


def load_released_weights(
    folder: Path,
    ssd: keras.Model | None = None,
    classifier: FaceClassifier | None = None,
    first_network: int = 1,
) -> None:
    """Fill networks with the released weights, in place.

    Args:
        folder: as `write_released_weights` writes it.
        ssd: as `build_detector` or `build_inference_model` makes it.
        classifier: its networks get those from `first_network` on, and again from the first where
            fewer are released.

    Raises:
        ValueError: as of `read_released_model`, or a network has other layers or shapes.
    """
    read_released_model(folder)
    with np.load(folder / WEIGHTS, allow_pickle=False) as file:
        networks = {name.split("/")[0] for name in file.files}
        count = sum(name.startswith("classifier_") for name in networks)
        layers = {} if ssd is None else _name_weights("ssd", ssd.layers)
        _fill(layers, "ssd", file, folder)
        for number in range(0 if classifier is None else classifier.ensemble_size):
            name = f"classifier_{(first_network - 1 + number) % count + 1}"
            network = _list_network(classifier, number + 1)
            _fill(_name_weights(name, network), name, file, folder)
    if classifier is not None and has_late_heads(folder):
        _fill_heads(classifier, folder, first_network)


def _list_network(classifier: FaceClassifier, number: int) -> list:
    """List the layers of a classifier's network, from 1."""
    return [*classifier.features[number - 1].layers, classifier.heads[number - 1]]


def _name_weights(network: str, layers: list) -> dict:
    """Return the variables of layers under their names in the file."""
    return {
        f"{network}/{layer.name}/{number}": weight
        for layer in layers
        if not layer.name.startswith("decode_detections")  # anchors follow from the parameters
        for number, weight in enumerate(layer.weights)
    }


def _fill_heads(classifier: FaceClassifier, folder: Path, first_network: int) -> None:
    with np.load(folder / LATE_HEADS, allow_pickle=False) as file:
        count = len({name.split("/")[0] for name in file.files})
        for number, head in enumerate(classifier.heads):
            name = f"classifier_{(first_network - 1 + number) % count + 1}"
            for position, weight in enumerate(head.weights):
                weight.assign(file[f"{name}/{head.name}/{position}"])


def _fill(weights: dict, network: str, file, folder: Path) -> None:
    names = {name for name in file.files if name.startswith(f"{network}/")}
    if weights and names != weights.keys():
        name = min(names ^ weights.keys())
        where = "not in the network" if name in names else "missing"
        raise ValueError(f"{folder / WEIGHTS}: {name} is {where}; other parameters than released")
    for name, weight in weights.items():
        array = file[name]
        if array.shape != tuple(weight.shape):
            raise ValueError(
                f"{folder / WEIGHTS}: {name} is {array.shape}, expected {tuple(weight.shape)}"
            )
        weight.assign(array.astype(np.float32))
