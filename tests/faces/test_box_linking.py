import numpy as np

from deepfake_detector.faces.box_linking import link_boxes

LEFT_FACE = [0.0, 0.0, 10.0, 10.0]


def move(box, right):
    return [box[0] + right, box[1], box[2] + right, box[3]]


def test_boxes_are_linked_by_best_iou_first():
    boxes = [np.array(LEFT_FACE), np.array(move(LEFT_FACE, 4))]
    assert link_boxes(boxes, np.array([move(LEFT_FACE, 3), move(LEFT_FACE, -2)])) == {1: 0, 0: 1}


def test_boxes_of_low_iou_are_not_linked():
    assert link_boxes([np.array(LEFT_FACE)], np.array([move(LEFT_FACE, 8)])) == {}
