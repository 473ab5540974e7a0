"""Resampling by weights equals scoring copies of the videos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_detector.metrics import Detections, Truth
from deepfake_detector.metrics import bootstrap as intervals
from deepfake_detector.metrics.average_precision import compute_area
from deepfake_detector.metrics.bootstrap import (
    find_interval,
    resample_area,
    resample_ratio,
    sample_weights,
)
from deepfake_detector.metrics.ranked_detections import rank_by_voc

GROUPS = 4


def make_scene(seed):
    """Make images 0-11 of four groups; all scores are different."""
    random = np.random.default_rng(seed)
    image, found_image = np.sort(random.integers(0, 12, 15)), np.sort(random.integers(0, 12, 40))
    left_top = random.integers(0, 12, (55, 2))
    boxes = np.concatenate([left_top, left_top + 10], axis=1).astype(float)
    score = (random.permutation(40) / 40).astype(np.float32)
    detections = Detections(found_image, np.ones(40, int), score, boxes[15:])
    return detections, Truth(image, np.ones(15, int), boxes[:15]), np.arange(12) % GROUPS


def score_copies(detections, truth, group_of_image, weights):
    """Compute the AP of a test set that holds every group as often as its weight says."""
    copies = [
        (image, 100 * copy + image)
        for image in range(len(group_of_image))
        for copy in range(weights[group_of_image[image]])
    ]
    parts = [(detections.image == old, truth.image == old, new) for old, new in copies]
    found = [np.flatnonzero(part[0]) for part in parts]
    annotated = [np.flatnonzero(part[1]) for part in parts]
    image = [np.full(len(rows), part[2]) for rows, part in zip(found, parts, strict=True)]
    truth_image = [
        np.full(len(rows), part[2]) for rows, part in zip(annotated, parts, strict=True)
    ]
    rows, truth_rows = np.concatenate(found), np.concatenate(annotated)
    copied = Detections(
        np.concatenate(image), detections.label[rows], detections.score[rows],
        detections.boxes[rows],
    )  # fmt: skip
    copied_truth = Truth(
        np.concatenate(truth_image), truth.label[truth_rows], truth.boxes[truth_rows]
    )
    return compute_area(rank_by_voc(copied, copied_truth, 0.5, [1])[1])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), chunk=st.sampled_from([1, 7, 10**6]))
def test_weights_equal_copies(seed, chunk):
    detections, truth, group_of_image = make_scene(seed)
    weights = sample_weights(GROUPS, 5, np.random.default_rng(seed))
    ranking = rank_by_voc(detections, truth, 0.5, [1])[1]
    group = group_of_image[detections.image[ranking.order]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "CHUNK", chunk)
        found = resample_area(ranking, group, group_of_image[truth.image], weights)
    expected = [score_copies(detections, truth, group_of_image, row) for row in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_draw_without_a_face_has_no_value():
    detections, truth, group_of_image = make_scene(1)
    ranking = rank_by_voc(detections, truth, 0.5, [1])[1]
    group = group_of_image[detections.image[ranking.order]]
    drawn = resample_area(ranking, group, np.full(15, 2), np.array([[4, 0, 0, 0], [0, 0, 4, 0]]))
    assert np.isnan(drawn[0])
    assert not np.isnan(drawn[1])


def test_nothing_right_is_zero():
    truth = Truth(np.array([0]), np.array([1]), np.array([[0, 0, 1, 1.0]]))
    nothing = Detections(*(np.zeros(0, int),) * 3, np.zeros((0, 4)))
    ranking = rank_by_voc(nothing, truth, 0.5, [1])[1]
    assert resample_area(ranking, np.zeros(0, int), np.array([0]), np.array([[1]])).tolist() == [0]


def test_every_draw_has_as_many_groups_as_there_are():
    assert sample_weights(7, 50, np.random.default_rng(0)).sum(axis=1).tolist() == [7] * 50


def test_shares_are_weighted():
    fractions = resample_ratio(
        np.array([1, 3]), np.array([2, 4]), np.array([[2, 0], [1, 1], [0, 0]])
    )
    assert fractions[:2].tolist() == [0.5, 4 / 6]
    assert np.isnan(fractions[2])


def test_interval_leaves_out_draws_without_a_value():
    values = np.append(np.arange(1001.0), np.nan)
    assert find_interval(values) == (25.0, 975.0)
    assert all(np.isnan(find_interval(np.array([np.nan]))))
