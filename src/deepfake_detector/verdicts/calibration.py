"""What turns a track's scores into a probability, and a probability into an answer.

Fitted on the validation videos by the stage `calibrate`; the file needs no parameters beside it.
"""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.special import expit

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.frame_aggregation import RuleName
from deepfake_detector.verdicts.quality import WORDS

MAX_LOG_ODDS = 10.0  # nobody is surer than 1 in 20,000

Fraction = Annotated[float, Field(ge=0, le=1)]

FitName = Literal["identity", "fitted"]
"""Whether the rule's log-odds are taken as they are, or corrected by what validation shows."""


class Part(BaseModel):
    """A part of the calibration file: frozen, unknown keys rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Calibration(Part):
    """Everything that `decide_track` and `decide_video` need.

    A probability of `min_fake_probability` or more is likely fake, one of `max_real_probability` or less likely real.
    `thresholds_note` says for which rates and on what they rest, or, where they leave no answer (0
    and 1), why not.
    `problem` is empty, or says why there is no probability at all.
    `groups` are calibrations of one group of quality each (`quality.WORDS`), where there were
    validation videos enough; a face is then decided on by the calibration of its own group.
    `missed_fakes` is the fraction of validation fakes with a probability under one half; None
    where nothing was compared.
    """

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
    groups: dict[str, "Calibration"] = {}

    def of_group(self, name: str) -> "Calibration":
        """Return the calibration of a group of quality: the whole one where none is apart."""
        if not self.groups:
            return self
        if name in self.groups:
            return self.groups[name]
        problem = f"no validation videos show {WORDS[name]}, so nothing is known of them"
        return self.model_copy(update={"problem": problem, "groups": {}})


def load_calibration(path: Path) -> Calibration:
    """Read the file that the stage `calibrate` wrote.

    Raises:
        ValueError: there is no such file, or it is no calibration of this project.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no calibration here; run `dvc repro`, or name another file")
    try:
        return Calibration.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"{path}: not a calibration of this project ({error})") from error


def compute_probability(features: np.ndarray, model: Model) -> float:
    """Give the probability of fake for the features [F] of a track, never 0 or 1.

    The log-odds shrink the more, the less certain they are (MacKay 1992, equation 21).
    """
    row = np.append(features, 1.0)  # [F + 1]
    variance = row @ np.array(model.covariance) @ row
    log_odds = row @ np.array(model.weights) / np.sqrt(1 + np.pi * variance / 8)
    return float(expit(np.clip(log_odds, -MAX_LOG_ODDS, MAX_LOG_ODDS)))
