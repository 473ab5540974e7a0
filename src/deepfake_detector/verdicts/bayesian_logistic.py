"""A logistic model of few videos: Platt's calibration, and its like for several features.

What is known beforehand is what the detector itself says: its log-odds with weight 1, give or
take `SPREAD`, and no intercept. Videos move the model away from that (Platt 1999, "Probabilistic
Outputs for Support Vector Machines"; the prior makes it temperature scaling where they are few).
How uncertain the weights are goes into the probability (MacKay 1992, "The Evidence Framework
Applied to Classification Networks"), so that few videos never make it sure, and a score beyond all
that were seen makes it less so, not more. Shapes: `n` faces, `F` features.
"""

import numpy as np
from scipy.special import expit

from deepfake_detector.verdicts.calibration import Model

SPREAD = 0.5  # of a feature's weight beforehand
INTERCEPT_SPREAD = 1.0
STEPS = 100
CONVERGED = 1e-9


def fit_logistic(features: np.ndarray, is_fake: np.ndarray, weights: np.ndarray) -> Model:
    """Fit the probability of fake.

    A higher first feature never speaks for a real face: where it would have to, its weight is 0.

    Args:
        features: [n, F], n at least 1; the first one are log-odds of fake.
        is_fake: bool [n]; all alike is allowed.
        weights: how much each face counts [n].
    """
    rows = np.column_stack([features, np.ones(len(features))])  # [n, F + 1]
    prior = np.eye(rows.shape[1])[0]
    precision = np.diag([SPREAD**-2] * features.shape[1] + [INTERCEPT_SPREAD**-2])
    solution, covariance = _solve(rows, is_fake, weights, (prior, precision))
    if solution[0] < 0:
        without, _ = _solve(rows[:, 1:], is_fake, weights, (prior[1:], precision[1:, 1:]))
        solution = np.concatenate([[0.0], without])
    return Model(weights=solution.tolist(), covariance=covariance.tolist())


def _solve(
    rows: np.ndarray,
    is_fake: np.ndarray,
    weights: np.ndarray,
    prior: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Find the likeliest solution [F + 1] by Newton's method, and its covariance.

    Args:
        prior: mean [F + 1] and precision [F + 1, F + 1].
    """
    mean, precision = prior

    def cost(solution):
        log_odds = rows @ solution
        misfit = weights @ (np.logaddexp(0, log_odds) - is_fake * log_odds)
        return misfit + (solution - mean) @ precision @ (solution - mean) / 2

    solution = mean
    for _ in range(STEPS):
        slope, bend = _differentiate(rows, is_fake, weights, solution)
        step = np.linalg.solve(bend + precision, slope + precision @ (solution - mean))
        while cost(solution - step) > cost(solution) and np.abs(step).max() > CONVERGED:
            step = step / 2
        solution = solution - step
        if np.abs(step).max() <= CONVERGED:
            break
    _, bend = _differentiate(rows, is_fake, weights, solution)
    return solution, np.linalg.inv(bend + precision)


def _differentiate(rows, is_fake, weights, solution) -> tuple[np.ndarray, np.ndarray]:
    """Give first [F + 1] and second [F + 1, F + 1] derivatives of the weighted log loss."""
    probabilities = expit(rows @ solution)
    slope = rows.T @ (weights * (probabilities - is_fake))
    bend = (rows.T * (weights * probabilities * (1 - probabilities))) @ rows
    return slope, bend
