from dataclasses import replace

import numpy as np
import pytest

from deepfake_detector.augmentation.degradations import (
    NOTHING,
    degrade,
    mirror,
    sample_degradation,
)


def make_picture():
    noise = np.random.default_rng(0).integers(50, 200, (16, 16, 3), np.uint8)
    return noise.repeat(4, axis=0).repeat(4, axis=1)


def test_where_nothing_happens_a_picture_stays_as_it_is():
    assert np.array_equal(degrade(make_picture(), NOTHING), make_picture())


@pytest.mark.parametrize(
    "change",
    [
        {"retouch": 30.0},
        {"scale": 0.5},
        {"blur": 1.0},
        {"noise": 5.0},
        {"jpeg_quality": 40},
        {"crf": 30},
        {"gains": np.array([1.1, 1.0, 0.9])},
        {"contrast": 1.2},
        {"saturation": 0.5},
        {"brightness": 20.0},
        {"patch": np.array([0.2, 0.2, 0.3, 0.3])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_kind_of_wear_changes_the_picture_but_not_its_size(change):
    worn = degrade(make_picture(), replace(NOTHING, **change))
    assert worn.shape == make_picture().shape
    assert worn.dtype == np.uint8
    assert not np.array_equal(worn, make_picture())


def test_two_pictures_get_the_same_noise():
    degradation = replace(NOTHING, noise=5.0)
    first, second = (
        degrade(np.full((8, 8, 3), value, np.uint8), degradation) for value in (90, 120)
    )
    assert np.array_equal(second.astype(int) - first, np.full((8, 8, 3), 30))


def test_a_video_encoder_keeps_odd_sizes_and_loses_more_the_higher_its_rate_factor():
    picture = make_picture()[:61, :63]
    losses = []
    for crf in (20, 40):
        encoded = degrade(picture, replace(NOTHING, crf=crf))
        assert encoded.shape == (61, 63, 3)
        losses.append(np.abs(encoded.astype(int) - picture).mean())
    assert losses[0] < losses[1]


def test_brightness_is_added():
    worn = degrade(np.full((8, 8, 3), 90, np.uint8), replace(NOTHING, brightness=20.0))
    assert np.all(worn == 110)


def test_without_saturation_a_picture_is_grey():
    worn = degrade(np.full((8, 8, 3), (30, 60, 90), np.uint8), replace(NOTHING, saturation=0.0))
    assert np.all(worn == 60)


def test_a_picture_given_to_be_worn_down_is_left_as_it_was():
    picture = make_picture()
    degrade(picture, replace(NOTHING, patch=np.array([0.0, 0.0, 0.5, 0.5])))
    assert np.array_equal(picture, make_picture())


def test_wear_follows_from_the_generator():
    first, second = (sample_degradation(np.random.default_rng(3)) for _ in range(2))
    picture = make_picture()
    assert np.array_equal(degrade(picture, first), degrade(picture, second))


def test_mirroring_swaps_left_and_right():
    assert np.array_equal(mirror(make_picture())[:, 0], make_picture()[:, -1])


def test_retouching_smooths_texture_and_keeps_edges():
    picture = np.full((32, 32, 3), 60, np.uint8)
    picture[:, 16:] = 180
    picture += np.random.default_rng(0).integers(0, 12, (32, 32, 1), np.uint8)
    worn = degrade(picture, replace(NOTHING, retouch=40.0))
    assert worn[:, :14].std() < picture[:, :14].std() / 2
    assert worn[:, 16:].mean() - worn[:, :16].mean() > 115  # it was 120
