"""Types of the values in `params.yaml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Quality = Annotated[int, Field(ge=1, le=100)]
Interval = Annotated[list[Positive], Field(min_length=2, max_length=2)]
Ratios = Annotated[list[Positive], Field(min_length=1)]


class Section(BaseModel):
    """A section of `params.yaml`: frozen, typed strictly, unknown keys rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
