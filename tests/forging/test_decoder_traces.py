import numpy as np
import pytest

from deepfake_detector.forging.decoder_traces import (
    add_patches,
    decode_nearest,
    decode_patches,
    decode_small,
    decode_subpixels,
    interpolate,
    keep_components,
    keep_cosines,
)

DECODERS = [decode_nearest, decode_patches, decode_subpixels]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (37, 53)])
def test_a_gray_picture_stays_gray_but_for_its_checkerboard(decode, size):
    gray = np.full((*size, 3), 100, np.float32)
    for seed in range(8):
        decoded = decode(gray, np.random.default_rng(seed))
        assert decoded.shape == gray.shape
        assert decoded == pytest.approx(gray, abs=12)


@pytest.mark.parametrize("decode", DECODERS)
def test_what_is_left_stays_left(decode):
    picture = np.zeros((48, 48, 3), np.float32)
    picture[:, :24] = 200
    for seed in range(8):
        decoded = decode(picture, np.random.default_rng(seed))
        assert decoded[:, :18].min() > 150
        assert decoded[:, 30:].max() < 50


def test_patches_are_added_a_stride_apart():
    patches = np.ones((1, 2, 3, 3, 3), np.float32)  # two of 3 x 3 px in a row, 2 px apart
    total = add_patches(patches, 2, (3, 6, 3))
    assert total[..., 0].tolist() == [[1, 1, 2, 1, 1, 0]] * 3


def test_all_cosines_or_components_keep_the_whole_patch():
    patches = np.random.default_rng(0).normal(size=(80, 16)).astype(np.float32)
    for keep in (keep_cosines, keep_components):
        assert keep(patches, 16) == pytest.approx(patches, abs=1e-4)


def test_the_first_cosine_is_the_mean_and_the_next_change_along_one_axis():
    patches = np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32)
    means = patches.mean(axis=1, keepdims=True).repeat(16, axis=1)
    assert keep_cosines(patches, 1) == pytest.approx(means, abs=1e-6)
    three = (keep_cosines(patches, 3) - means).reshape(5, 4, 4)
    along_x = three.mean(axis=1, keepdims=True)
    assert three - along_x == pytest.approx(
        three.mean(axis=2, keepdims=True).repeat(4, axis=2), abs=1e-6
    )


def test_the_first_component_is_where_patches_differ_most():
    patches = np.float32([[3, 0, 0, 3], [-3, 0, 0, -3], [0, 1, 0, 0], [0, -1, 0, 0]])
    expected = [[3, 0, 0, 3], [-3, 0, 0, -3], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert keep_components(patches, 1) == pytest.approx(np.array(expected), abs=1e-5)


def test_a_parabola_goes_through_its_three_pixels():
    values = np.array([1.0, 0.0, 1.0])  # of x² at -1, 0 and 1
    assert interpolate(0.25) @ values == pytest.approx(0.0625)
    assert interpolate(-0.25) @ np.array([-1.0, 0.0, 1.0]) == pytest.approx(-0.25)
    assert interpolate(0.25).sum() == pytest.approx(1)


def test_an_enlargement_that_loses_nothing_changes_nothing():
    picture = np.random.default_rng(0).uniform(0, 255, (3, 5, 1)).repeat(3, axis=2)
    blocks = picture.astype(np.float32).repeat(4, axis=0).repeat(4, axis=1)  # as from 4 px

    class AllKept:
        def integers(self, low, high):
            return 2

        def uniform(self, low, high):
            return 0.0

    decoded = decode_small(blocks, lambda small: small.repeat(2, 0).repeat(2, 1), AllKept())
    assert decoded == pytest.approx(blocks, abs=1e-3)
