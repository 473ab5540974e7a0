"""What `tune` searches: ranges and choices of parameters, of the scales and ratios of anchors."""

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from deepfake_detector.config.types import Interval, Ratios, Section


class RangeSpace(Section):
    """Numbers from low to high; whole ones for a parameter that is a whole number."""

    name: str
    low: float
    high: float
    log: bool

    @model_validator(mode="after")
    def _in_order(self) -> "RangeSpace":
        if not self.low < self.high or (self.log and self.low <= 0):
            above = "0 < low < high" if self.log else "low < high"
            raise ValueError(f"{self.name}: expected {above}, got {self.low}, {self.high}")
        return self


class ChoiceSpace(Section):
    """Any of some values, each as it may stand at the parameter itself."""

    name: str
    choices: Annotated[list[Any], Field(min_length=2)]

    @model_validator(mode="after")
    def _are_finite(self) -> "ChoiceSpace":
        bad = [c for c in self.choices if isinstance(c, float) and not math.isfinite(c)]
        if bad:
            raise ValueError(f"{self.name}: {bad[0]} is no choice; write a number")
        return self


class ScalesSpace(Section):
    """Scales of anchors: each an interval [low, high]."""

    name: Literal["detector.anchors.scales"]
    min_scale: Interval
    max_scale: Interval
    spacing: Interval

    @model_validator(mode="after")
    def _in_order(self) -> "ScalesSpace":
        if self.min_scale[1] >= self.max_scale[0]:
            raise ValueError(f"{self.name}: min_scale {self.min_scale} reaches {self.max_scale}")
        return self


class RatiosSpace(Section):
    """Aspect ratios of anchors: each predictor map takes one of the lists."""

    name: Literal["detector.anchors.aspect_ratios"]
    choices_per_map: Annotated[list[Ratios], Field(min_length=2)]


def _name_kind_of_space(value: Any) -> str:
    keys = value if isinstance(value, dict) else dict(value)
    kinds = {"choices": "choices", "min_scale": "scales", "choices_per_map": "ratios"}
    return next((kind for key, kind in kinds.items() if key in keys), "range")


Space = Annotated[
    Annotated[RangeSpace, Tag("range")]
    | Annotated[ChoiceSpace, Tag("choices")]
    | Annotated[ScalesSpace, Tag("scales")]
    | Annotated[RatiosSpace, Tag("ratios")],
    Discriminator(_name_kind_of_space),
]
