import numpy as np
import pytest

from deepfake_detector.verdicts.frame_aggregation import RULES, compute_log_odds

LN_9 = np.log(9)  # log-odds of 0.9


def test_log_odds_of_a_share_are_bounded():
    assert compute_log_odds(np.array([0.1, 0.5, 0.9])) == pytest.approx([-LN_9, 0, LN_9])
    assert compute_log_odds(np.array([0.0, 1.0])) == pytest.approx([-np.log(999), np.log(999)])


@pytest.mark.parametrize("rule", RULES)
def test_equal_shares_say_the_same_whatever_their_number(rule):
    one, many = (RULES[rule](np.full(count, 0.9)) for count in (1, 40))
    assert one == pytest.approx(many)
    assert one[0] == pytest.approx(LN_9)


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_frames_does_not_matter(rule):
    fake_scores = np.array([0.1, 0.8, 0.4, 0.9, 0.6])
    assert RULES[rule](fake_scores) == pytest.approx(RULES[rule](fake_scores[::-1]))


def test_mean_of_shares():
    """(0.4 + 0.8) / 2 = 0.6, odds 1.5."""
    assert RULES["mean"](np.array([0.4, 0.8])) == pytest.approx([np.log(1.5)])


def test_confident_frames_weigh_more():
    """0.6 weighs 0.1, 1.0 weighs 0.5: (0.06 + 0.5) / 0.6 = 0.9333, odds 14."""
    assert RULES["confident_mean"](np.array([0.6, 1.0])) == pytest.approx([np.log(14)], abs=1e-4)


def test_frames_that_know_nothing_have_a_mean():
    assert RULES["confident_mean"](np.array([0.5, 0.5])) == pytest.approx([0])


def test_top_is_the_highest_quarter():
    """Of 8 frames the best two: (0.8 + 1.0) / 2 = 0.9."""
    fake_scores = np.array([0.1, 0.1, 0.8, 0.1, 1.0, 0.1, 0.1, 0.1])
    assert RULES["top"](fake_scores) == pytest.approx([LN_9])
    assert RULES["top"](np.array([0.1, 0.9])) == pytest.approx([LN_9])  # at least one


def test_trimming_takes_a_fifth_from_either_end():
    """Of 5 frames the lowest and the highest go: log-odds of 0.5, 0.9, 0.9."""
    fake_scores = np.array([0.001, 0.5, 0.9, 0.9, 0.999])
    assert RULES["trimmed_log_odds"](fake_scores) == pytest.approx([2 * LN_9 / 3])
    assert RULES["trimmed_log_odds"](np.array([0.1, 0.9])) == pytest.approx([0])  # none goes


def test_logistic_has_middle_top_spread_and_votes():
    """Log-odds -ln 9 and ln 9: middle 0, top ln 9, spread ln 9, half of the votes."""
    assert RULES["logistic"](np.array([0.1, 0.9])) == pytest.approx([0, LN_9, LN_9, 0.5])
