"""Heads that are fitted last."""

from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading.crop_index import list_crops, read_face
from deepfake_detector.inference.detector import classify_crops
from deepfake_detector.training import late_heads
from deepfake_detector.training.late_heads import (
    compute_features,
    find_temperature,
    fit_head,
    fit_late_heads,
    read_degraded_face,
    scale_heads,
    weigh_faces,
)
from small_detector import make_classifier


def test_a_frequent_kind_does_not_outweigh_the_others():
    kind = np.array([""] * 10 + ["animated still"] * 16 + ["face swap"] * 4)
    weights = weigh_faces(kind, kind != "")
    assert weights.mean() == pytest.approx(1)
    assert weights[kind == ""].sum() == pytest.approx(weights[kind != ""].sum())
    still, swap = (weights[kind == name].sum() for name in ("animated still", "face swap"))
    assert still / swap == pytest.approx(2)  # the root of 4


def test_a_head_is_one_of_features_as_they_are():
    generator = np.random.default_rng(1)
    is_fake = np.arange(60) % 2 == 0
    features = generator.normal(5, [1, 10, 0], (60, 3)) + np.outer(is_fake, [3, 0, 0])
    kernel, bias = fit_head(features, is_fake, np.ones(60), 0.002)
    logits = features @ kernel + bias
    assert logits[is_fake].min() > logits[~is_fake].mean()
    assert abs(logits.mean()) < 0.1
    assert kernel[2] == 0  # it never moves


@pytest.mark.parametrize("times_too_sure", [0.5, 1, 4])
def test_the_temperature_is_how_many_times_too_sure_logits_are(times_too_sure):
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 2, 20_000)
    is_fake = generator.random(20_000) < 1 / (1 + np.exp(-logits))
    assert find_temperature(times_too_sure * logits, is_fake) == pytest.approx(
        times_too_sure, rel=0.1
    )


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Faces of two videos, a red fake and a blue real one, twelve frames of each."""
    folder, box = tmp_path_factory.mktemp("shards"), np.float32([[0.2, 0.2, 0.8, 0.8]])
    paths = []
    for video, label, color in (("a.mp4", 2, (0, 0, 200)), ("b.mp4", 1, (200, 0, 0))):
        noise = np.random.default_rng(label).integers(0, 50, (12, 64, 64, 3), np.uint8)
        jpegs = [cv2.imencode(".jpg", np.uint8(color) + picture)[1].tobytes() for picture in noise]
        records = [
            FrameRecord(
                jpeg, box, np.array([label]), [jpeg], np.float32([[0, 0, 1, 1]]), video, n, 64, 64
            )
            for n, jpeg in enumerate(jpegs)
        ]
        paths.append(folder / f"{video}.tfrecord")
        write_shard(paths[-1], records)
    return list_crops(paths)


def test_every_network_of_a_classifier_gets_a_head_that_tells_the_given_fakes(crops):
    keras.utils.set_random_seed(3)
    classifier = make_classifier(ensemble_size=2)
    features = [network.get_weights() for network in classifier.features]
    fit_late_heads(classifier, crops, {"a.mp4": "face swap"})
    for network, before in zip(classifier.features, features, strict=True):
        for weight, other in zip(network.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, other)
    colors = [np.full((64, 64, 3), color, np.uint8) for color in ((225, 25, 25), (25, 25, 225))]
    fake, real = classify_crops(classifier, colors)
    assert fake > 0 > real


def test_the_same_face_is_always_degraded_alike(crops):
    faces = [read_degraded_face(crop, 1.5, 64) for crop in crops]
    again = [read_degraded_face(crop, 1.5, 64) for crop in crops]
    plain = [read_face(crop, 1.5, 64) for crop in crops]
    assert {face.shape for face in faces} == {(64, 64, 3)}
    np.testing.assert_array_equal(faces, again)
    changes = [np.abs(np.float32(a) - b).mean() for a, b in zip(faces, plain, strict=True)]
    assert min(changes) > 0.5
    assert len({round(float(change), 3) for change in changes}) > len(crops) / 2


def test_heads_learn_from_faces_as_they_are_and_degraded(crops, monkeypatch):
    read, fitted = [], []

    def compute(classifier, crops, reader):
        read.append(reader)
        return [np.full((len(crops), 2), len(read), float)]

    def fit(features, is_fake, weights, _):
        fitted.append((features[:, 0], is_fake, weights))
        return np.zeros(classifier.heads[0].kernel.shape[0]), 0.0

    classifier = make_classifier()
    monkeypatch.setattr(late_heads, "compute_features", compute)
    monkeypatch.setattr(late_heads, "fit_head", fit)
    fit_late_heads(classifier, crops, {"a.mp4": "face swap"})
    assert read == [read_face, read_degraded_face]
    ((features, is_fake, weights),) = fitted
    assert features.tolist() == [1.0] * 24 + [2.0] * 24
    assert is_fake.tolist() == ([True] * 12 + [False] * 12) * 2
    np.testing.assert_allclose(weights, 1)


def test_a_head_that_is_too_sure_is_scaled_down(crops):
    """Logits of 10 and -10 that are right in three of four faces should be log 3 and -log 3."""
    keras.utils.set_random_seed(4)
    classifier = make_classifier()
    (features,) = compute_features(classifier, crops, read_face)
    fake, real = features[:12].mean(axis=0), features[12:].mean(axis=0)
    kernel = (20 * (fake - real) / ((fake - real) ** 2).sum())[:, None]
    bias = -(fake + real) @ kernel / 2
    classifier.heads[0].set_weights([kernel, bias])
    mislabelled = [
        replace(crop, label=3 - crop.label if number % 4 == 0 else crop.label)
        for number, crop in enumerate(crops)
    ]
    scale_heads(classifier, mislabelled)
    scaled, scaled_bias = classifier.heads[0].get_weights()
    temperature = np.linalg.norm(kernel) / np.linalg.norm(scaled)
    assert temperature == pytest.approx(10 / np.log(3), rel=0.15)
    np.testing.assert_allclose(scaled * temperature, kernel, rtol=1e-4)
    np.testing.assert_allclose(scaled_bias * temperature, bias, rtol=1e-4)


def test_without_a_fake_there_is_nothing_to_fit(crops):
    real = [crop for crop in crops if crop.label == 1]
    with pytest.raises(ValueError, match="real and fake faces, of which the train split lacks"):
        fit_late_heads(make_classifier(), real, {})
    with pytest.raises(ValueError, match="of which the validation split lacks one; add videos"):
        scale_heads(make_classifier(), real)
