import numpy as np
import pytest

from deepfake_detector.metrics.classification import (
    compute_auc,
    compute_ece,
    compute_ece_if_calibrated,
    compute_eer,
    compute_log_loss,
    make_reliability,
)

NOBODY = np.zeros(0, bool), np.zeros(0)


def label(*labels):
    return np.array(labels, bool)


def test_auc_counts_pairs_in_the_right_order():
    """Pairs: 0.9 > 0.8, 0.9 > 0.1, 0.4 < 0.8, 0.4 > 0.1: 3 of 4."""
    scores = np.array([0.8, 0.1, 0.9, 0.4])
    assert compute_auc(label(0, 0, 1, 1), scores) == 0.75


def test_equal_scores_are_half_right():
    assert compute_auc(label(0, 1), np.array([0.3, 0.3])) == 0.5


def test_log_loss_is_minus_the_log_of_what_was_given_to_the_truth():
    """-(ln 0.8 + ln 0.6) / 2."""
    loss = compute_log_loss(label(1, 0), np.array([0.8, 0.4]))
    assert loss == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_being_sure_and_wrong_costs_much_but_not_everything():
    assert compute_log_loss(label(1), np.array([0.0])) == pytest.approx(-np.log(1e-6))


def test_eer_of_two_swapped_among_eight():
    """From 0.6 on called fake: one of four fakes missed, one of four real ones called."""
    is_fake = label(0, 0, 0, 0, 1, 1, 1, 1)
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9])
    assert compute_eer(is_fake, scores) == pytest.approx(0.25)


@pytest.mark.parametrize(("scores", "rate"), [([0.1, 0.9], 0), ([0.9, 0.1], 1), ([0.5, 0.5], 0.5)])
def test_eer_of_the_best_the_worst_and_guesses(scores, rate):
    assert compute_eer(label(0, 1), np.array(scores)) == pytest.approx(rate)


def test_few_videos_show_a_ece_though_the_probabilities_are_right():
    """One video of probability 0.5 is 0.5 from what comes true; a sure one is right."""
    assert compute_ece_if_calibrated(np.array([0.5]), 20, 1) == pytest.approx(0.5)
    assert compute_ece_if_calibrated(np.array([0.0, 1.0]), 20, 1) == 0
    many = compute_ece_if_calibrated(np.full(2000, 0.5), 50, 1)
    assert 0 < many < 0.05
    assert np.isnan(compute_ece_if_calibrated(np.zeros(0), 20, 1))


def test_ece_is_the_mean_distance_in_bins():
    """4 videos, 2 bins: said 0.2 and 0 came true, said 0.7 and 1 came true: (0.2 + 0.3) / 2."""
    probabilities = np.array([0.1, 0.3, 0.6, 0.8])
    assert compute_ece(label(0, 0, 1, 1), probabilities) == pytest.approx(0.25)


def test_reliability_has_about_as_many_bins_as_videos_in_one():
    bins = make_reliability(label(*[0, 1] * 8), np.arange(16) / 16)
    assert bins["videos"].tolist() == [4, 4, 4, 4]
    assert bins["fake_score"].tolist() == [0.5] * 4
    assert bins["probability"][0] == pytest.approx((0 + 1 + 2 + 3) / 16 / 4)


def test_equal_probabilities_share_a_bin():
    bins = make_reliability(label(0, 1, 1, 1), np.full(4, 0.7))
    assert bins["videos"].tolist() == [4]
    assert bins["fake_score"].tolist() == [0.75]


@pytest.mark.parametrize("compute", [compute_auc, compute_eer])
def test_one_label_alone_cannot_be_ranked(compute):
    assert np.isnan(compute(label(1, 1), np.array([0.2, 0.9])))


@pytest.mark.parametrize(
    "compute",
    [compute_auc, compute_log_loss, compute_eer, compute_ece],
)
def test_no_video_is_no_figure(compute):
    assert np.isnan(compute(*NOBODY))


def test_no_video_is_no_bin():
    assert make_reliability(*NOBODY).empty
