import keras
import numpy as np
import pytest

from deepfake_detector.inference.detector import load_detector
from deepfake_detector.models.ssd import precision
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder
from deepfake_detector.models.ssd.network import build_detector, build_inference_model
from deepfake_detector.models.ssd.precision import (
    choose_precision,
    fit_precision,
    has_bfloat16_units,
    names_bfloat16_units,
)

WITH_UNITS = "processor : 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n"
WITHOUT_UNITS = "processor : 0\nflags\t\t: fpu avx2 avx512f\n"


@pytest.fixture
def units(tmp_path, monkeypatch):
    """Give a function that sets what this machine says of its CPU."""
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    return (tmp_path / "cpuinfo").write_text


def make_network(convolution):
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = convolution(4, 3, name="wide")(x)
    rows = keras.layers.Reshape((-1, 4))(x)
    return keras.Model(image, keras.layers.Concatenate(axis=1, dtype="float32")([rows]))


def list_bfloat16(network):
    return {layer.name for layer in network.layers if layer.compute_dtype == "bfloat16"}


def test_units_are_read_from_the_flags_of_the_cpu(units):
    assert names_bfloat16_units(WITH_UNITS)
    assert not names_bfloat16_units(WITHOUT_UNITS)
    assert not has_bfloat16_units()  # no such file: another operating system
    units(WITH_UNITS)
    assert has_bfloat16_units()


def test_auto_is_bfloat16_for_plain_convolutions_where_there_are_units(units):
    plain = make_network(keras.layers.Conv2D)
    units(WITHOUT_UNITS)
    assert choose_precision(plain) == "float32"
    units(WITH_UNITS)
    assert choose_precision(plain) == "bfloat16"


def test_auto_is_float32_for_depthwise_convolutions_and_on_a_gpu(units, monkeypatch):
    units(WITH_UNITS)
    depthwise = make_network(lambda width, *sizes, name: keras.layers.DepthwiseConv2D(3))
    assert choose_precision(depthwise) == "float32"
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [f"{kind}:0"])
    assert choose_precision(make_network(keras.layers.Conv2D)) == "float32"


def test_what_is_asked_for_is_done_whatever_the_machine(units):
    network = make_network(keras.layers.Conv2D)
    units(WITHOUT_UNITS)
    fit_precision(network, "bfloat16")
    assert "wide" in list_bfloat16(network)
    units(WITH_UNITS)
    fit_precision(network, "float32")
    assert list_bfloat16(network) == set()


def test_a_network_in_bfloat16_gives_nearly_the_same_in_float32():
    network = make_network(keras.layers.Conv2D)
    images = np.random.default_rng(1).uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)
    exact = np.asarray(network(images))
    fit_precision(network, "bfloat16")
    rough = np.asarray(network(images))
    assert rough.dtype == np.float32
    assert 0 < np.abs(rough - exact).max() < 0.02 * np.abs(exact).max()
    assert {weight.dtype for weight in network.weights} == {"float32"}


def test_vgg16_in_bfloat16_keeps_mean_norm_and_outputs_in_float32(detector_params):
    asked = {"backbone": "vgg16", "precision": "bfloat16"}
    params = detector_params.model_copy(update=asked)
    narrow = list_bfloat16(build_inference_model(build_detector(params), params))
    assert {"block1_conv1", "fc7", "conv9_2", "box_1", "label_6"} <= narrow
    assert not {"subtract_mean", "conv4_3_norm", "box", "label", "decode_detections"} & narrow


def test_a_file_asks_for_its_precision_where_it_is_loaded(units, tmp_path):
    network = make_network(keras.layers.Conv2D)
    box = keras.layers.Reshape((-1, 4), name="box")(network.output)
    label = keras.layers.Dense(3, name="label")(network.output)
    find = {"score_threshold": 0.01, "nms_iou_threshold": 0.45, "max_detections": 5}
    for asked, expected in (("auto", {"wide"}), ("float32", set())):
        inference_model = DetectionDecoder(36, [0.1] * 4, find, asked, name="decode_detections")
        model = keras.Model(network.input, inference_model({"box": box, "label": label}))
        units(WITHOUT_UNITS)
        fit_precision(model, asked)
        model.save(tmp_path / f"{asked}.keras")
        units(WITH_UNITS)
        loaded = load_detector(tmp_path / f"{asked}.keras").ssd
        assert list_bfloat16(loaded) >= expected
        assert bool(list_bfloat16(loaded)) == bool(expected)
        assert loaded.predict_on_batch(np.zeros((1, 8, 8, 3)))["boxes"].shape == (1, 5, 4)
