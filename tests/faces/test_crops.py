import numpy as np
import pytest

from deepfake_detector.faces.crops import (
    GRAY,
    cut_face,
    cut_window,
    jitter_window,
    make_inner_window,
    make_window,
)

TALL_BOX = np.array([40.0, 20.0, 60.0, 60.0])  # 20 wide, 40 high, middle (50, 40)


def test_a_window_is_a_square_around_the_middle_of_the_box():
    assert make_window(TALL_BOX, 1.5).tolist() == [20, 10, 80, 70]


def test_an_inner_window_ends_at_the_edge_of_the_picture():
    assert make_inner_window(TALL_BOX, 2.5, width_px=90, height_px=80).tolist() == [0, 0, 90, 80]


def test_a_jittered_window_stays_a_square_and_near():
    for seed in range(20):
        window = jitter_window(np.array([0.0, 0, 100, 100]), 0.1, 1.2, np.random.default_rng(seed))
        sides = window[2:] - window[:2]
        assert sides[0] == pytest.approx(sides[1])
        assert 100 / 1.2 <= sides[0] <= 120
        assert np.all(np.abs((window[:2] + window[2:]) / 2 - 50) <= 10)


def test_what_lies_outside_the_picture_is_grey():
    picture = np.full((10, 20, 3), 200, np.uint8)
    cut = cut_window(picture, np.array([-5.0, -5.0, 5.0, 5.0]), max_px=100)
    assert cut.shape == (10, 10, 3)
    assert np.all(cut[5:, 5:] == 200)
    assert np.all(cut[:5] == GRAY)
    assert np.all(cut[:, :5] == GRAY)


def test_a_window_beside_the_picture_is_all_grey():
    cut = cut_window(np.zeros((10, 10, 3), np.uint8), np.array([50.0, 50, 70, 70]), max_px=100)
    assert np.all(cut == GRAY)


def test_only_large_windows_are_shrunk():
    picture = np.zeros((100, 100, 3), np.uint8)
    assert cut_window(picture, np.array([0.0, 0, 30, 30]), max_px=50).shape == (30, 30, 3)
    assert cut_window(picture, np.array([0.0, 0, 80, 80]), max_px=50).shape == (50, 50, 3)


def test_a_face_is_cut_to_the_asked_size():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[10:70, 20:80] = 255  # the window of 1.5 times the box
    face = cut_face(picture, TALL_BOX, 1.5, 24)
    assert face.shape == (24, 24, 3)
    assert np.all(face == 255)


def test_a_window_between_pixels_is_cut_as_a_square():
    picture = np.zeros((100, 100, 3), np.uint8)
    for place in np.linspace(0, 1, 11):
        cut = cut_window(picture, np.array([10.4, 10.4 + place, 40.9, 40.9 + place]), max_px=50)
        assert cut.shape[0] == cut.shape[1]
