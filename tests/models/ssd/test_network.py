import numpy as np
import pytest

from deepfake_detector.config.schema import compute_map_sizes
from deepfake_detector.models.ssd.network import (
    build_detector,
    build_inference_model,
    list_map_sizes,
    make_detector_anchors,
)

SSD300_VGG16_PARAMETERS = {
    # kernel height x width x inputs x outputs + biases; 2 labels and background
    "block1_conv1": 3 * 3 * 3 * 64 + 64,
    "block1_conv2": 3 * 3 * 64 * 64 + 64,
    "block2_conv1": 3 * 3 * 64 * 128 + 128,
    "block2_conv2": 3 * 3 * 128 * 128 + 128,
    "block3_conv1": 3 * 3 * 128 * 256 + 256,
    "block3_conv2": 3 * 3 * 256 * 256 + 256,
    "block3_conv3": 3 * 3 * 256 * 256 + 256,
    "block4_conv1": 3 * 3 * 256 * 512 + 512,
    "block4_conv2": 3 * 3 * 512 * 512 + 512,
    "block4_conv3": 3 * 3 * 512 * 512 + 512,
    "block5_conv1": 3 * 3 * 512 * 512 + 512,
    "block5_conv2": 3 * 3 * 512 * 512 + 512,
    "block5_conv3": 3 * 3 * 512 * 512 + 512,
    "fc6": 3 * 3 * 512 * 1024 + 1024,
    "fc7": 1024 * 1024 + 1024,
    "conv4_3_norm": 512,
    "conv6_1": 1024 * 256 + 256,
    "conv6_2": 3 * 3 * 256 * 512 + 512,
    "conv7_1": 512 * 128 + 128,
    "conv7_2": 3 * 3 * 128 * 256 + 256,
    "conv8_1": 256 * 128 + 128,
    "conv8_2": 3 * 3 * 128 * 256 + 256,
    "conv9_1": 256 * 128 + 128,
    "conv9_2": 3 * 3 * 128 * 256 + 256,
    "box_1": 3 * 3 * 512 * 16 + 16,
    "box_2": 3 * 3 * 1024 * 24 + 24,
    "box_3": 3 * 3 * 512 * 24 + 24,
    "box_4": 3 * 3 * 256 * 24 + 24,
    "box_5": 3 * 3 * 256 * 16 + 16,
    "box_6": 3 * 3 * 256 * 16 + 16,
    "label_1": 3 * 3 * 512 * 12 + 12,
    "label_2": 3 * 3 * 1024 * 18 + 18,
    "label_3": 3 * 3 * 512 * 18 + 18,
    "label_4": 3 * 3 * 256 * 18 + 18,
    "label_5": 3 * 3 * 256 * 12 + 12,
    "label_6": 3 * 3 * 256 * 12 + 12,
}


@pytest.fixture(scope="module")
def vgg16(detector_params):
    return build_detector(detector_params.model_copy(update={"backbone": "vgg16"}))


@pytest.fixture(scope="module")
def lite0(detector_params):
    return build_detector(detector_params)


def test_vgg16_has_the_papers_layers_with_their_parameters(vgg16):
    counts = {layer.name: layer.count_params() for layer in vgg16.layers if layer.weights}
    assert counts == SSD300_VGG16_PARAMETERS


def test_vgg16_starts_and_is_regularised_as_the_2020_project(vgg16):
    for layer in vgg16.layers:
        if layer.name.startswith(("block", "fc", "conv", "box", "label")) and hasattr(
            layer, "kernel"
        ):
            assert type(layer.kernel_initializer).__name__ == "HeNormal", layer.name
            assert float(layer.kernel_regularizer.l2) == pytest.approx(5e-4), layer.name
    assert np.allclose(vgg16.get_layer("conv4_3_norm").scale, 20)


def test_fc6_is_dilated_and_pool5_does_not_halve(vgg16):
    assert vgg16.get_layer("fc6").dilation_rate == (6, 6)
    assert vgg16.get_layer("block5_pool").output.shape[1:3] == (19, 19)


@pytest.mark.parametrize("name", ["vgg16", "lite0"])
def test_both_backbones_predict_for_the_8732_anchors_of_ssd300(name, request, detector_params):
    detector = request.getfixturevalue(name)
    assert detector.output["box"].shape == (None, 8732, 4)
    assert detector.output["label"].shape == (None, 8732, 3)
    assert make_detector_anchors(detector, detector_params).shape == (8732, 4)


def test_conv4_3_is_normalised_to_the_factor(vgg16):
    features = np.random.default_rng(1).normal(size=(1, 2, 2, 512)).astype(np.float32)
    length = np.linalg.norm(vgg16.get_layer("conv4_3_norm")(features), axis=-1)
    assert np.allclose(length, 20, rtol=1e-4)


def test_anchors_for_another_number_of_maps_are_rejected(detector_params):
    anchors = detector_params.anchors.model_copy(
        update={"aspect_ratios": [[1.0]], "scales": [0.1, 0.2], "strides_px": [8]}
    )
    with pytest.raises(ValueError, match="has 6 predictor maps, got aspect_ratios for 1"):
        build_detector(detector_params.model_copy(update={"anchors": anchors}))


def test_a_saved_finder_finds_the_same_after_loading(lite0, detector_params, tmp_path):
    from deepfake_detector.inference.detector import load_detector

    inference_model = build_inference_model(lite0, detector_params)
    images = np.random.default_rng(2).uniform(0, 255, (2, 300, 300, 3)).astype(np.float32)
    before = inference_model.predict_on_batch(images)
    inference_model.save(tmp_path / "detector.keras")
    after = load_detector(tmp_path / "detector.keras").ssd.predict_on_batch(images)
    assert before["scores"].max() > 0
    assert np.allclose(before["boxes"], after["boxes"], atol=1e-5)
    assert np.allclose(before["scores"], after["scores"], atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "size_px"), [("vgg16", 300), ("vgg16", 410), ("efficientnet_lite0", 415)]
)
def test_maps_are_as_large_as_the_parameters_are_checked_against(
    detector_params, backbone, size_px
):
    params = {"backbone": backbone, "image_size_px": size_px}
    detector = build_detector(detector_params.model_copy(update=params))
    assert list_map_sizes(detector) == [(size, size) for size in compute_map_sizes(size_px)]
