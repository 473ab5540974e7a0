"""A logistic model of few videos: Platt's calibration, and its like for several features.

Platt (1999, "Probabilistic Outputs for Support Vector Machines") with MacKay's remedy for few data
(1992, "The Evidence Framework Applied to Classification Networks", section 2.3): how uncertain the
weights are goes into the probability. So few videos never make it sure, and a score beyond all
that were seen makes it less so, not more. Shapes: `n` faces, `F` features.
"""

import numpy as np

from deepfake_detector.verdicts.calibration import Model

RIDGE = 0.1  # a weight of a standard feature, and the intercept, are within ±6 beforehand
STEPS = 100
LONGEST_STEP = 5.0  # of Newton's, which would jump too far where all videos are told apart
CONVERGED = 1e-10


def fit_logistic(features: np.ndarray, is_fake: np.ndarray, weights: np.ndarray) -> Model:
    """Fit the probability of fake.

    A single feature is a score that rises with fakeness: where it would have to fall, it tells
    nothing, and its weight is 0.

    Args:
        features: [n, F], n at least 1.
        is_fake: bool [n]; all alike is allowed.
        weights: how much each face counts [n].
    """
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    rows = np.column_stack([(features - centre) / scale, np.ones(len(features))])  # [n, F + 1]
    solution, covariance = _solve(rows, is_fake.astype(float), weights)
    if features.shape[1] == 1 and solution[0] < 0:
        solution, covariance = _solve(rows * [0, 1], is_fake.astype(float), weights)
    return Model(
        centre=centre.tolist(),
        scale=scale.tolist(),
        weights=solution.tolist(),
        covariance=covariance.tolist(),
    )


def _solve(
    rows: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the likeliest solution [F + 1] by Newton's method, and its covariance."""
    ridge = RIDGE * np.eye(rows.shape[1])
    solution, bend = np.zeros(rows.shape[1]), ridge
    for _ in range(STEPS):
        probabilities = 1 / (1 + np.exp(-rows @ solution))
        slope = rows.T @ (weights * (probabilities - targets)) + ridge @ solution
        bend = (rows.T * (weights * probabilities * (1 - probabilities))) @ rows + ridge
        step = np.clip(np.linalg.solve(bend, slope), -LONGEST_STEP, LONGEST_STEP)
        solution = solution - step
        if np.abs(step).max() < CONVERGED:
            break
    return solution, np.linalg.inv(bend)
