import cv2
import numpy as np
import pytest

from deepfake_detector.faces.sharpness import ShotChangeDetector, measure_sharpness

NOISE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
RED, BLUE = (np.full((120, 160, 3), color, np.uint8) for color in ((200, 30, 30), (30, 30, 200)))


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


def find_cuts(*pictures):
    finder = ShotChangeDetector()
    return [finder.is_shot_change(picture) for picture in pictures]


def test_another_scene_is_a_cut():
    assert find_cuts(RED, RED, BLUE, BLUE, RED) == [False, False, True, False, True]


def test_new_colours_around_a_face_that_stays_are_no_cut():
    """Half of the frame changes, as the game behind a player does."""
    changed = RED.copy()
    changed[:, :80] = BLUE[:, :80]
    assert find_cuts(RED, changed) == [False, False]


def test_the_same_colours_elsewhere_are_no_cut():
    """A quick camera: everything moves, the colours of the scene stay."""
    scene = np.hstack([RED[:, :80], BLUE[:, :80]])
    assert find_cuts(scene, scene[:, ::-1].copy()) == [False, False]


def test_frames_of_another_size_compare():
    assert find_cuts(RED, cv2.resize(RED, (320, 240))) == [False, False]
