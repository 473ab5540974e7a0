from pathlib import Path

import keras
import numpy as np
import pytest

from deepfake_detector.detector.second_look import (
    SecondLook,
    build_classifier,
    join_members,
)
from deepfake_detector.params import load_params


@pytest.fixture(scope="module")
def look():
    keras.utils.set_random_seed(1)
    look = SecondLook(crop_px=64, reach=1.4, weight=0.7, least_score=0.2, dropout=0.5, members=3)
    for member in look.members:
        make_decided(member)
    return look


def make_decided(member):
    """Make a member of random weights, whose features are near 0, say something."""
    weights, bias = member.judge.get_weights()
    member.judge.set_weights([weights * 1e6, bias])


def make_crops():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)


def test_each_crop_gets_one_logit(look):
    assert look.predict_on_batch(make_crops()).shape == (3,)


def test_the_logit_is_the_mean_of_the_members_of_whom_every_second_sees_the_mirror_image(look):
    crops = make_crops()
    first, second, third = look.members
    mirrored = np.ascontiguousarray(crops[:, :, ::-1])
    seen = [
        first.predict_on_batch(crops),
        second.predict_on_batch(mirrored),
        third.predict_on_batch(crops),
    ]
    assert look.predict_on_batch(crops) == pytest.approx(np.mean(seen, axis=0), rel=1e-3)
    assert look.predict_on_batch(mirrored) != pytest.approx(np.mean(seen, axis=0), rel=1e-2)


def test_trained_members_are_joined_with_their_weights():
    params = load_params(Path(__file__).parents[2] / "params.yaml").second_look
    params = params.model_copy(update={"crop_px": 64, "weights": "none"})
    members = [build_classifier(params) for _ in range(2)]
    for member in members:
        make_decided(member)
    look = join_members(members, params)
    assert (look.crop_px, look.reach, look.weight) == (64, params.reach, params.weight)
    crops = make_crops()
    mirrored = np.ascontiguousarray(crops[:, :, ::-1])
    seen = [members[0].predict_on_batch(crops), members[1].predict_on_batch(mirrored)]
    assert look.predict_on_batch(crops) == pytest.approx(np.mean(seen, axis=0), rel=1e-3)


def test_a_saved_look_says_the_same_and_knows_its_crops(look, tmp_path):
    look.save(tmp_path / "look.keras")
    again = keras.models.load_model(tmp_path / "look.keras", safe_mode=True, compile=False)
    assert (again.crop_px, again.reach, again.weight, again.least_score) == (64, 1.4, 0.7, 0.2)
    np.testing.assert_allclose(
        again.predict_on_batch(make_crops()), look.predict_on_batch(make_crops()), atol=1e-5
    )


def test_a_pretrained_backbone_has_the_statistics_of_imagenet_and_goes_on_learning_them():
    params = load_params(Path(__file__).parents[2] / "params.yaml").second_look
    look = build_classifier(params.model_copy(update={"crop_px": 64}))
    norms = [n for n in look.features.layers if isinstance(n, keras.layers.BatchNormalization)]
    assert norms
    assert all(norm.trainable for norm in norms)
    assert len({float(np.asarray(norm.moving_mean).std()) for norm in norms}) > 10  # not all zeros
