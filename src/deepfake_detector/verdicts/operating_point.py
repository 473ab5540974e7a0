"""A calibration for other circumstances: how common fakes are, how rare false alarms must be.

What a video looks like is weighed against how common fakes are where it comes from (Saerens,
Latinne & Decaestecker 2002); the rates of errors do not depend on that, so the answers stay.
"""

from deepfake_detector.verdicts.calibration import Calibration, shift_probability
from deepfake_detector.verdicts.thresholds import choose_threshold

EVEN = 0.5
"""The prevalence that a calibration is fitted for."""


def set_prevalence(calibration: Calibration, prevalence: float) -> Calibration:
    """Return a calibration whose probabilities and thresholds are for a prevalence of fakes.

    Raises:
        ValueError: the prevalence is not between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence: expected a number between 0 and 1, got {prevalence:g}")
    change = shift_probability(prevalence, 1 - calibration.prevalence)  # from the one it has now
    shifted = {
        name: shift_probability(value, change)
        for name in ("min_fake_probability", "max_real_probability", "min_segment_probability")
        if (value := getattr(calibration, name)) is not None
    }
    groups = {name: set_prevalence(own, prevalence) for name, own in calibration.groups.items()}
    return calibration.model_copy(update={**shifted, "prevalence": prevalence, "groups": groups})


def set_false_positive_rate(calibration: Calibration, rate: float) -> Calibration:
    """Return a calibration that calls about this fraction of real videos likely fake.

    Where it gives no answer, it gives none after. The part that is called likely real stays.

    Args:
        calibration: as it was fitted, for `EVEN`.

    Raises:
        ValueError: the rate is not between 0 and 1, or the calibration does not keep what its
            threshold was counted on.
    """
    if not 0 < rate < 1:
        raise ValueError(
            f"max_false_positive_rate: expected a number between 0 and 1, got {rate:g}"
        )
    groups = {name: set_false_positive_rate(own, rate) for name, own in calibration.groups.items()}
    calibration = calibration.model_copy(update={"groups": groups})
    if calibration.problem or calibration.min_fake_probability >= 1:
        return calibration
    if not calibration.real_probabilities:
        raise ValueError(
            "max_false_positive_rate: this calibration does not keep the validation videos it was "
            "counted on; run `dvc repro calibrate`, or take a newer model"
        )
    return _move_threshold(calibration, rate)


def _move_threshold(calibration: Calibration, rate: float) -> Calibration:
    threshold, on = choose_threshold(calibration.real_probabilities, rate, "real")
    sure = max(threshold, 0.5 + calibration.abstain_margin, calibration.max_real_probability)
    misses = calibration.thresholds_note.partition("\n")[2]
    note = f"{100 * rate:g}% false alarms: {on}\n{misses}"
    return calibration.model_copy(update={"min_fake_probability": sure, "thresholds_note": note})
