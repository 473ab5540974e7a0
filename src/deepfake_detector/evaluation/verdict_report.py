"""Figures of verdicts as text for people."""

import math

from deepfake_detector.evaluation.detection_report import FEWEST_SOURCES, count
from deepfake_detector.evaluation.verdict_metrics import METHODS
from deepfake_detector.verdicts.calibration import Calibration

ROWS = {
    "AUC": "auc",
    "log loss": "log_loss",
    "equal error rate": "equal_error_rate",
    "calibration error": "calibration_error",
    "  if perfect": "calibration_error_floor",
}
TITLES = {"video": "verdict", "majority": "majority vote", "plain_mean": "plain mean"}


def verdicts_to_text(figures: dict, calibration: Calibration) -> str:
    """Make the table of verdicts for people, with what it rests on."""
    judged = figures["videos_with_probability"]
    lines = [
        f"Verdicts on {count(figures['videos'], 'annotated test video')} of "
        f"{count(figures['sources'], 'source')}, {judged} with a probability",
        _calibration_to_text(calibration),
        "",
        f"{'':<20}" + "".join(f"{TITLES[method]:<26}" for method in METHODS).rstrip(),
    ]
    for title, name in ROWS.items():
        cells = [_cell_to_text(figures, f"{method}_{name}") for method in METHODS]
        lines.append(f"{title:<20}" + "".join(f"{cell:<26}" for cell in cells).rstrip())
    lines.append("(if perfect: what so few videos show though all these probabilities are right)")
    lines += ["", _answers_to_text(figures), f"Intervals: {figures['intervals']}."]
    if figures["sources"] < FEWEST_SOURCES:
        lines.append(f"{count(figures['sources'], 'source')} of videos are no benchmark.")
    return "\n".join(lines)


def _calibration_to_text(calibration: Calibration) -> str:
    fitted = calibration.fitted
    if calibration.problem:
        return f"No answers: {calibration.problem}"
    text = (
        f"Rule {calibration.rule}, calibrated on {count(fitted.videos, 'validation video')} of "
        f"{count(fitted.sources, 'source')}; "
    )
    if calibration.fake_from == 1.0:
        return f"{text}no answers:\n{calibration.bounds_note}"
    return (
        f"{text}likely real up to {calibration.real_up_to:.2f},\n"
        f"likely fake from {calibration.fake_from:.2f} on; for\n{calibration.bounds_note}"
    )


def _answers_to_text(figures: dict) -> str:
    answered = figures["videos"] - figures["abstentions"]
    right = _to_text(figures["answered_accuracy"])
    return (
        f"Answered: {answered} of {figures['videos']}, right {right}; "
        f"real called fake {_to_text(figures['real_called_fake'])}, "
        f"fake called real {_to_text(figures['fake_called_real'])}; "
        f"by the threshold alone right {_to_text(figures['video_accuracy'])}"
    )


def _cell_to_text(figures: dict, name: str) -> str:
    low = figures.get(f"{name}_low", math.nan)
    interval = "" if math.isnan(low) else f" ({low:.3f} to {figures[f'{name}_high']:.3f})"
    return f"{_to_text(figures[name])}{interval}"


def _to_text(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"
