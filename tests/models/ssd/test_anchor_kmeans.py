import numpy as np
import pytest

from deepfake_detector.config.schema import AnchorParams
from deepfake_detector.models.ssd.anchor_kmeans import cluster_sizes, compute_sizes, fit_anchors

TWO_MAPS = AnchorParams(
    scales=[0.2, 0.5, 0.9],
    aspect_ratios=[[1.0, 2.0], [1.0]],
    strides_px=[50, 100],
    variances=[0.1, 0.1, 0.2, 0.2],
)


def make_boxes(*sizes):
    return np.array([[0.0, 0.0, width, height] for width, height in sizes])


def test_sizes_are_width_and_height():
    assert compute_sizes(np.array([[0.1, 0.2, 0.4, 0.9]])) == pytest.approx(np.array([[0.3, 0.7]]))


def test_two_groups_of_sizes_are_found_smallest_first():
    sizes = np.array([[0.8, 0.8], [0.1, 0.1], [0.9, 0.9], [0.12, 0.12]])
    assert cluster_sizes(sizes, 2) == pytest.approx(np.array([[0.11, 0.11], [0.85, 0.85]]))


def test_fitted_anchors_have_the_sizes_of_the_faces():
    boxes = make_boxes((0.1, 0.4), (0.2, 0.2), (0.8, 0.8), (0.8, 0.8))
    fitted = fit_anchors(boxes, TWO_MAPS)
    assert fitted.scales[1] == 0.8
    assert fitted.aspect_ratios == [[0.25, 1.0], [1.0]]
    assert fitted.strides_px == TWO_MAPS.strides_px
    assert fitted.scales[0] == pytest.approx((0.15 * 0.3) ** 0.5, abs=1e-3)


def test_faces_all_alike_give_anchors_all_alike():
    fitted = fit_anchors(make_boxes((0.3, 0.3)), TWO_MAPS)
    assert fitted.scales == [0.3, 0.3, 0.3]
    assert fitted.aspect_ratios == [[1.0], [1.0]]


def test_without_faces_nothing_is_fitted():
    with pytest.raises(ValueError, match="not a single annotated face"):
        fit_anchors(np.zeros((0, 4)), TWO_MAPS)
