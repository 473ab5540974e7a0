import hashlib
import pickle
import struct
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest

from deepfake_detector.models.backbones.pretrained import (
    load_imagenet,
    load_weights_file,
    read_legacy_torch,
)
from deepfake_detector.models.ssd.network import build_detector


def write_legacy(path, obj, keys=("7",), storages=(b"",)):
    with path.open("wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {}):
            pickle.dump(part, file, protocol=2)
        file.write(obj)
        pickle.dump(list(keys), file, protocol=2)
        for content in storages:
            file.write(struct.pack("<q", len(content) // 4) + content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pickled_tensor(shape, strides, count):
    """A state dictionary of one float tensor as torch before 1.6 pickled it, written by hand."""

    def numbers(values):
        return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"

    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x007X\x03\x00\x00\x00cpu"
    )
    storage += b"K" + bytes([count]) + b"Nt" + b"Q"
    arguments = b"(" + storage + b"K\x00" + numbers(shape) + numbers(strides) + b"\x89}t"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"
    return b"\x80\x02}(X\x01\x00\x00\x00w" + tensor + b"u."


def test_a_transposed_tensor_is_read_by_its_strides(tmp_path):
    path = tmp_path / "weights.pth"
    content = np.arange(6, dtype="<f4").tobytes()
    sha256 = write_legacy(path, pickled_tensor((2, 3), (1, 2), 6), storages=[content])
    tensors = read_legacy_torch(path, sha256)
    assert tensors["w"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_a_file_with_another_hash_is_rejected_unread(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"anything")
    with pytest.raises(ValueError, match="expected the file with SHA-256 00"):
        read_legacy_torch(path, "00")


def test_a_pickle_that_would_run_code_is_rejected(tmp_path):
    path = tmp_path / "weights.pth"
    sha256 = write_legacy(path, b"cos\nsystem\n(X\x04\x00\x00\x00truetR.")
    with pytest.raises(pickle.UnpicklingError, match=r"rejected to load os\.system"):
        read_legacy_torch(path, sha256)


def test_imagenet_features_of_lite0_are_normalized_as_when_they_were_trained(detector_params):
    """Wrongly read kernels give batch normalisation inputs it has never seen."""
    detector = build_detector(detector_params)
    load_imagenet(detector, "efficientnet_lite0")
    rows, columns = np.mgrid[0:300, 0:300] / 300
    image = np.stack([rows, columns, np.hypot(rows - 0.5, columns - 0.5)], axis=-1)[None] * 255
    for name in ("_bn0", "_blocks.8._bn1", "_bn1"):
        norm = detector.get_layer(name)
        raw = keras.Model(detector.input, norm.input)(image.astype(np.float32))
        spread = np.asarray(keras.ops.std(raw, axis=(0, 1, 2)))
        trained = np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        assert np.median(spread / trained) < 3, name


def vgg16_arrays():
    return {
        "block1_conv1/kernel": np.arange(3 * 3 * 3 * 64, dtype=np.float16).reshape(3, 3, 3, 64),
        "block1_conv1/bias": np.ones(64, np.float16),
    }


@pytest.fixture(scope="module")
def vgg16_params(detector_params):
    return detector_params.model_copy(update={"backbone": "vgg16"})


@pytest.fixture(scope="module")
def vgg16(vgg16_params):
    return build_detector(vgg16_params)


def test_vgg16_kernels_for_bgr_are_turned_to_rgb(vgg16, tmp_path):
    path = tmp_path / "vgg16.npz"
    arrays = vgg16_arrays()
    np.savez(path, **arrays)
    load_weights_file(vgg16, path, "vgg16")
    kernel, bias = vgg16.get_layer("block1_conv1").get_weights()
    assert np.array_equal(kernel, arrays["block1_conv1/kernel"][:, :, ::-1].astype(np.float32))
    assert bias.tolist() == [1] * 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block1_conv1/kernel": np.zeros((3, 3, 3, 32))}, r"block1_conv1 is \[\(3, 3, 3, 32\)"),
        ({"block9_conv1/kernel": np.zeros(1), "block9_conv1/bias": np.zeros(1)}, "block9_conv1"),
        ({"fc6/kernel": np.zeros(1)}, "fc6 needs a kernel and a bias"),
    ],
)
def test_kernels_that_do_not_fit_are_rejected_by_layer(vgg16, tmp_path, change, message):
    path = tmp_path / "vgg16.npz"
    np.savez(path, **(vgg16_arrays() | change))
    with pytest.raises(ValueError, match=message):
        load_weights_file(vgg16, path, "vgg16")


@pytest.mark.parametrize("kept", [0, 40, 2000])
def test_kernels_of_a_broken_file_are_rejected(vgg16, tmp_path, kept):
    path = tmp_path / "vgg16.npz"
    np.savez(path, **vgg16_arrays())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"vgg16\.npz is no readable \.npz file"):
        load_weights_file(vgg16, path, "vgg16")


def test_an_array_alone_is_no_file_of_kernels(vgg16, tmp_path):
    path = tmp_path / "vgg16.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=r"vgg16\.npz is no readable \.npz file"):
        load_weights_file(vgg16, path, "vgg16")


def test_a_weights_file_that_is_not_there_is_named(vgg16):
    with pytest.raises(
        FileNotFoundError, match=r"train\.init: expected released.*; no file nowhere\.npz"
    ):
        load_weights_file(vgg16, Path("nowhere.npz"), "vgg16")


def test_a_failed_download_is_told_from_other_faults(vgg16, monkeypatch):
    def fetch(**options):
        try:
            raise urllib.error.URLError("no route")
        except urllib.error.URLError as error:
            raise Exception(f"URL fetch failure: {error}")  # noqa: B904 (as keras does)

    monkeypatch.setattr(keras.applications, "VGG16", fetch)
    with pytest.raises(ValueError, match=r"imagenet weights .* no route.*; name a local file"):
        load_imagenet(vgg16, "vgg16")

    def fill_memory(**options):
        raise MemoryError("full")

    monkeypatch.setattr(keras.applications, "VGG16", fill_memory)
    with pytest.raises(MemoryError, match="full"):
        load_imagenet(vgg16, "vgg16")
