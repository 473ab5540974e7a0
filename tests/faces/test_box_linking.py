import numpy as np
import pytest

from deepfake_detector.faces.box_linking import interpolate_steady, link_boxes

LEFT_FACE = [0.0, 0.0, 10.0, 10.0]


def move(box, right):
    return [box[0] + right, box[1], box[2] + right, box[3]]


def test_boxes_are_linked_by_best_iou_first():
    boxes = [np.array(LEFT_FACE), np.array(move(LEFT_FACE, 4))]
    assert link_boxes(boxes, np.array([move(LEFT_FACE, 3), move(LEFT_FACE, -2)])) == {1: 0, 0: 1}


def test_boxes_of_low_iou_are_not_linked():
    assert link_boxes([np.array(LEFT_FACE)], np.array([move(LEFT_FACE, 8)])) == {}


def test_faces_between_two_frames_lie_on_the_line_between_whatever_their_order():
    before = np.array([[0, 0, 100, 100, 0.2, 0.6], [200, 0, 300, 100, 0.9, 0.1]], float)
    after = np.array([[204, 0, 304, 100, 0.5, 0.5], [0, 0, 100, 104, 0.4, 0.2]], float)
    between = interpolate_steady(before, after, 0.25)
    assert between == pytest.approx(
        np.array([[0, 0, 100, 101, 0.25, 0.5], [201, 0, 301, 100, 0.8, 0.2]])
    )


def test_where_a_face_comes_goes_or_moves_nothing_is_said_of_the_frame_between():
    one, none = np.array([[0, 0, 100, 100, 0.9, 0.1]]), np.zeros((0, 6))
    assert interpolate_steady(one, none, 0.5) is None
    assert interpolate_steady(none, one, 0.5) is None
    moved = np.array([[20, 0, 120, 100, 0.9, 0.1]])
    assert interpolate_steady(one, moved, 0.5) is None  # IoU two thirds
    assert interpolate_steady(none, none, 0.5).shape == (0, 6)
