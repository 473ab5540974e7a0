import numpy as np
import pytest

from deepfake_detector.models.ssd.tensor_boxes import (
    centered_to_corners,
    compute_iou,
    corners_to_centered,
    is_iou_above,
)

LEFT_HALF = [0.0, 0.0, 0.5, 1.0]
TOP_HALF = [0.0, 0.0, 1.0, 0.5]
RIGHT_HALF = [0.5, 0.0, 1.0, 1.0]
POINT = [0.3, 0.3, 0.3, 0.3]
INSIDE_OUT = [0.7, 0.2, 0.3, 0.6]


def iou_threshold(first, second):
    return float(compute_iou(np.float32([first]), np.float32([second]))[0, 0])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (LEFT_HALF, LEFT_HALF, 1.0),
        (LEFT_HALF, TOP_HALF, 1 / 3),  # a quarter shared, three quarters covered
        (LEFT_HALF, RIGHT_HALF, 0.0),
        (POINT, POINT, 0.0),
        (INSIDE_OUT, LEFT_HALF, 0.0),
    ],
)
def test_overlap_is_shared_area_over_covered_area(first, second, expected):
    assert iou_threshold(first, second) == pytest.approx(expected, abs=1e-6)
    assert iou_threshold(second, first) == pytest.approx(expected, abs=1e-6)
    for least in (0.0, 0.3, 0.4):
        more = is_iou_above(np.float32([first]), np.float32([second]), least)
        assert bool(more[0, 0]) == (expected > least)


def test_overlaps_of_no_boxes_are_empty():
    ious = compute_iou(np.zeros((0, 4), np.float32), np.float32([LEFT_HALF]))
    assert ious.shape == (0, 1)


def test_boxes_survive_the_round_trip_through_centres():
    boxes = np.float32([LEFT_HALF, TOP_HALF, [0.1, 0.2, 0.4, 0.9]])
    assert np.allclose(corners_to_centered(boxes)[0], [0.25, 0.5, 0.5, 1.0])
    assert np.allclose(centered_to_corners(corners_to_centered(boxes)), boxes, atol=1e-6)
