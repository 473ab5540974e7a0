import numpy as np
import pytest

from deepfake_detector.common.iou import compute_iou, compute_iou_matrix

WHOLE = [0, 0, 4, 4]
LEFT_HALF = [0, 0, 2, 4]
TOP_HALF = [0, 0, 4, 2]
APART = [5, 5, 6, 6]


def test_iou_of_rows_is_worked_out_by_hand():
    boxes = np.array([WHOLE, LEFT_HALF, WHOLE, WHOLE])
    others = np.array([WHOLE, TOP_HALF, LEFT_HALF, APART])
    # 4 of 12 shared; 8 of 16
    assert compute_iou(boxes, others) == pytest.approx([1, 1 / 3, 1 / 2, 0])


def test_matrix_holds_every_pair():
    found = compute_iou_matrix(np.array([WHOLE, LEFT_HALF]), np.array([TOP_HALF, APART, WHOLE]))
    assert found == pytest.approx(np.array([[1 / 2, 0, 1], [1 / 3, 0, 1 / 2]]))


def test_no_boxes_give_an_empty_matrix():
    nothing = np.zeros((0, 4))
    assert compute_iou_matrix(nothing, np.array([WHOLE])).shape == (0, 1)
    assert compute_iou_matrix(np.array([WHOLE]), nothing).shape == (1, 0)


@pytest.mark.parametrize("box", [[1, 1, 1, 3], [3, 0, 1, 4], [0, np.nan, 2, 4]])
def test_box_without_area_inside_out_or_without_numbers_has_iou_0(box):
    assert compute_iou(np.array(box, float), np.array(WHOLE, float)) == 0
    assert compute_iou(np.array(box, float), np.array(box, float)) == 0
