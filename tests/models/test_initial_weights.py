import logging
import shutil

import numpy as np
import pytest

from deepfake_detector.models import initial_weights
from deepfake_detector.models.face_classifier import build_face_classifier
from deepfake_detector.models.initial_weights import (
    choose_start,
    find_start,
    initialize_classifier,
    initialize_ssd,
)
from deepfake_detector.models.released_weights import write_released_weights
from deepfake_detector.models.ssd.network import build_detector


@pytest.fixture(scope="module")
def face_params(project_params):
    return project_params.face_classifier.model_copy(update={"crop_px": 32})


@pytest.fixture(scope="module")
def detector(detector_params):
    return build_detector(detector_params)


@pytest.fixture(scope="module")
def released(tmp_path_factory, detector_params, face_params):
    """A released detector whose stem has 0.5 everywhere."""
    folder = tmp_path_factory.mktemp("work") / "released"
    ssd, classifier = build_detector(detector_params), build_face_classifier(face_params)
    for network in (ssd, classifier.features[0]):
        kernel = network.get_layer("_conv_stem").kernel
        kernel.assign(np.full(kernel.shape, 0.5))
    write_released_weights(folder, ssd, classifier, detector_params, face_params)
    return folder


def get_stem(network):
    return np.asarray(network.get_layer("_conv_stem").kernel)


def test_released_weights_are_a_start_with_fewer_steps(
    released, detector, detector_params, face_params, monkeypatch
):
    monkeypatch.setattr(initial_weights, "RELEASED", released)
    assert initialize_ssd(detector, detector_params, "released")
    assert np.all(get_stem(detector) == 0.5)
    classifier = build_face_classifier(face_params)
    assert initialize_classifier(classifier, "released", number=2)
    assert np.all(get_stem(classifier.features[0]) == 0.5)


def test_a_folder_of_the_same_kind_is_named_by_its_path(released, detector, detector_params):
    assert initialize_ssd(detector, detector_params, str(released))
    assert np.all(get_stem(detector) == 0.5)


def change_anchors(params):
    scales = [0.9 * scale for scale in params.anchors.scales]
    return params.model_copy(
        update={"anchors": params.anchors.model_copy(update={"scales": scales})}
    )


def test_a_detector_with_other_anchors_starts_from_imagenet_and_says_so(
    released, detector, detector_params, caplog
):
    with caplog.at_level(logging.INFO):
        assert not initialize_ssd(detector, change_anchors(detector_params), str(released))
    assert "starts from ImageNet" in caplog.text
    assert "detector.anchors" in caplog.text
    assert not np.any(get_stem(detector) == 0.5)


def test_none_leaves_the_weights_random_and_imagenet_fills_the_backbone(
    detector_params, face_params
):
    detector, classifier = build_detector(detector_params), build_face_classifier(face_params)
    before = [get_stem(detector), get_stem(classifier.features[0])]
    assert not initialize_ssd(detector, detector_params, "none")
    assert not initialize_classifier(classifier, "none", 1)
    assert np.array_equal(get_stem(detector), before[0])
    assert not initialize_ssd(detector, detector_params, "imagenet")
    assert not initialize_classifier(classifier, "imagenet", 1)
    assert np.array_equal(get_stem(detector), get_stem(classifier.features[0]))
    assert not np.array_equal(get_stem(detector), before[0])


def test_a_file_of_weights_is_of_the_ssd_and_the_classifier_starts_from_imagenet(
    detector, detector_params, face_params, tmp_path
):
    file = tmp_path / "detector.weights.h5"
    detector.get_layer("_conv_stem").kernel.assign(np.full((3, 3, 3, 32), 0.25))
    detector.save_weights(file)
    other, classifier = build_detector(detector_params), build_face_classifier(face_params)
    assert not initialize_ssd(other, detector_params, str(file))
    assert np.all(get_stem(other) == 0.25)
    assert not initialize_classifier(classifier, str(file), 1)
    assert not np.any(get_stem(classifier.features[0]) == 0.25)


def test_where_nothing_is_released_a_training_starts_from_imagenet_and_says_so(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(initial_weights, "RELEASED", tmp_path / "released")
    assert choose_start("released") == "imagenet"
    assert "starts from ImageNet, not from the released one: there is no" in caplog.text
    (tmp_path / "released").mkdir()
    assert choose_start("released") == "released"
    assert choose_start("none") == "none"


def test_a_release_that_cannot_be_fetched_is_no_end(tmp_path, monkeypatch, caplog):
    def pull(folder):
        raise ValueError("released: could not be fetched")

    monkeypatch.setattr(initial_weights, "RELEASED", tmp_path / "released")
    monkeypatch.setattr(initial_weights, "pull_released", pull)
    assert choose_start("released") == "imagenet"
    assert "could not be fetched" in caplog.text


def test_a_detector_starts_from_the_released_one_where_all_of_it_does(released, detector_params):
    assert find_start(detector_params, str(released), True) == released
    assert find_start(detector_params, "imagenet", True) is None
    assert find_start(detector_params, str(released), has_classifier=False) is None
    assert find_start(change_anchors(detector_params), str(released), True) is None


def test_half_a_download_is_no_reason_to_start_from_imagenet(
    released, detector, detector_params, tmp_path
):
    shutil.copytree(released, tmp_path / "released")
    (tmp_path / "released/weights.npz").unlink()
    with pytest.raises(ValueError, match="`dvc pull released`"):
        initialize_ssd(detector, detector_params, str(tmp_path / "released"))


def test_a_start_that_is_no_name_and_no_path_is_rejected(detector, detector_params):
    with pytest.raises(FileNotFoundError, match=r"train\.init: .*no file releasd"):
        initialize_ssd(detector, detector_params, "releasd")
