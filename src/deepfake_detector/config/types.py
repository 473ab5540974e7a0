"""Types of the values in `params.yaml`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _in_order(values: list[float]) -> list[float]:
    if sorted(values) != values:
        raise ValueError("should go from low to high")
    return values


Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, lt=1 << 31)]
Seed = Annotated[int, Field(ge=0, lt=1 << 32)]  # what NumPy and Keras take
Quality = Annotated[int, Field(ge=1, le=100)]
Interval = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
Qualities = Annotated[list[Quality], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
Ascending = Annotated[list[Positive], AfterValidator(_in_order)]
Milestones = Annotated[list[Count], AfterValidator(_in_order)]
Engine = Literal["auto", "onnxruntime", "keras"]
"""What networks run in, once they are trained."""
Ratios = Annotated[list[Positive], Field(min_length=1)]


class Section(BaseModel):
    """A section of `params.yaml`: frozen, typed strictly, unknown keys and infinity rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
