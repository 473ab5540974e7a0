"""How well few validation videos calibrate a verdict: log loss on new videos, simulated.

A detector's log-odds for a real and a fake video of each source are drawn around a source's own
level; then they are stretched (`times`: an overconfident detector) and moved (`bias`). Compared
are the scores as they are, Platt's fit with a ridge, the project's fit, and what the project takes
of its own two: as they are or fitted, whichever did better on sources left out. All by log loss on
300 new videos of 150 sources; knowing nothing is 0.693.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.metrics.classification import compute_log_loss  # noqa: E402
from deepfake_detector.verdicts.bayesian_logistic import fit_logistic  # noqa: E402
from deepfake_detector.verdicts.calibration import compute_probability  # noqa: E402

DETECTORS = {"useless": (0.3, 1.0), "fair": (1.5, 0.7), "good": (3.0, 0.7), "best": (6.0, 1.0)}
"""Distance of fakes from real videos, and of sources from each other, in standard deviations."""

DISTORTIONS = [(0.3, 0), (1, 0), (1, 1), (3, 0), (3, 2)]  # times, bias
SOURCES = [3, 6, 20]
RIDGE = 0.1
MAX_LOG_ODDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    generator = np.random.default_rng(1)
    print(f"{'detector':10}{'times':>6}{'bias':>6}{'sources':>9}", end="")
    print(f"{'as it is':>10}{'Platt':>8}{'fitted':>8}{'ours':>8}")
    for name, (distance, spread) in DETECTORS.items():
        for distortion in DISTORTIONS:
            for sources in SOURCES:
                draw = (distance, spread, *distortion)
                losses = [measure(draw, sources, generator) for _ in range(repeats)]
                metrics = "".join(f"{loss:8.3f}" for loss in np.mean(losses, axis=0))
                times, bias = distortion
                print(f"{name:10}{times:6}{bias:6}{sources:9}  {metrics}")


def measure(draw: tuple, sources: int, generator) -> list[float]:
    """Give the log loss of the four on new videos."""
    log_odds, is_fake = draw_videos(*draw, sources, generator)
    others, truth = draw_videos(*draw, 150, generator)
    model = fit_logistic(log_odds[:, None], is_fake, np.ones(len(is_fake)))
    identity, fitted = 1 / (1 + np.exp(-others)), judge_scores(others, model)
    cross_validation = cross_validate(log_odds, is_fake, sources)
    is_honest = compute_log_loss(is_fake, 1 / (1 + np.exp(-log_odds))) <= cross_validation
    ours = identity if is_honest else fitted
    said = [identity, fit_platt(log_odds, is_fake, others), fitted, ours]
    return [compute_log_loss(truth, probabilities) for probabilities in said]


def judge_scores(log_odds, model) -> np.ndarray:
    return np.array([compute_probability(np.array([x]), model) for x in log_odds])


def cross_validate(log_odds, is_fake, sources) -> float:
    """Give the log loss of a fit on the sources that it was not made on."""
    source = np.arange(len(log_odds)) % sources
    probabilities = np.empty(len(log_odds))
    for out in (source == number for number in range(sources)):
        model = fit_logistic(log_odds[~out, None], is_fake[~out], np.ones(np.sum(~out)))
        probabilities[out] = judge_scores(log_odds[out], model)
    return compute_log_loss(is_fake, probabilities)


def draw_videos(distance, spread, times, bias, sources, generator):
    """Draw the log-odds of one real and one fake video of each source, and which is which."""
    level = generator.normal(0, spread, sources)
    signs = np.repeat([-0.5, 0.5], sources)
    scores = np.tile(level, 2) + signs * distance + generator.normal(0, 1, 2 * sources)
    log_odds = times * scores * distance / (1 + spread**2) + bias
    return np.clip(log_odds, -MAX_LOG_ODDS, MAX_LOG_ODDS), signs > 0


def fit_platt(log_odds, is_fake, others) -> np.ndarray:
    """Fit Platt's two numbers with his targets and a ridge on the standard score."""
    from scipy.optimize import minimize

    fake, real = is_fake.sum(), (~is_fake).sum()
    targets = np.where(is_fake, (fake + 1) / (fake + 2), 1 / (real + 2))
    center, scale = log_odds.mean(), log_odds.std()

    def cost(weights):
        said = weights[0] * (log_odds - center) / scale + weights[1]
        return np.sum(np.logaddexp(0, said) - targets * said) + RIDGE * weights[0] ** 2 / 2

    slope, intercept = minimize(cost, [0, 0], method="BFGS").x
    return 1 / (1 + np.exp(-(slope * (others - center) / scale + intercept)))


if __name__ == "__main__":
    main()
