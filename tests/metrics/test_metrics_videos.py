import numpy as np
import pytest

from deepfake_detector.metrics.videos import (
    compute_auc,
    compute_calibration_error,
    compute_log_loss,
    compute_pair_order,
)

ONCE = np.ones((1, 4))
SCORE = np.array([0.9, 0.4, 0.4, 0.1])
IS_FAKE = np.array([True, True, False, False])


def test_auc_counts_pairs_that_are_in_order_and_half_of_the_ties():
    # fake 0.9 beats both, fake 0.4 ties with one and beats one: 3.5 of 4
    assert compute_auc(SCORE, IS_FAKE, ONCE) == pytest.approx([3.5 / 4])


def test_auc_weighs_the_videos():
    # without the first fake: the second one ties and wins
    assert compute_auc(SCORE, IS_FAKE, np.array([[0, 1, 1, 1]])) == pytest.approx([0.75])
    # the tied original twice: 0.5 + 0.5 + 1 of 3
    assert compute_auc(SCORE, IS_FAKE, np.array([[0, 1, 2, 1]])) == pytest.approx([2 / 3])


def test_auc_of_one_label_is_nan():
    assert np.isnan(compute_auc(SCORE, IS_FAKE, np.array([[1, 1, 0, 0]])))
    assert np.isnan(compute_auc(SCORE[:0], IS_FAKE[:0], np.ones((1, 0))))


def test_a_fake_is_compared_with_real_videos_of_its_own_source_only():
    source = np.array(["a", "b", "a", "c"])
    assert compute_pair_order(SCORE, IS_FAKE, source, ONCE) == pytest.approx([1.0])  # 0.9 > 0.4
    tied = np.array(["c", "a", "a", "b"])
    assert compute_pair_order(SCORE, IS_FAKE, tied, ONCE) == pytest.approx([0.5])
    assert np.isnan(compute_pair_order(SCORE, IS_FAKE, np.arange(4), ONCE))


def test_log_loss_of_a_coin_is_the_logarithm_of_two():
    halves = np.full(4, 0.5)
    assert compute_log_loss(halves, IS_FAKE, ONCE) == pytest.approx([np.log(2)])


def test_log_loss_of_a_sure_mistake_is_finite():
    sure = np.array([0.0, 1.0, 0.0, 0.0])
    assert compute_log_loss(sure, IS_FAKE, ONCE) == pytest.approx([-np.log(1e-3) / 4])


def test_calibration_error_is_the_distance_of_scores_from_shares_of_fakes():
    # bins of 0.2: {0.9} all fake, 0.1 off; {0.4, 0.4} half fake, 0.1 off; {0.1} none, 0.1 off
    assert compute_calibration_error(SCORE, IS_FAKE, ONCE) == pytest.approx([0.1])
    perfect = np.array([1.0, 1.0, 0.0, 0.0])
    assert compute_calibration_error(perfect, IS_FAKE, ONCE) == pytest.approx([0.0])
