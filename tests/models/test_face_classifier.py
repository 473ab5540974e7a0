import keras
import numpy as np
import pytest

from deepfake_detector.models.face_classifier import (
    FaceClassifier,
    build_face_classifier,
    make_ensemble,
)
from deepfake_detector.models.initial_weights import initialize_classifier


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(1)
    return make_classifier(ensemble_size=2)


def make_classifier(ensemble_size):
    return FaceClassifier(
        crop_px=64,
        crop_scale=1.4,
        fusion_weight=0.7,
        min_detection_score=0.2,
        dropout=0.5,
        ensemble_size=ensemble_size,
    )


def make_crops():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)


def test_each_crop_gets_one_logit(classifier):
    assert classifier.predict_on_batch(make_crops()).shape == (3,)


def test_a_saved_look_says_the_same_and_knows_its_crops(classifier, tmp_path):
    classifier.save(tmp_path / "classifier.keras")
    again = keras.models.load_model(tmp_path / "classifier.keras", safe_mode=True, compile=False)
    assert (again.crop_px, again.crop_scale, again.fusion_weight, again.min_detection_score) == (
        64,
        1.4,
        0.7,
        0.2,
    )
    assert again.ensemble_size == 2
    np.testing.assert_allclose(
        again.predict_on_batch(make_crops()), classifier.predict_on_batch(make_crops()), atol=1e-5
    )


def test_united_networks_say_the_mean_of_their_logits():
    classifiers = [make_classifier(ensemble_size=1) for _ in range(3)]
    for classifier in classifiers:
        kernel, bias = classifier.heads[0].get_weights()
        classifier.heads[0].set_weights([kernel * 1e5, bias])  # untrained features are near 0
    logits = [classifier.predict_on_batch(make_crops()) for classifier in classifiers]
    assert np.ptp(logits, axis=0).min() > 0.1  # they differ
    united = make_ensemble(classifiers).predict_on_batch(make_crops())
    np.testing.assert_allclose(united, np.mean(logits, axis=0), atol=1e-3)


def test_a_pretrained_backbone_has_the_statistics_of_imagenet_and_goes_on_learning_them():
    from pathlib import Path

    from deepfake_detector.config.schema import load_params

    params = load_params(Path(__file__).parents[2] / "params.yaml").face_classifier
    classifier = build_face_classifier(params.model_copy(update={"crop_px": 64}))
    initialize_classifier(classifier, "imagenet", number=1)
    norms = [
        n for n in classifier.features[0].layers if isinstance(n, keras.layers.BatchNormalization)
    ]
    assert norms
    assert all(norm.trainable for norm in norms)
    assert len({float(np.asarray(norm.moving_mean).std()) for norm in norms}) > 10  # not all zeros
