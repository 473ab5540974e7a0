"""Each format finds the faces that Keras finds, in as many frames at once as it takes."""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepfake_detector.export.agreement import compare_faces
from deepfake_detector.export.litert import run_litert, write_litert_detector
from deepfake_detector.export.networks import copy_network
from deepfake_detector.export.onnx_file import (
    add_decoder,
    find_decoder,
    make_detector,
    make_network,
    run_onnx,
    save_onnx,
)
from deepfake_detector.export.quantization import quantize_onnx
from deepfake_detector.export.saved_model import export_saved_model, run_saved_model

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx or onnxruntime is missing")


@pytest.fixture(scope="module")
def onnx_files(detector, images, tmp_path_factory):
    """A folder with the tiny detector as ONNX, in real numbers and in integers."""
    folder = tmp_path_factory.mktemp("onnx")
    network = make_network(detector)
    integers = quantize_onnx(network, images)
    for name, model in (("network", network), ("network_int8", integers)):
        save_onnx(model, folder / f"{name}.onnx")
    for name, model in (("detector", network), ("detector_int8", integers)):
        save_onnx(add_decoder(model, find_decoder(detector)), folder / f"{name}.onnx")
    return folder


@pytest.fixture(scope="module")
def litert_files(detector, images, tmp_path_factory):
    """A folder with the tiny detector as LiteRT, in real numbers and in integers."""
    folder = tmp_path_factory.mktemp("litert")
    files = (folder / "detector.tflite", folder / "detector_int8.tflite")
    write_litert_detector(detector, images, *files)
    return folder


def check_same(found, expected):
    agreement = compare_faces(expected, found)
    assert agreement.faces > 10, "the comparison would prove nothing"
    assert agreement.different == 0
    for name, values in expected.items():
        assert found[name].shape == values.shape
        assert found[name] == pytest.approx(values, abs=1e-5)  # the same order, too


def test_some_faces_of_the_tiny_detector_are_suppressed_and_rows_are_left(expected):
    counts = (expected["scores"].sum(axis=2) > 0).sum(axis=1)
    assert counts.min() < 20
    assert counts.max() > 3


def test_a_copy_has_plain_names_and_the_same_weights(detector, images, expected):
    copy = copy_network(detector)
    assert [layer.name for layer in copy.layers if layer.name.startswith("_")] == []
    assert copy.predict_on_batch(images)["scores"] == pytest.approx(expected["scores"])


def test_a_copy_of_a_network_in_bfloat16_is_in_float32(detector):
    policy = keras.DTypePolicy("mixed_bfloat16")
    narrow = keras.models.clone_model(
        detector,
        clone_function=lambda layer: type(layer).from_config(
            layer.get_config() | {"dtype": policy}
        ),
    )
    assert {layer.compute_dtype for layer in copy_network(narrow).layers} == {"float32"}


def test_a_saved_model_finds_the_same_faces(detector, images, expected, tmp_path):
    export_saved_model(detector, tmp_path / "saved_model")
    check_same(run_saved_model(tmp_path / "saved_model", images), expected)


def test_litert_finds_the_same_faces_with_its_own_operators(litert_files, images, expected):
    check_same(run_litert(litert_files / "detector.tflite", images), expected)
    operators = list_operators(litert_files / "detector.tflite")
    assert "NON_MAX_SUPPRESSION_V4" in operators
    assert not [name for name in operators if name.startswith("Flex")]


def test_litert_finds_nothing_where_nothing_is_over_the_threshold(detector, images, tmp_path):
    strict = keras.models.clone_model(detector, clone_function=raise_threshold)
    strict.set_weights(detector.get_weights())
    files = (tmp_path / "detector.tflite", tmp_path / "detector_int8.tflite")
    write_litert_detector(strict, images, *files)
    for path in files:
        found = run_litert(path, images)
        assert found["boxes"].shape == (3, 20, 4)
        assert not found["boxes"].any()
        assert not found["scores"].any()


def raise_threshold(layer):
    config = layer.get_config()
    if layer.name == "decode_detections":
        config["detections"] = config["detections"] | {"score_threshold": 1.0}
    return type(layer).from_config(config)


def test_litert_in_integers_finds_nearly_the_same_and_decodes_in_real_numbers(
    litert_files, images, expected
):
    path = litert_files / "detector_int8.tflite"
    found = run_litert(path, images)
    best, best_expected = found["scores"][:, 0].sum(axis=1), expected["scores"][:, 0].sum(axis=1)
    assert best == pytest.approx(best_expected, abs=0.05)
    kinds = list_operators(path)
    assert kinds["CONV_2D"] == {np.int8}
    assert kinds["EXP"] == kinds["SOFTMAX"] == {np.float32}


def list_operators(path):
    """List what a LiteRT file computes: the types of the results by operator."""
    interpreter = tf.lite.Interpreter(str(path))
    types = {tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    operators = {}
    for operator in interpreter._get_ops_details():
        results = {types[index] for index in operator["outputs"] if index in types}
        operators.setdefault(operator["op_name"], set()).update(results)
    return operators


@needs_onnx
def test_onnx_finds_the_same_faces_in_any_number_of_frames(onnx_files, images, expected):
    check_same(run_onnx(onnx_files / "detector.onnx", images), expected)
    one = run_onnx(onnx_files / "detector.onnx", images[2:])
    assert one["boxes"] == pytest.approx(expected["boxes"][2:], abs=1e-5)


@needs_onnx
def test_onnx_finds_nothing_where_nothing_is_over_the_threshold(detector, images, tmp_path):
    strict = keras.models.clone_model(detector, clone_function=raise_threshold)
    strict.set_weights(detector.get_weights())
    save_onnx(make_detector(strict), tmp_path / "detector.onnx")
    found = run_onnx(tmp_path / "detector.onnx", images)
    assert found["boxes"].shape == (3, 20, 4)
    assert not found["boxes"].any()
    assert not found["scores"].any()


@needs_onnx
def test_integers_find_nearly_the_same_scores(onnx_files, images, expected):
    network = run_onnx(onnx_files / "network.onnx", images)
    integers = run_onnx(onnx_files / "network_int8.onnx", images)
    spread = np.ptp(network["label"])
    assert 0 < np.abs(integers["label"] - network["label"]).max() < 0.05 * spread
    found = run_onnx(onnx_files / "detector_int8.onnx", images)
    best, best_expected = found["scores"][:, 0].sum(axis=1), expected["scores"][:, 0].sum(axis=1)
    assert best == pytest.approx(best_expected, abs=0.05)


@needs_onnx
@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is missing")
def test_openvino_runs_the_onnx_file_to_the_same_faces(onnx_files, images, expected):
    import openvino

    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(onnx_files / "detector.onnx", "CPU", exact)
    found = compiled(images)
    check_same({name: found[name] for name in ("boxes", "scores")}, expected)
