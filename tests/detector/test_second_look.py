import keras
import numpy as np
import pytest

from deepfake_detector.detector.second_look import (
    FaceAndAround,
    SecondLook,
    build_second_look,
    make_face_weights,
)


@pytest.fixture(scope="module")
def look():
    keras.utils.set_random_seed(1)
    return SecondLook(crop_px=64, reach=1.4, weight=0.7, least_score=0.2, dropout=0.5)


def make_crops():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)


def test_each_crop_gets_one_logit(look):
    assert look.predict_on_batch(make_crops()).shape == (3,)


def test_a_saved_look_says_the_same_and_knows_its_crops(look, tmp_path):
    look.save(tmp_path / "look.keras")
    again = keras.models.load_model(tmp_path / "look.keras", safe_mode=True, compile=False)
    assert (again.crop_px, again.reach, again.weight, again.least_score) == (64, 1.4, 0.7, 0.2)
    np.testing.assert_allclose(
        again.predict_on_batch(make_crops()), look.predict_on_batch(make_crops()), atol=1e-5
    )


def test_weights_of_face_and_surroundings_add_up_to_one_each():
    weights = make_face_weights(12, 12, 1.4)
    assert weights.sum(axis=(0, 1)) == pytest.approx([1, 1], abs=1e-5)
    assert weights[6, 6, 0] > 0.01 > weights[6, 6, 1]
    assert weights[0, 0, 0] < 1e-4 < weights[0, 0, 1]


def test_a_larger_reach_leaves_less_room_to_the_face():
    near, far = (make_face_weights(24, 24, reach)[..., 0] for reach in (1.2, 2.0))
    assert (far > 1e-3).sum() < (near > 1e-3).sum()


def test_face_and_surroundings_are_averaged_apart():
    features = np.zeros((1, 24, 24, 1), np.float32)
    features[:, 10:14, 10:14] = 1  # a spot inside the face
    face, around = np.asarray(FaceAndAround(1.4)(features))[0]
    assert face > 0.05
    assert around < 0.005


def test_pretrained_batch_normalisation_keeps_its_statistics():
    from pathlib import Path

    from deepfake_detector.params import load_params

    params = load_params(Path(__file__).parents[2] / "params.yaml").second_look
    look = build_second_look(params.model_copy(update={"crop_px": 64}))
    norms = [n for n in look.features.layers if isinstance(n, keras.layers.BatchNormalization)]
    assert norms
    assert not any(norm.trainable for norm in norms)
    assert len({float(np.asarray(norm.moving_mean).std()) for norm in norms}) > 10  # not all zeros
