import numpy as np

from deepfake_detector.faces.box_linking import interpolate_steady, link_boxes

LEFT_FACE = [0.0, 0.0, 10.0, 10.0]


def move(box, right):
    return [box[0] + right, box[1], box[2] + right, box[3]]


def test_boxes_are_linked_by_best_iou_first():
    boxes = [np.array(LEFT_FACE), np.array(move(LEFT_FACE, 4))]
    assert link_boxes(boxes, np.array([move(LEFT_FACE, 3), move(LEFT_FACE, -2)])) == {1: 0, 0: 1}


def test_boxes_of_low_iou_are_not_linked():
    assert link_boxes([np.array(LEFT_FACE)], np.array([move(LEFT_FACE, 8)])) == {}


def interpolate(before, after, weight=0.5):
    is_sure = tuple(faces[:, 4:].sum(axis=1) >= 0.5 for faces in (before, after))
    return interpolate_steady(before, after, is_sure, weight)


def test_faces_between_two_frames_lie_on_the_line_between_whatever_their_order():
    before = np.array([[0, 0, 100, 100, 0.2, 0.6], [200, 0, 300, 100, 0.9, 0.1]], float)
    after = np.array([[204, 0, 304, 100, 0.5, 0.5], [0, 0, 100, 104, 0.4, 0.2]], float)
    between = {tuple(row) for row in interpolate(before, after, 0.25).round(9)}
    assert between == {(0, 0, 100, 101, 0.25, 0.5), (201, 0, 301, 100, 0.8, 0.2)}


def test_where_a_face_comes_goes_or_moves_nothing_is_said_of_the_frame_between():
    one, none = np.array([[0, 0, 100, 100, 0.9, 0.1]]), np.zeros((0, 6))
    assert interpolate(one, none) is None
    assert interpolate(none, one) is None
    moved = np.array([[40, 0, 140, 100, 0.9, 0.1]])
    assert interpolate(one, moved) is None  # IoU 3 to 7
    assert interpolate(none, none).shape == (0, 6)


def test_a_face_that_is_less_sure_in_one_frame_is_still_there():
    sure = np.array([[0, 0, 100, 100, 0.3, 0.3]])
    unsure = np.array([[10, 0, 110, 100, 0.2, 0.2], [300, 0, 400, 100, 0.1, 0.2]])
    assert interpolate(sure, unsure).tolist() == [[5, 0, 105, 100, 0.25, 0.25]]
    assert interpolate(unsure, sure).tolist() == [[5, 0, 105, 100, 0.25, 0.25]]


def test_faces_that_are_sure_in_neither_frame_are_left_out():
    unsure = np.array([[300, 0, 400, 100, 0.1, 0.2]])
    assert interpolate(unsure, unsure).shape == (0, 6)
    assert interpolate(unsure, np.zeros((0, 6))).shape == (0, 6)
