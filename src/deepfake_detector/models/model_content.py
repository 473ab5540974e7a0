"""What a `.keras` file may describe: the layers of this project, in sizes that can be.

Checksums say that a file is as it was packed, not who packed it. Keras builds whatever a file
describes: a layer of 2^50 units takes all memory, an ensemble of 2^50 networks never ends, a class
of Keras that this project does not use may open files or addresses. So the description is looked
at before. Weights that claim more than the file holds, or lie in another one, Keras rejects.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

CONFIG = "config.json"

MAX_CONFIG_BYTES = 8 << 20  # the largest network here takes 0.2 MB
MAX_DEPTH = 40  # of nesting; it is 11
MAX_VALUES = 500_000

CLASSES = frozenset(
    [
        *("Functional", "InputLayer", "DTypePolicy", "__keras_tensor__"),
        *("Rescaling", "Conv2D", "DepthwiseConv2D", "Dense", "BatchNormalization", "ReLU", "Add"),
        *("Concatenate", "Reshape", "MaxPooling2D", "GlobalAveragePooling2D", "ZeroPadding2D"),
        *("Dropout", "GlorotUniform", "HeNormal", "RandomNormal", "Zeros", "Ones", "L2"),
        *("DetectionDecoder", "FaceClassifier", "FusedBatchNormalization", "L2Normalization"),
    ]
)
"""Classes that the networks of this project consist of."""

PACKAGE = "deepfake_detector"
MODULES = (
    *("None", "keras", "keras.layers", "keras.initializers", "keras.regularizers"),
    "keras.src.models.functional",
)

_MAX_NUMBERS = {
    **dict.fromkeys(("units", "filters", "groups"), 4096),  # 1,280 at most
    **dict.fromkeys(("kernel_size", "strides", "pool_size", "padding", "dilation_rate"), 32),
    "depth_multiplier": 4,
    "ensemble_size": 32,
    "crop_px": 2048,
    "batch_shape": 4096,
    "anchor_count": 1_000_000,
}
"""The highest whole number under a key; of networks here the highest is a quarter or less."""

_MAX_NUMBER = 1_000_000
_FREE = frozenset(["shared_object_id", "compile_config", "build_config"])
"""Keys whose values are names, or that are not read."""


def check_model_content(path: Path) -> None:
    """Check what a `.keras` file, whose archive is whole, describes.

    Raises:
        ValueError: it is no network of this project; names the file and what is in it.
    """
    with zipfile.ZipFile(path) as archive:
        if CONFIG not in archive.namelist():
            raise ValueError(f"{path}: no saved model, {CONFIG} is missing in it")
        if archive.getinfo(CONFIG).file_size > MAX_CONFIG_BYTES:
            raise ValueError(f"{path}: {CONFIG} in it is over {MAX_CONFIG_BYTES} bytes")
        config = archive.read(CONFIG)
    try:
        _check_values(json.loads(config))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: not a model of this project ({error}); train one with `dvc repro`, or name "
            "another model"
        ) from error


def _check_values(config) -> None:
    """Check the description of a network."""
    if not isinstance(config, dict):
        raise ValueError(f"{CONFIG}: expected a description of a network")
    for count, (key, value) in enumerate(_list_values(config)):
        if count > MAX_VALUES:
            raise ValueError(f"{CONFIG}: over {MAX_VALUES} values")
        if isinstance(value, dict):
            _check_class(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            highest = _MAX_NUMBERS.get(key, _MAX_NUMBER)
            if not abs(value) <= highest:  # neither is NaN
                raise ValueError(f"{CONFIG}: {key}: {value!s:.40} is over the limit, {highest}")


def _check_class(described: dict) -> None:
    if described.get("class_name") is None:
        return
    name, module = str(described["class_name"]), str(described.get("module"))
    if name not in CLASSES or not (module in MODULES or module.startswith(f"{PACKAGE}.")):
        raise ValueError(f"{CONFIG}: {module:.60} {name:.60} is no part of such a network")


def _list_values(value, key: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """List all values with their keys; items of a list have the key of the list."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{CONFIG}: nested over {MAX_DEPTH} deep")
    yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _FREE:
                yield from _list_values(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _list_values(inner, key, depth + 1)
