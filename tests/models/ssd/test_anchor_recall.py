import numpy as np
import pytest

from deepfake_detector.config.schema import AnchorParams
from deepfake_detector.models.ssd.anchor_recall import (
    AnchorPlaces,
    compute_best_iou,
    measure_anchors,
)
from deepfake_detector.models.ssd.anchors import make_anchors
from deepfake_detector.models.ssd.tensor_boxes import compute_iou

ONE_CELL = AnchorPlaces([(1, 1)], 100)
SQUARE = AnchorParams(
    scales=[0.4, 0.4],
    aspect_ratios=[[1.0]],
    strides_px=[100],
    variances=[0.1, 0.1, 0.2, 0.2],
)
"""One anchor of 0.4 x 0.4 in the middle."""

SAME = [0.3, 0.3, 0.7, 0.7]
HALF = [0.3, 0.3, 0.5, 0.7]
CORNER = [0.0, 0.0, 0.1, 0.1]


def test_best_overlaps_of_one_anchor():
    ious = compute_best_iou(np.array([SAME, HALF, CORNER]), SQUARE, ONE_CELL)
    assert ious == pytest.approx([1.0, 0.5, 0.0])


def test_recall_counts_overlaps_over_the_threshold():
    fitness = measure_anchors(np.array([SAME, HALF, CORNER]), SQUARE, ONE_CELL, iou_threshold=0.45)
    assert fitness.best_possible_recall == pytest.approx(2 / 3)
    assert fitness.mean_best_iou == pytest.approx(0.5)


def test_without_faces_nothing_is_known():
    fitness = measure_anchors(np.zeros((0, 4)), SQUARE, ONE_CELL, iou_threshold=0.5)
    assert np.isnan([fitness.best_possible_recall, fitness.mean_best_iou]).all()


def test_the_best_of_few_is_the_best_of_all_anchors(detector_params):
    maps = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1)]
    random = np.random.default_rng(1)
    centers, halves = random.uniform(0.05, 0.95, (60, 2)), random.uniform(0.02, 0.3, (60, 2))
    boxes = np.concatenate([centers - halves, centers + halves], axis=1).astype(np.float32)
    all_anchors = make_anchors(detector_params.anchors, maps, 300)
    expected = np.asarray(compute_iou(boxes, all_anchors)).max(axis=1)
    places = AnchorPlaces(maps, 300)
    best = compute_best_iou(boxes, detector_params.anchors, places)
    assert best == pytest.approx(expected, abs=1e-5)
