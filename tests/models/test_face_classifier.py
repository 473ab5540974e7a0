import keras
import numpy as np
import pytest

from deepfake_detector.models.face_classifier import SecondLook, build_one_network, unite


@pytest.fixture(scope="module")
def look():
    keras.utils.set_random_seed(1)
    return make_look(networks=2)


def make_look(networks):
    return SecondLook(
        crop_px=64, reach=1.4, weight=0.7, least_score=0.2, dropout=0.5, networks=networks
    )


def make_crops():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)


def test_each_crop_gets_one_logit(look):
    assert look.predict_on_batch(make_crops()).shape == (3,)


def test_a_saved_look_says_the_same_and_knows_its_crops(look, tmp_path):
    look.save(tmp_path / "look.keras")
    again = keras.models.load_model(tmp_path / "look.keras", safe_mode=True, compile=False)
    assert (again.crop_px, again.reach, again.weight, again.least_score) == (64, 1.4, 0.7, 0.2)
    assert again.networks == 2
    np.testing.assert_allclose(
        again.predict_on_batch(make_crops()), look.predict_on_batch(make_crops()), atol=1e-5
    )


def test_united_networks_say_the_mean_of_their_logits():
    looks = [make_look(networks=1) for _ in range(3)]
    for look in looks:
        kernel, bias = look.judges[0].get_weights()
        look.judges[0].set_weights([kernel * 1e5, bias])  # untrained features are near 0
    logits = [look.predict_on_batch(make_crops()) for look in looks]
    assert np.ptp(logits, axis=0).min() > 0.1  # they differ
    united = unite(looks).predict_on_batch(make_crops())
    np.testing.assert_allclose(united, np.mean(logits, axis=0), atol=1e-3)


def test_a_pretrained_backbone_has_the_statistics_of_imagenet_and_goes_on_learning_them():
    from pathlib import Path

    from deepfake_detector.config.schema import load_params

    params = load_params(Path(__file__).parents[2] / "params.yaml").second_look
    look = build_one_network(params.model_copy(update={"crop_px": 64}))
    norms = [n for n in look.features[0].layers if isinstance(n, keras.layers.BatchNormalization)]
    assert norms
    assert all(norm.trainable for norm in norms)
    assert len({float(np.asarray(norm.moving_mean).std()) for norm in norms}) > 10  # not all zeros
