import keras
import numpy as np
import pytest

from deepfake_detector.detector.second_look import SecondLook, build_second_look


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


def test_a_pretrained_backbone_has_the_statistics_of_imagenet_and_goes_on_learning_them():
    from pathlib import Path

    from deepfake_detector.params import load_params

    params = load_params(Path(__file__).parents[2] / "params.yaml").second_look
    look = build_second_look(params.model_copy(update={"crop_px": 64}))
    norms = [n for n in look.features.layers if isinstance(n, keras.layers.BatchNormalization)]
    assert norms
    assert all(norm.trainable for norm in norms)
    assert len({float(np.asarray(norm.moving_mean).std()) for norm in norms}) > 10  # not all zeros
