import numpy as np
import pytest

from deepfake_detector.faces.alignment import TEMPLATE
from deepfake_detector.forging.face_forger import (
    SelfBlend,
    blend,
    recolor,
    sample_self_blend,
    self_blend_face,
    swap_face,
    warp_donor,
)

FACE = 100 * TEMPLATE + 10  # a face of 100 x 100 px in a picture of 120 x 120
SKIN = np.array([200, 150, 130], np.uint8)
NO_CHANGE = SelfBlend((0.0, 0.0), 1.0, np.ones(3), 1.0, 0.0, 1.0, np.ones(8))


def make_image(color=SKIN, seed=0, spread=12):
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, (120, 120, 1))
    return np.clip(np.asarray(color) + noise, 0, 255).astype(np.uint8)


def change(**values):
    return SelfBlend(**{**NO_CHANGE.__dict__, **values})


def test_blend_mixes_by_the_mask():
    image, face = np.zeros((1, 3, 3), np.uint8), np.full((1, 3, 3), 100.0)
    mixed = blend(image, face, np.array([[0.0, 0.25, 1.0]]))
    assert mixed[0, :, 0].tolist() == [0, 25, 100]
    assert mixed.dtype == np.uint8


def test_blend_keeps_colours_in_range():
    image = np.zeros((1, 2, 3), np.uint8)
    face = np.array([[[300.0] * 3, [-50.0] * 3]])
    assert blend(image, face, np.ones((1, 2)))[0, :, 0].tolist() == [255, 0]


def test_swap_with_oneself_changes_almost_nothing():
    image = make_image()
    forged = swap_face(image, FACE, image, FACE, 0.12)
    assert np.abs(forged.astype(int) - image).mean() < 0.5


def test_swap_brings_the_donors_mark_to_the_same_place_of_the_face():
    donor = make_image((120, 90, 70), spread=2)
    donor[75:79, 58:62] = 20  # beside the nose of the donor's face
    moved = FACE + np.array([-6, 4])
    forged = swap_face(make_image(spread=2), moved, donor, FACE, 0.12)
    dark = forged.astype(int).sum(axis=2)
    row, column = np.unravel_index(dark.argmin(), dark.shape)
    assert (row, column) == pytest.approx((76.5 + 4, 59.5 - 6), abs=1.5)


def test_swap_leaves_everything_outside_the_face_as_it_is():
    image = make_image()
    forged = swap_face(image, FACE, make_image((90, 60, 50), seed=3), FACE, 0.12)
    outside = np.ones((120, 120), bool)
    outside[32:106, 28:92] = False
    np.testing.assert_array_equal(forged[outside], image[outside])
    assert (forged != image).any()


def test_swap_does_not_change_its_input():
    image, donor = make_image(), make_image(seed=4)
    before = image.copy(), donor.copy()
    swap_face(image, FACE, donor, FACE, 0.12)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(donor, before[1])


def test_shrinking_a_donor_averages_instead_of_skipping():
    stripes = np.zeros((80, 80, 3), np.uint8)
    stripes[:, ::2] = 200
    quarter = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    small = warp_donor(stripes, quarter, 20, 20)
    np.testing.assert_allclose(small[5:15, 5:15], 100, atol=6)


def test_self_blend_without_a_change_returns_the_image():
    image = make_image()
    np.testing.assert_array_equal(self_blend_face(image, FACE, NO_CHANGE, 0.12), image)


def test_self_blend_moves_the_face_by_shares_of_its_width():
    image = make_image(spread=0)
    image[66:68, 60:62] = 0
    forged = self_blend_face(image, FACE, change(move=(4 / 66, 2 / 66)), 0.12)
    dark = forged.astype(int).sum(axis=2)
    assert np.unravel_index(dark.argmin(), dark.shape) == pytest.approx((68.5, 64.5), abs=1)


def test_self_blend_of_a_share_goes_only_so_far():
    image = np.full((120, 120, 3), 100, np.uint8)
    forged = self_blend_face(image, FACE, change(gains=np.full(3, 1.2), alpha=0.5), 0.12)
    assert forged[68, 60].tolist() == [110] * 3
    assert forged[5, 5].tolist() == [100] * 3


def test_contrast_keeps_the_mean():
    face = np.array([[[90.0] * 3, [110.0] * 3]], np.float32)
    changed = recolor(face, change(contrast=1.5), np.ones((1, 2), np.float32), 10.0)
    np.testing.assert_allclose(changed[0, :, 0], [85, 115])


def test_blurred_copy_is_smoother_and_sharpened_copy_is_rougher():
    face, mask = make_image().astype(np.float32), np.ones((120, 120), np.float32)
    softer = recolor(face, change(sharpen=-0.7), mask, 66.0).std()
    sharper = recolor(face, change(sharpen=0.7), mask, 66.0).std()
    assert softer < face.std() < sharper


def test_same_seed_draws_the_same_self_blend():
    first, second = (sample_self_blend(np.random.default_rng(5)) for _ in range(2))
    assert first.move == second.move
    np.testing.assert_array_equal(first.outline, second.outline)


def test_drawn_self_blends_stay_slight():
    generator = np.random.default_rng(0)
    for drawn in (sample_self_blend(generator) for _ in range(50)):
        assert max(abs(part) for part in drawn.move) <= 0.04
        assert 0.95 <= drawn.zoom <= 1.05
        assert drawn.gains.shape == (3,)
