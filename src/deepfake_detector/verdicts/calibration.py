"""What turns a track's scores into a probability, and a probability into an answer.

Fitted on the validation videos by the stage `judge`; the file needs no parameters beside it.
"""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deepfake_detector.params import UsableParams
from deepfake_detector.verdicts.rules import RuleName

MOST_LOG_ODDS = 10.0  # nobody is surer than 1 in 20,000

Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of the calibration file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Model(Part):
    """A logistic model: probability of fake = logistic(intercept + Σ weight · standard feature).

    All lists have one number per feature of the rule [F]; a standard feature is
    (feature - centre) / scale.
    """

    centre: list[float]
    scale: list[float]
    weights: list[float]
    intercept: float


class Fitted(Part):
    """What was seen on validation: how much, and how well each rule did on sources left out."""

    videos: int
    sources: int
    tracks_real: int
    tracks_fake: int
    log_loss: dict[str, float]


class Calibration(Part):
    """Everything that `judge_track` and `judge_video` need.

    A probability of `fake_from` or more is likely fake, one of `real_up_to` or less likely real.
    `problem` is empty, or says in words why no probability can be given at all.
    """

    rule: RuleName
    usable: UsableParams
    model: Model
    fake_from: Share
    real_up_to: Share
    false_alarm_rate: Share
    fitted: Fitted
    problem: str = ""


def load_calibration(path: Path) -> Calibration:
    """Read the file that the stage `judge` wrote.

    Raises:
        ValueError: there is no such file, or it is no calibration of this project.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no calibration here; run `dvc repro`, or name another file")
    try:
        return Calibration.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"{path}: not a calibration of this project ({error})") from error


def compute_probability(features, model: Model) -> float:
    """Give the probability of fake for the features [F] of a track, never 0 or 1."""
    standard = [
        (feature - centre) / scale
        for feature, centre, scale in zip(features, model.centre, model.scale, strict=True)
    ]
    log_odds = model.intercept + sum(
        weight * value for weight, value in zip(model.weights, standard, strict=True)
    )
    return 1 / (1 + math.exp(-min(max(log_odds, -MOST_LOG_ODDS), MOST_LOG_ODDS)))
