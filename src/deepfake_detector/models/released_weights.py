"""The weights of the released detector: one folder from which training and prediction start.

`weights.npz` holds float16 arrays named `ssd/LAYER/N` and `classifier_K/LAYER/N`: the `N`th weight
of a layer, from 0, and the `K`th network of a face classifier that is trained, from 1.
`encoder.npz`, where a version has it, holds `encoder/LAYER/N` of the network that stays as it is:
float32, or int8 with `:scale` of each column. `late_heads.npz` holds heads alone,
`NETWORK/logit/N` in float32, which take the place of those in `weights.npz`: so large a file stays
as it is when heads are fitted anew. `model.json` has the parameters they were trained with,
`SHA256SUMS` the hash of each, as `sha256sum` writes it.
"""

from pathlib import Path

import keras
import numpy as np

from deepfake_detector.common.files import hash_file, write_json, write_text
from deepfake_detector.config.schema import DetectorParams, FaceClassifierParams
from deepfake_detector.models.backbones.clip_vision import LAYER_NAME, ClipVision
from deepfake_detector.models.face_classifier import ENCODER_NAME, FaceClassifier
from deepfake_detector.models.released_folder import (
    ENCODER,
    LATE_HEADS,
    MODEL,
    SCHEMA,
    SUMS,
    WEIGHTS,
    list_arrays,
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
    write_sums(folder)


def write_late_heads(folder: Path, classifier: FaceClassifier) -> None:
    """Write the heads of a classifier beside the weights of its networks, in single precision.

    Args:
        folder: as `write_released_weights` writes it; `SHA256SUMS` then names this file, too.
    """
    arrays = {
        f"{name}/{head.name}/{position}": keras.ops.convert_to_numpy(weight)
        for name, head in zip(classifier.network_names, classifier.heads, strict=True)
        for position, weight in enumerate(head.weights)
    }
    write_arrays(arrays, folder / LATE_HEADS)
    write_sums(folder)


def write_encoder(path: Path, weights: dict[str, np.ndarray]) -> None:
    """Write the weights of an encoder, by the names of `ClipVision.name_weights`."""
    prefix = f"{ENCODER_NAME}/{LAYER_NAME}"
    write_arrays({f"{prefix}/{name}": array for name, array in weights.items()}, path)


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` of the files of this module that a folder has."""
    names = [n for n in (WEIGHTS, LATE_HEADS, ENCODER, MODEL) if (folder / n).is_file()]
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
            fewer are released; its encoder, if it has one, is the released one.

    Raises:
        ValueError: as of `read_released_model`, or a network has other layers or shapes.
    """
    read_released_model(folder)
    with np.load(folder / WEIGHTS, allow_pickle=False) as file:
        networks = {name.split("/")[0] for name in file.files}
        count = sum(name.startswith("classifier_") for name in networks)
        layers = {} if ssd is None else _name_weights("ssd", ssd.layers)
        _fill(layers, "ssd", file, folder / WEIGHTS)
        if classifier is None:
            return
        numbers = [
            (first_network - 1 + number) % count + 1 for number in range(classifier.ensemble_size)
        ]
        names = [f"classifier_{number}" for number in numbers]
        for number, name in enumerate(names, start=1):
            network = _list_network(classifier, number)
            _fill(_name_weights(name, network), name, file, folder / WEIGHTS)
    if classifier.has_encoder:
        names.append(ENCODER_NAME)
        _fill_encoder(classifier.features[-1].get_layer(LAYER_NAME), folder / ENCODER)
    if LATE_HEADS in list_arrays(folder):
        _fill_heads(classifier, names, folder)


def _fill_encoder(layer: ClipVision, path: Path) -> None:
    prefix = f"{ENCODER_NAME}/{LAYER_NAME}"
    named = {f"{prefix}/{name}": weight for name, weight in layer.name_weights().items()}
    with np.load(path, allow_pickle=False) as file:
        _fill(named, ENCODER_NAME, file, path)


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


def _fill_heads(classifier: FaceClassifier, names: list[str], folder: Path) -> None:
    with np.load(folder / LATE_HEADS, allow_pickle=False) as file:
        for name, head in zip(names, classifier.heads, strict=True):
            for position, weight in enumerate(head.weights):
                weight.assign(file[f"{name}/{head.name}/{position}"])


def _fill(weights: dict, network: str, file, path: Path) -> None:
    names = {name for name in file.files if name.startswith(f"{network}/")}
    if weights and names != weights.keys():
        name = min(names ^ weights.keys())
        where = "not in the network" if name in names else "missing"
        raise ValueError(f"{path}: {name} is {where}; other parameters than released")
    for name, weight in weights.items():
        array = file[name]
        if array.shape != tuple(weight.shape):
            raise ValueError(f"{path}: {name} is {array.shape}, expected {tuple(weight.shape)}")
        weight.assign(array.astype(weight.dtype))
