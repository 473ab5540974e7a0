import json

import keras
import numpy as np
import pytest

from deepfake_detector.models import released_folder
from deepfake_detector.models.face_classifier import build_face_classifier, make_ensemble
from deepfake_detector.models.released_folder import read_released_model
from deepfake_detector.models.released_weights import (
    load_released_weights,
    write_late_heads,
    write_released_weights,
)
from deepfake_detector.models.ssd.network import build_detector, build_inference_model


@pytest.fixture(scope="module")
def face_params(project_params):
    return project_params.face_classifier.model_copy(update={"crop_px": 32})


@pytest.fixture(scope="module")
def ssd(detector_params):
    keras.utils.set_random_seed(1)
    return build_detector(detector_params)


@pytest.fixture(scope="module")
def classifier(face_params):
    keras.utils.set_random_seed(2)
    return make_ensemble([build_face_classifier(face_params) for _ in range(2)])


@pytest.fixture(scope="module")
def released(tmp_path_factory, ssd, classifier, detector_params, face_params):
    """What is released is the model of `detector.keras`, with decoding."""
    folder = tmp_path_factory.mktemp("work") / "released"
    model = build_inference_model(ssd, detector_params)
    write_released_weights(folder, model, classifier, detector_params, face_params)
    return folder


@pytest.fixture
def copied(released, tmp_path):
    folder = tmp_path / "released"
    folder.mkdir()
    for path in released.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def assert_alike_within_float16(network, expected):
    for weight, other in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=2**-10, atol=2**-24)


def test_weights_come_back_within_half_precision(released, ssd, classifier, detector_params):
    keras.utils.set_random_seed(3)
    other = build_detector(detector_params)
    ensemble = type(classifier).from_config(classifier.get_config())
    load_released_weights(released, ssd=other, classifier=ensemble)
    assert_alike_within_float16(other, ssd)
    assert_alike_within_float16(ensemble, classifier)


def test_each_network_of_a_training_starts_from_one_of_its_own(released, classifier, face_params):
    one = build_face_classifier(face_params)
    for number, expected in ((1, 0), (2, 1), (3, 0)):  # only two are released
        load_released_weights(released, classifier=one, first_network=number)
        assert_alike_within_float16(one.features[0], classifier.features[expected])
        assert_alike_within_float16(one.heads[0], classifier.heads[expected])


def test_late_heads_take_the_place_of_the_others(copied, classifier, face_params):
    weights = (copied / "weights.npz").read_bytes()
    late = type(classifier).from_config(classifier.get_config())
    write_late_heads(copied, late)
    assert (copied / "weights.npz").read_bytes() == weights
    one = build_face_classifier(face_params)
    for number, expected in ((1, 0), (2, 1), (3, 0)):
        load_released_weights(copied, classifier=one, first_network=number)
        assert_alike_within_float16(one.features[0], classifier.features[expected])
        for weight, other in zip(one.heads[0].weights, late.heads[expected].weights, strict=True):
            np.testing.assert_array_equal(weight, other)
    (copied / "late_heads.npz").unlink()
    with pytest.raises(ValueError, match=r"late_heads\.npz is not there; .*`dvc pull released`"):
        load_released_weights(copied)


def test_arrays_are_half_precision_and_named_by_network_and_layer(released):
    with np.load(released / "weights.npz") as file:
        assert {file[name].dtype for name in file.files} == {np.dtype(np.float16)}
        assert {"ssd/_conv_stem/0", "classifier_1/_conv_stem/0", "classifier_2/logit/1"} <= set(
            file.files
        )


def test_the_parameters_it_was_trained_with_stand_beside_it(
    released, detector_params, face_params
):
    model = read_released_model(released)
    assert model["detector"] == detector_params.model_dump()
    assert model["face_classifier"] == face_params.model_dump()


@pytest.mark.parametrize("name", ["weights.npz", "model.json"])
def test_a_file_with_another_hash_is_rejected_with_the_remedy(copied, name):
    content = copied / name
    content.write_bytes(content.read_bytes() + b" ")
    with pytest.raises(ValueError, match=rf"{name}: its SHA-256 .*`dvc pull released`"):
        load_released_weights(copied)


@pytest.mark.parametrize("name", ["weights.npz", "model.json", "SHA256SUMS"])
def test_half_a_download_is_rejected_with_the_remedy(copied, name):
    (copied / name).write_bytes((copied / name).read_bytes()[:40])
    with pytest.raises(ValueError, match="`dvc pull released`"):
        load_released_weights(copied)
    (copied / name).unlink()
    with pytest.raises(ValueError, match=rf"{name} is not there; .*`dvc pull released`"):
        load_released_weights(copied)


def test_another_schema_is_rejected_by_name(copied, monkeypatch):
    monkeypatch.setattr(released_folder, "SCHEMA", 2)
    with pytest.raises(ValueError, match=r"model\.json: schema 1, .* reads 2; .*dvc pull"):
        load_released_weights(copied)


def test_a_network_of_another_kind_is_rejected_by_layer(released, detector_params):
    vgg16 = build_detector(detector_params.model_copy(update={"backbone": "vgg16"}))
    with pytest.raises(ValueError, match=r"weights\.npz: ssd/.* is .*other parameters"):
        load_released_weights(released, ssd=vgg16)


def test_a_weight_beyond_half_precision_is_not_released(
    tmp_path, ssd, face_params, detector_params
):
    one = build_face_classifier(face_params)
    one.heads[0].bias.assign([1e6])
    with pytest.raises(ValueError, match="classifier_1/logit/1: a weight is not finite"):
        write_released_weights(tmp_path / "new", ssd, one, detector_params, face_params)
    assert not (tmp_path / "new").exists()


def test_sums_are_those_that_sha256sum_checks(released):
    lines = (released / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["weights.npz", "model.json"]
    assert json.loads((released / "model.json").read_text())["schema"] == 1
