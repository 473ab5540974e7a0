import numpy as np
import pytest

from deepfake_detector.faces.alignment import (
    FACE_WIDTH,
    TEMPLATE,
    find_skin,
    fit_affine,
    fit_similarity,
    make_mask,
    measure_face_width,
    move_points,
    soften_mask,
)

FACE = 100 * TEMPLATE  # a face of 100 x 100 px in the left top corner
PLAIN = np.ones(8)
SKIN = (200, 150, 130)


def test_similarity_finds_a_quarter_turn_with_zoom_and_move():
    points = np.array([[0, 0], [1, 0], [0, 1]], float)
    matrix = fit_similarity(points, np.array([[5, 5], [5, 7], [3, 5]], float))
    np.testing.assert_allclose(matrix, [[0, -2, 5], [2, 0, 5]], atol=1e-12)


def test_affine_finds_different_zooms_of_width_and_height():
    points = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)
    matrix = fit_affine(points, points * [3, 2] + [1, -1])
    np.testing.assert_allclose(matrix, [[3, 0, 1], [0, 2, -1]], atol=1e-12)


def test_moving_points_there_and_back_returns_them():
    there = fit_similarity(TEMPLATE, FACE + 7)
    back = fit_similarity(FACE + 7, TEMPLATE)
    np.testing.assert_allclose(move_points(move_points(FACE, there), back), FACE, atol=1e-9)


def test_face_width_of_the_template_at_100_px():
    assert measure_face_width(FACE) == pytest.approx(100 * FACE_WIDTH)


def test_mask_reaches_from_the_brows_to_the_chin_and_no_further():
    mask = make_mask(FACE, 120, 120, PLAIN)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == pytest.approx((23.5, 93.5), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((20, 80), abs=1)
    assert mask[58, 50]
    assert not mask[30, 25]


def test_outline_pulls_the_mask_in_on_its_side_only():
    outline = np.array([0.5, 1, 1, 1, 1, 1, 1, 1])  # towards the right
    columns = np.nonzero(make_mask(FACE, 120, 120, outline)[58])[0]
    assert (columns.min(), columns.max()) == pytest.approx((20, 65), abs=1)


def test_mask_of_a_face_outside_the_picture_is_empty():
    assert not make_mask(FACE - 500, 50, 50, PLAIN).any()


def test_soft_mask_rises_smoothly_over_the_seam():
    mask = np.zeros((21, 21), bool)
    mask[3:18, 3:18] = True
    row = soften_mask(mask, 4.0)[10]
    # the way in, in seams: 1/4, 2/4, 3/4, 4/4 -> 3 t^2 - 2 t^3
    np.testing.assert_allclose(row[2:8], [0, 0.15625, 0.5, 0.84375, 1, 1], atol=0.02)


def test_soft_mask_falls_to_the_border_of_the_picture_too():
    row = soften_mask(np.ones((9, 9), bool), 2.0)[4]
    np.testing.assert_allclose(row[:3], [0.5, 1, 1], atol=0.02)


def test_soft_mask_of_nothing_is_nothing():
    assert not soften_mask(np.zeros((5, 5), bool), 3.0).any()


def test_skin_stops_at_a_background_of_another_colour():
    image = np.full((60, 60, 3), SKIN, np.uint8)
    image[:, 40:] = (40, 110, 240)
    core = np.zeros((60, 60), bool)
    core[20:40, 10:30] = True
    skin = find_skin(image, core, 1.0)
    assert skin[:, :38].all()
    assert not skin[:, 42:].any()


def test_dark_eye_inside_the_core_counts_as_skin():
    image = np.full((60, 60, 3), SKIN, np.uint8)
    image[28:31, 18:22] = 10
    core = np.zeros((60, 60), bool)
    core[20:40, 10:30] = True
    assert find_skin(image, core, 1.0).all()


def test_dark_brow_at_the_rim_of_the_core_takes_no_skin_beside_it():
    image = np.full((60, 60, 3), SKIN, np.uint8)
    image[20:30, 10:28] = 10
    core = np.zeros((60, 60), bool)
    core[20:50, 10:30] = True
    assert find_skin(image, core, 4.0)[19, 15:25].all()


def test_without_a_core_nothing_is_skin():
    image = np.full((9, 9, 3), SKIN, np.uint8)
    assert not find_skin(image, np.zeros((9, 9), bool), 1.0).any()
