import cv2
import numpy as np

from deepfake_detector.video.shot_changes import ShotChangeDetector

RED, BLUE = (np.full((120, 160, 3), color, np.uint8) for color in ((200, 30, 30), (30, 30, 200)))


def find_cuts(*images):
    detector = ShotChangeDetector()
    return [detector.is_shot_change(image) for image in images]


def test_another_scene_is_a_cut():
    assert find_cuts(RED, RED, BLUE, BLUE, RED) == [False, False, True, False, True]


def test_new_colors_around_a_face_that_stays_are_no_cut():
    """Half of the frame changes, as the game behind a player does."""
    changed = RED.copy()
    changed[:, :80] = BLUE[:, :80]
    assert find_cuts(RED, changed) == [False, False]


def test_the_same_colors_elsewhere_are_no_cut():
    """A quick camera: everything moves, the colors of the scene stay."""
    scene = np.hstack([RED[:, :80], BLUE[:, :80]])
    assert find_cuts(scene, scene[:, ::-1].copy()) == [False, False]


def test_frames_of_another_size_compare():
    assert find_cuts(RED, cv2.resize(RED, (320, 240))) == [False, False]
