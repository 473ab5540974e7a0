import cv2
import numpy as np
import pytest

from deepfake_detector.faces.sharpness import measure_sharpness

NOISE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
RED = np.full((120, 160, 3), [200, 30, 30], np.uint8)


def test_a_plain_face_is_not_sharp_at_all():
    assert measure_sharpness(RED, [10, 10, 60, 60]) == 0


def test_blur_takes_sharpness():
    blurred = cv2.GaussianBlur(NOISE, (0, 0), 3)
    box = [20, 20, 116, 116]
    assert measure_sharpness(blurred, box) < 0.1 * measure_sharpness(NOISE, box)


def test_a_small_face_blown_up_is_less_sharp_than_a_large_one():
    assert measure_sharpness(NOISE, [0, 0, 24, 24]) < measure_sharpness(NOISE, [0, 0, 96, 96])


@pytest.mark.parametrize("box", [[50, 50, 50, 90], [200, 0, 300, 50], [-50, -50, -10, -10]])
def test_a_box_without_a_pixel_has_no_sharpness(box):
    assert measure_sharpness(NOISE, box) == 0


def test_a_box_over_the_edge_is_clipped():
    assert measure_sharpness(NOISE, [-20, -20, 60, 60]) == measure_sharpness(NOISE, [0, 0, 60, 60])
