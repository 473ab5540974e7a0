import numpy as np
import pytest

from deepfake_detector.faces.image_quality import measure_blockiness, measure_brightness


def test_brightness_is_that_of_the_box_alone():
    image = np.zeros((20, 20, 3), np.uint8)
    image[5:10, 5:10] = 200
    assert measure_brightness(image, np.array([5, 5, 10, 10])) == pytest.approx(200)
    assert measure_brightness(image, np.array([0, 0, 5, 5])) == 0


def test_a_box_outside_the_image_has_no_brightness():
    image = np.full((20, 20, 3), 9, np.uint8)
    assert measure_brightness(image, np.array([30, 30, 40, 40])) == 0
    assert measure_brightness(image, np.array([5, 5, 5, 9])) == 0


def test_an_image_of_noise_has_no_blocks():
    noise = np.random.default_rng(1).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    assert measure_blockiness(noise) == pytest.approx(1.0, abs=0.1)


def test_blocks_of_one_color_are_all_block():
    coarse = np.random.default_rng(1).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    blocks = coarse.repeat(8, axis=0).repeat(8, axis=1)
    assert measure_blockiness(blocks) > 100


def test_an_image_without_a_grid_has_none():
    assert measure_blockiness(np.zeros((15, 300, 3), np.uint8)) == 1.0
