"""Faces cut out upright for an autoencoder, bent for its training, and laid back."""

import numpy as np
import pytest

from deepfake_detector.faces.alignment import TEMPLATE, make_mask, move_points
from deepfake_detector.forging.aligned_faces import (
    CUT_PX,
    FACE_PX,
    cut_face,
    is_whole,
    lay_back,
    make_face_weights,
    normalize_colors,
    sample_warped,
    trim,
)

FACE = 100 * TEMPLATE + 40
TURNED = move_points(FACE, np.array([[0.9, -0.3, 40.0], [0.3, 0.9, -10.0]]))


def draw_smooth(side=200):
    y, x = np.mgrid[:side, :side]
    return np.stack([x, y, (x + y) / 2], axis=-1).astype(np.uint8)


def test_face_is_upright_in_its_cut():
    image = np.zeros((200, 200, 3), np.uint8)
    left, right = np.round(TURNED[:2]).astype(int)
    image[left[1] - 4 : left[1] + 4, left[0] - 4 : left[0] + 4] = (255, 0, 0)
    image[right[1] - 4 : right[1] + 4, right[0] - 4 : right[0] + 4] = (0, 0, 255)
    face = trim(cut_face(image, TURNED)).astype(float)
    rows, columns = np.indices(face.shape[:2])
    eyes = [
        [(part * face[..., color]).sum() / face[..., color].sum() for part in (columns, rows)]
        for color in (0, 2)
    ]
    # in 112 px for 0.84 of the template: 133.3 px a unit about the mask's middle (0.5, 0.585)
    np.testing.assert_allclose(eyes, [[36, 31.3], [76, 31.3]], atol=1.5)


def test_cut_that_is_laid_back_is_the_picture_on_the_face():
    image = draw_smooth()
    back = lay_back(trim(cut_face(image, TURNED)).astype(np.float32), TURNED, 200, 200)
    inside = make_mask(TURNED, 200, 200, np.ones(8))
    assert inside.sum() > 2000
    assert np.abs(back - image)[inside].max() < 4


def test_face_is_whole_where_brows_and_chin_are_in_the_picture():
    image = np.zeros((200, 200, 3))
    assert is_whole(image, FACE)
    assert not is_whole(image, FACE + np.array([0, 70]))  # the chin ends at 93.5 + 40 + 70
    assert not is_whole(image, FACE - np.array([70, 0]))  # the cheek begins at 20 + 40 - 70


def test_colors_are_normalized_whatever_the_light():
    face = np.random.default_rng(0).integers(60, 160, (FACE_PX, FACE_PX, 3)).astype(float)
    plain, mean, spread = normalize_colors(face)
    lit, *_ = normalize_colors(face * [1.2, 0.9, 0.5] + [10, 0, 5])
    np.testing.assert_allclose(lit, plain, atol=1e-3)
    np.testing.assert_allclose(plain * spread + mean, face, atol=1e-2)


def test_face_of_one_color_is_no_division_by_zero():
    plain, mean, _ = normalize_colors(np.full((FACE_PX, FACE_PX, 3), 7))
    assert (plain == 0).all()
    assert mean.tolist() == [7, 7, 7]


def test_what_is_to_be_drawn_is_the_face_itself_or_its_mirror_image():
    cut = draw_smooth(CUT_PX)
    drawn = [sample_warped(cut, np.random.default_rng(seed))[1] for seed in range(40)]
    mirrored = [np.array_equal(face, trim(cut)[:, ::-1]) for face in drawn]
    same = [np.array_equal(face, trim(cut)) for face in drawn]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 0 < sum(mirrored) < 20


def test_what_is_shown_is_bent_and_no_longer_than_a_face_apart():
    cut = draw_smooth(CUT_PX)
    generators = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    shown, again, other = (sample_warped(cut, generator)[0] for generator in generators)
    np.testing.assert_array_equal(shown, again)
    assert not np.array_equal(shown, other)
    # the red of this picture is the column: moves, turns and bends together stay small
    moves = np.abs(shown[..., 0].astype(float) - trim(cut)[..., 0])
    assert 0.5 < moves.mean() < 0.15 * FACE_PX


def test_weights_are_one_on_the_face_and_small_at_the_border():
    weights = make_face_weights()
    assert weights[FACE_PX // 2, FACE_PX // 2] == pytest.approx(1)
    assert weights[[0, -1]].max() < 0.25
    assert weights[:, [0, -1]].max() < 0.01
