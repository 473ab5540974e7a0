import numpy as np
import pytest

from deepfake_detector.config.schema import AnchorParams
from deepfake_detector.models.ssd.anchors import count_anchors, make_anchors

SSD300_MAPS = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1)]


def one_map(ratios):
    return AnchorParams(
        scales=[0.2, 0.8], aspect_ratios=[ratios], strides_px=[50], variances=[0.1, 0.1, 0.2, 0.2]
    )


def centered(boxes):
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def test_ssd300_has_the_8732_anchors_of_the_reference(detector_params, reference):
    anchors = make_anchors(detector_params.anchors, SSD300_MAPS, 300)
    assert np.abs(centered(anchors) - reference["anchors_centered"]).max() < 1e-5


def test_a_cell_has_its_ratios_and_the_extra_square_behind_ratio_one():
    anchors = centered(make_anchors(one_map([1.0, 4.0]), [(1, 1)], 100))
    assert np.allclose(anchors[0], [0.25, 0.25, 0.2, 0.2])  # centre: half a step of 50 px in 100
    assert np.allclose(anchors[1], [0.25, 0.25, 0.4, 0.4])  # sqrt(0.2 * 0.8)
    assert np.allclose(anchors[2], [0.25, 0.25, 0.4, 0.1])  # 0.2 * 2, 0.2 / 2
    assert len(anchors) == 3


def test_anchors_are_ordered_by_row_then_column():
    anchors = centered(make_anchors(one_map([2.0]), [(2, 2)], 100))
    assert np.allclose(anchors[:, :2], [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])


def test_without_ratio_one_there_is_no_extra_square():
    assert count_anchors(one_map([2.0, 0.5])) == [2]
    assert count_anchors(one_map([1.0, 2.0, 0.5])) == [4]


def test_maps_that_do_not_fit_the_ratios_are_rejected():
    with pytest.raises(ValueError, match="aspect_ratios for 2 predictor maps, got 1"):
        make_anchors(one_map([1.0]), [(2, 2), (1, 1)], 100)
