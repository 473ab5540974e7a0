import numpy as np
import pytest

from deepfake_detector.forging.self_blending import (
    blend_with_itself,
    change_hue,
    match_colors,
    sample_mask,
    sharpen,
    soften,
)

BOX = np.array([30.0, 20.0, 70.0, 80.0])


def make_picture(seed=0):
    noise = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), np.uint8)
    return noise.repeat(5, axis=0).repeat(5, axis=1)


def test_a_mask_covers_the_face_and_nothing_far_from_it():
    for seed in range(30):
        mask = sample_mask(BOX, (100, 100), np.random.default_rng(seed))
        assert 0 <= mask.min() <= mask.max() <= 1
        assert mask.max() > 0.9
        assert not mask[:5].any()
        assert not mask[:, :15].any()
        assert not mask[:, 85:].any()


def test_a_softened_mask_stays_inside_its_border():
    hard = np.zeros((50, 50), np.float32)
    hard[20:40, 10:40] = 1
    soft = soften(hard, 3)
    assert soft[30, 25] == pytest.approx(1, abs=0.01)
    assert not soft[hard == 0].any()
    assert 0 < soft[21, 25] < 1


def test_a_face_and_its_fake_are_alike_outside_the_mask_and_differ_inside():
    differ = 0
    for seed in range(10):
        picture = make_picture()
        real, fake = blend_with_itself(picture, BOX, picture, np.random.default_rng(seed))
        assert real.shape == fake.shape == picture.shape
        assert real.dtype == fake.dtype == np.uint8
        assert np.array_equal(real[:5], fake[:5])
        assert np.array_equal(real[:, 85:], fake[:, 85:])
        differ += not np.array_equal(real[40:60, 45:55], fake[40:60, 45:55])
    assert differ == 10


def test_the_same_draw_gives_the_same_fake():
    fakes = [
        blend_with_itself(make_picture(), BOX, make_picture(1), np.random.default_rng(4))[1]
        for _ in range(2)
    ]
    assert np.array_equal(*fakes)


def test_the_copy_gets_the_colours_of_the_base():
    base, copy = np.full((10, 10, 3), 100.0), np.full((10, 10, 3), 30.0)
    base[:, 5:] = 140
    copy[:, 5:] = 50
    matched = match_colors(copy, base, np.ones((10, 10)))
    assert matched.mean() == pytest.approx(120)
    # spreads are 20 and 10, but 1.6 times as much is the most
    assert matched.std() == pytest.approx(10 * 1.6)


def test_flat_colours_of_the_copy_stay_finite():
    base, copy = np.full((10, 10, 3), 100.0), np.full((10, 10, 3), 30.0)
    assert match_colors(copy, base, np.ones((10, 10))) == pytest.approx(100)
    assert np.isfinite(match_colors(copy, base, np.zeros((10, 10)))).all()


def test_sharpening_widens_a_step_and_leaves_what_is_flat():
    step = np.full((20, 20, 3), 100, np.float32)
    step[:, 10:] = 200
    sharp = sharpen(step, 1.0, 0.5)
    assert sharp[10, 9, 0] < 100
    assert sharp[10, 10, 0] > 200
    assert sharp[10, [0, 19], 0] == pytest.approx([100, 200], abs=0.1)


def test_hues_change_and_grey_stays_grey():
    red, gray = np.full((4, 4, 3), [200, 40, 40], np.float32), np.full((4, 4, 3), 90, np.float32)
    assert not np.array_equal(change_hue(red, np.random.default_rng(0)), red)
    assert np.array_equal(change_hue(gray, np.random.default_rng(0)), gray)
