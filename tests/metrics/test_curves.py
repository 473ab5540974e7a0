"""Curves of a worked ranking."""

import numpy as np

from deepfake_detector.metrics.curves import compute_over_threshold, compute_precision_recall
from deepfake_detector.metrics.ranked_detections import Ranking

# scores 0.9 right, 0.8 wrong, 0.3 right; rows in another order; 4 annotated faces
RANKING = Ranking(np.array([2, 0, 1]), np.array([0, 2]), 4)
SCORES = np.array([0.8, 0.3, 0.9])


def test_precision_recall_at_right_detections():
    recall, precision = compute_precision_recall(RANKING, 500)
    assert recall.tolist() == [0.25, 0.5]
    assert precision.tolist() == [1.0, 2 / 3]


def test_precision_recall_is_thinned_from_end_to_end():
    ranking = Ranking(np.arange(1000), np.arange(1000), 1000)
    recall, _ = compute_precision_recall(ranking, 11)
    assert len(recall) == 11
    assert (recall[0], recall[-1]) == (0.001, 1.0)


def test_over_threshold_counts_scores_from_it_on():
    curves = compute_over_threshold(RANKING, SCORES, np.array([0.3, 0.8, 0.85, 0.95]))
    np.testing.assert_array_equal(curves["precision"], [2 / 3, 0.5, 1.0, np.nan])
    np.testing.assert_array_equal(curves["recall"], [0.5, 0.25, 0.25, 0])
    np.testing.assert_allclose(curves["f1"], [4 / 7, 2 / 6, 2 / 5, 0])


def test_without_annotated_faces_there_is_no_curve():
    ranking = Ranking(np.array([0]), np.zeros(0, int), 0)
    assert len(compute_precision_recall(ranking, 5)[0]) == 0
    curves = compute_over_threshold(ranking, np.array([0.5]), np.array([0.1]))
    assert np.isnan(curves["recall"][0])
    assert np.isnan(curves["f1"][0])
