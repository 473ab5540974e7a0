"""Figures of verdicts as text for people."""

import math

from deepfake_detector.evaluation.detection_report import MIN_SOURCES, count
from deepfake_detector.evaluation.verdict_metrics import METHODS
from deepfake_detector.verdicts.calibration import Calibration

ROWS = {
    "AUC": "auc",
    "log loss": "log_loss",
    "equal error rate": "eer",
    "calibration error": "ece",
    "  if perfect": "ece_if_calibrated",
}
TITLES = {"video": "verdict", "majority": "majority vote", "plain_mean": "plain mean"}


def verdicts_to_text(metrics: dict, calibration: Calibration) -> str:
    """Make the table of verdicts for people, with what it rests on."""
    n_with_probability = metrics["videos_with_probability"]
    lines = [
        f"Verdicts on {count(metrics['videos'], 'annotated test video')} of "
        f"{count(metrics['sources'], 'source')}, {n_with_probability} with a probability",
        _calibration_to_text(calibration),
        "",
        f"{'':<20}" + "".join(f"{TITLES[method]:<26}" for method in METHODS).rstrip(),
    ]
    for title, name in ROWS.items():
        cells = [_cell_to_text(metrics, f"{method}_{name}") for method in METHODS]
        lines.append(f"{title:<20}" + "".join(f"{cell:<26}" for cell in cells).rstrip())
    lines.append("(if perfect: what so few videos show though all these probabilities are right)")
    lines += ["", _answers_to_text(metrics), f"Intervals: {metrics['intervals']}."]
    if metrics["sources"] < MIN_SOURCES:
        lines.append(f"{count(metrics['sources'], 'source')} of videos are no benchmark.")
    return "\n".join(lines)


def _calibration_to_text(calibration: Calibration) -> str:
    fitted = calibration.fitted
    if calibration.problem:
        return f"No answers: {calibration.problem}"
    seen = f"{count(fitted.videos, 'validation video')} of {count(fitted.sources, 'source')}; "
    text = f"Rule {calibration.rule}, calibrated on {seen}"
    if calibration.adaptation is not None:
        text = (
            f"Rule {calibration.rule}, calibrated as the released detector "
            f"{calibration.adaptation.released}\nand checked on only {seen}"
        )
    if calibration.min_fake_probability == 1.0:
        return f"{text}no answers:\n{calibration.thresholds_note}"
    return (
        f"{text}likely real up to {calibration.max_real_probability:.2f},\n"
        f"likely fake from {calibration.min_fake_probability:.2f} on; for\n"
        f"{calibration.thresholds_note}"
    )


def _answers_to_text(metrics: dict) -> str:
    answered = metrics["videos"] - metrics["abstained"]
    right = _to_text(metrics["selective_accuracy"])
    return (
        f"Answered: {answered} of {metrics['videos']}, right {right}; "
        f"real called fake {_to_text(metrics['false_positive_rate'])}, "
        f"fake called real {_to_text(metrics['false_negative_rate'])}; "
        f"by the threshold alone right {_to_text(metrics['video_accuracy'])}"
    )


def _cell_to_text(metrics: dict, name: str) -> str:
    low = metrics.get(f"{name}_ci95_low", math.nan)
    interval = "" if math.isnan(low) else f" ({low:.3f} to {metrics[f'{name}_ci95_high']:.3f})"
    return f"{_to_text(metrics[name])}{interval}"


def _to_text(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"
