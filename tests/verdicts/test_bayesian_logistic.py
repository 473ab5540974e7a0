import numpy as np
import pytest

from deepfake_detector.verdicts.bayesian_logistic import fit_logistic
from deepfake_detector.verdicts.calibration import Model, compute_probability


def fit(log_odds, is_fake):
    features = np.array(log_odds, float)[:, None]
    return fit_logistic(features, np.array(is_fake, bool), np.ones(len(is_fake)))


def test_the_probability_of_certain_weights_is_the_logistic_function():
    model = Model(weights=[2.0, -1.0], covariance=[[0.0, 0.0], [0.0, 0.0]])
    assert compute_probability(np.array([1.0]), model) == pytest.approx(1 / (1 + np.exp(-1)))


def test_uncertain_weights_draw_the_probability_towards_one_half():
    """Log-odds 2, variance 8 / π: shrunk by the root of 2."""
    model = Model(weights=[2.0, 0.0], covariance=[[8 / np.pi, 0.0], [0.0, 0.0]])
    expected = 1 / (1 + np.exp(-2 / np.sqrt(2)))
    assert compute_probability(np.array([1.0]), model) == pytest.approx(expected)


def test_no_probability_is_0_or_1():
    model = Model(weights=[1000.0, 0.0], covariance=[[0.0, 0.0], [0.0, 0.0]])
    assert 0 < compute_probability(np.array([-7.0]), model) < 1e-4
    assert 1 - 1e-4 < compute_probability(np.array([7.0]), model) < 1


def test_the_solution_has_no_slope():
    """At the minimum, Σ (p - t) x + (w - 1) / 0.25 = 0 and Σ (p - t) + b = 0."""
    log_odds, is_fake = np.array([-2.0, 1.0, -1.0, 3.0]), np.array([0, 0, 1, 1])
    weight, intercept = fit(log_odds, is_fake).weights
    error = 1 / (1 + np.exp(-(weight * log_odds + intercept))) - is_fake
    assert error @ log_odds + (weight - 1) / 0.25 == pytest.approx(0, abs=1e-6)
    assert error.sum() + intercept == pytest.approx(0, abs=1e-6)


def test_few_videos_leave_what_the_detector_says():
    weight, intercept = fit([-0.5, 0.5], [0, 1]).weights
    assert weight == pytest.approx(1.0, abs=0.1)
    assert intercept == pytest.approx(0.0, abs=1e-6)


def test_many_videos_undo_overconfidence():
    """Shares of 0.999 that are right in 9 of 10 videos: 0.9 is the truth."""
    is_fake = np.tile([1] * 9 + [0], 50)
    log_odds = np.concatenate([np.full(500, 6.9), np.full(500, -6.9)])
    model = fit(log_odds, np.concatenate([is_fake, 1 - is_fake]))
    assert compute_probability(np.array([6.9]), model) == pytest.approx(0.9, abs=0.01)
    assert compute_probability(np.array([-6.9]), model) == pytest.approx(0.1, abs=0.01)


def test_more_videos_make_surer():
    few, many = (fit([-3] * n + [3] * n, [0] * n + [1] * n) for n in (2, 30))
    assert compute_probability(np.array([3.0]), few) < compute_probability(np.array([3.0]), many)


def test_a_detector_that_says_the_opposite_says_nothing():
    model = fit([3] * 50 + [-3] * 50, [0] * 50 + [1] * 50)
    assert model.weights[0] == 0
    assert compute_probability(np.array([3.0]), model) == pytest.approx(0.5, abs=1e-6)


def test_videos_of_one_label_are_allowed():
    model = fit([1.0, 2.0, 3.0], [1, 1, 1])
    assert 0.5 < compute_probability(np.array([2.0]), model) < 1


def test_weights_are_repetitions():
    features, is_fake = np.array([[-1.0], [0.5], [2.0]]), np.array([False, True, True])
    weighed = fit_logistic(features, is_fake, np.array([1.0, 2.0, 1.0]))
    repeated = fit([-1.0, 0.5, 0.5, 2.0], [0, 1, 1, 1])
    assert weighed.weights == pytest.approx(repeated.weights)
