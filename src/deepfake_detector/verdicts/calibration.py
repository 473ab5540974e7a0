"""What turns a track's scores into a probability, and a probability into an answer.

Fitted on the validation videos by the stage `calibrate`; the file needs no parameters beside it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import expit, logit

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.frame_aggregation import RULES, RuleName
from deepfake_detector.verdicts.quality import WORDS

MAX_LOG_ODDS = 10.0  # nobody is surer than 1 in 20,000

Fraction = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal digits."""

COMMAND = "dvc repro calibrate"
"""What makes a calibration anew."""

FitName = Literal["identity", "fitted"]
"""Whether the rule's log-odds are taken as they are, or corrected by what validation shows."""


class Part(BaseModel):
    """A part of the calibration file: frozen; unknown keys, NaN and infinity are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Model(Part):
    """A logistic model of the rule's features [F].

    `weights` are one for each of them and the intercept [F + 1], `covariance` [F + 1, F + 1] is
    how uncertain they are.
    """

    weights: list[float]
    covariance: list[list[float]]


class Fitted(Part):
    """What was seen on validation: how much, and how well each rule did on sources left out.

    `log_loss` has each rule by `name_ways` names, the plain mean of the shares as `mean_identity`.
    """

    videos: int
    sources: int
    tracks_real: int
    tracks_fake: int
    log_loss: dict[str, float]


class Adaptation(Part):
    """How the released calibration, as the prior, is corrected for a fine-tuned detector.

    `released` is its version. Its log-odds of fake, less `shift`, are the one feature of `model`,
    which `videos` own validation videos moved away from the prior.
    """

    released: str
    shift: float
    model: Model
    videos: int

    def adapt(self, probability: float) -> float:
        """Correct what the released calibration makes of a fine-tuned detector's scores."""
        return compute_probability(np.array([logit(probability) - self.shift]), self.model)


class Calibration(Part):
    """Everything that `decide_track` and `decide_video` need.

    `detector_sha256` and `classifier_sha256` are of the files whose scores it was made for; the
    latter is None where there was no face classifier.

    A probability of `min_fake_probability` or more is likely fake, one of `max_real_probability`
    or less likely real.
    `thresholds_note` says for which rates and on what they rest, or, where they leave no answer (0
    and 1), why not.
    `problem` is empty, or says why there is no probability at all.
    `groups` are calibrations of one group of quality each (`quality.WORDS`), where there were
    validation videos enough; a face is then decided on by the calibration of its own group.
    `missed_fakes` is the fraction of validation fakes with a probability under one half; None
    where nothing was compared.
    A window of a track with `min_segment_probability` or more is likely fake by itself; None where
    windows were not counted, and then `min_fake_probability` stands for it.
    `real_probabilities` are those that `min_fake_probability` was chosen on, rising, and
    `abstain_margin` how far from 0.5 it is at least.
    `adaptation` corrects rule and model, where they are of a released calibration; None elsewhere.
    `prevalence` is how common fakes are that all probabilities and thresholds are for.
    """

    detector_sha256: Digest
    classifier_sha256: Digest | None
    rule: RuleName
    fit: FitName
    usable: UsableParams
    model: Model
    min_fake_probability: Fraction
    max_real_probability: Fraction
    thresholds_note: str
    fitted: Fitted
    problem: str = ""
    missed_fakes: Fraction | None = None
    min_segment_probability: Fraction | None = None
    real_probabilities: list[Fraction] = []
    abstain_margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    prevalence: Annotated[float, Field(gt=0, lt=1)] = 0.5
    adaptation: Adaptation | None = None
    groups: dict[str, "Calibration"] = {}

    def of_group(self, name: str) -> "Calibration":
        """Return the calibration of a group of quality: the whole one where none is apart."""
        if not self.groups:
            return self
        if name in self.groups:
            return self.groups[name]
        problem = f"too few validation videos show {WORDS[name]} to know how they are told"
        return self.model_copy(update={"problem": problem, "groups": {}})

    def can_answer(self) -> bool:
        """Tell whether any face, of whatever quality, can get an answer."""
        own = self.groups.values() or [self]
        return not self.problem and any(
            not one.problem and one.min_fake_probability < 1 for one in own
        )

    def compute_probability(self, features: np.ndarray) -> float:
        """Return the probability of fake for the rule's features [F] of a track or a part."""
        probability = compute_probability(features, self.model)
        if self.adaptation is not None:
            probability = self.adaptation.adapt(probability)
        return shift_probability(probability, self.prevalence)

    @model_validator(mode="after")
    def _check_model(self) -> "Calibration":
        count = len(RULES[self.rule](np.array([0.5]))) + 1  # features and intercept
        rows = [len(row) for row in self.model.covariance]
        if len(self.model.weights) != count or rows != [count] * count:
            raise ValueError(
                f"the rule {self.rule} needs {count} weights and a covariance of {count} x {count}"
                f", got {len(self.model.weights)} and rows of {rows}"
            )
        covariance = np.array(self.model.covariance)
        lowest = np.linalg.eigvalsh(covariance).min()
        if not np.allclose(covariance, covariance.T) or lowest < -1e-6 * np.abs(covariance).max():
            raise ValueError("the covariance is none: not symmetric, or a variance is below 0")
        return self

    @model_validator(mode="after")
    def _check_thresholds(self) -> "Calibration":
        if self.max_real_probability > self.min_fake_probability:
            raise ValueError(
                f"expected max_real_probability up to min_fake_probability, got "
                f"{self.max_real_probability} and {self.min_fake_probability}"
            )
        return self


def load_calibration(path: Path) -> Calibration:
    """Read the file that the stage `calibrate` wrote.

    Raises:
        ValueError: there is no such file, or it is no calibration of this project.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no calibration here; run `{COMMAND}`, or name another model")
    try:
        return Calibration.model_validate_json(Path(path).read_bytes())
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, p['loc']))} {p['msg']}".strip() for p in error.errors()]
        raise ValueError(
            f"{path}: not a calibration of this project as it is now; run `{COMMAND}` "
            f"({problems[0]}{f', and {len(problems) - 1} more' if problems[1:] else ''})"
        ) from error


@dataclass(frozen=True)
class ScoredBy:
    """The SHA-256 of a detector's file and of its face classifier's, None where there is none."""

    detector_sha256: str
    classifier_sha256: str | None


def check_calibration_belongs(calibration: Calibration, scored_by: ScoredBy, path: Path) -> None:
    """Check that a calibration was made for the scores of these files.

    Args:
        path: of the calibration, for the message.

    Raises:
        ValueError: it was made for others; the message names both.
    """
    pairs = {
        "detector": (calibration.detector_sha256, scored_by.detector_sha256),
        "face classifier": (calibration.classifier_sha256, scored_by.classifier_sha256),
    }
    for name, (expected, found) in pairs.items():
        if expected != found:
            raise ValueError(
                f"{path}: made for the {name} {_shorten(expected)}, but the one beside it is "
                f"{_shorten(found)}; run `{COMMAND}`, or name another model"
            )


def _shorten(digest: str | None) -> str:
    return f"sha256 {digest[:12]}" if digest else "none"


def compute_probability(features: np.ndarray, model: Model) -> float:
    """Give the probability of fake for the features [F] of a track, never 0 or 1.

    The log-odds shrink the more, the less certain they are (MacKay 1992, equation 21).
    """
    row = np.append(features, 1.0)  # [F + 1]
    variance = row @ np.array(model.covariance) @ row
    log_odds = row @ np.array(model.weights) / np.sqrt(1 + np.pi * variance / 8)
    return float(expit(np.clip(log_odds, -MAX_LOG_ODDS, MAX_LOG_ODDS)))


def shift_probability(probability: float, prevalence: float) -> float:
    """Turn a probability where half of the videos are fake into that at another prevalence.

    Bayes' rule: the odds are multiplied by those of the prevalence. 0 and 1 stay.
    """
    fake, real = probability * prevalence, (1 - probability) * (1 - prevalence)
    return fake / (fake + real)
