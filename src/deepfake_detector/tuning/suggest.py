"""What a trial may change: the spaces of `tune.space`, asked of Optuna and put into parameters.

A *point* is what Optuna stores of a trial, by its own names; *values* are what the trial trains
with, by the dotted names of `params.yaml`. Scales and aspect ratios of anchors have several
entries in a point and one in the values.
"""

import functools
import json
import math
from typing import Any

import optuna

from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.config.search_space import (
    ChoiceSpace,
    RangeSpace,
    RatiosSpace,
    ScalesSpace,
    Space,
)


def suggest_values(trial: optuna.Trial, params: Params) -> dict[str, Any]:
    """Ask Optuna for a value of each parameter that is searched."""
    defaults = flatten_params(params)
    return {
        space.name: _suggest(trial, space, defaults[space.name]) for space in params.tune.space
    }


def _suggest(trial: optuna.Trial, space: Space, default: Any) -> Any:
    if isinstance(space, RangeSpace) and isinstance(default, int):
        whole = math.ceil(space.low), math.floor(space.high)
        return trial.suggest_int(space.name, *whole, log=space.log)
    if isinstance(space, RangeSpace):
        value = trial.suggest_float(space.name, space.low, space.high, log=space.log)
        return _round(value)
    if isinstance(space, ChoiceSpace):
        return json.loads(trial.suggest_categorical(space.name, _list_choices(space.choices)))
    if isinstance(space, ScalesSpace):
        ends = [
            trial.suggest_float(f"{space.name}.{part}", *getattr(space, part))
            for part in ("min_scale", "max_scale", "spacing")
        ]
        return make_scales(*ends, count=len(default))
    choices = _list_choices(space.choices_per_map)
    return [
        json.loads(trial.suggest_categorical(_name_map(space, number), choices))
        for number in range(1, len(default) + 1)
    ]


def make_scales(min_scale: float, max_scale: float, spacing: float, count: int) -> list[float]:
    """Make scales that grow from smallest to largest: evenly where spacing is 1, late over 1."""
    steps = [(number / (count - 1)) ** spacing for number in range(count)]
    return [_round(min_scale + (max_scale - min_scale) * step) for step in steps]


def apply_values(params: Params, values: dict[str, Any]) -> Params:
    """Put values, by dotted names, in place of those in `params`.

    Raises:
        ValueError: a value does not fit its parameter.
    """
    content = params.model_dump(by_alias=True)
    for name, value in values.items():
        *sections, key = name.split(".")
        target = content
        for section in sections:
            target = target[section]
        target[key] = value
    return Params.model_validate(content)


def find_point(params: Params, values: dict[str, Any]) -> dict[str, Any]:
    """Find the point of the space nearest to values, so that Optuna learns from their trial."""
    point = {}
    for space in params.tune.space:
        point |= _find_nearest(space, values[space.name])
    return point


def _find_nearest(space: Space, value: Any) -> dict[str, Any]:
    if isinstance(space, RangeSpace):
        limits = (space.low, space.high)
        if isinstance(value, int):
            limits = (math.ceil(space.low), math.floor(space.high))
        return {space.name: min(max(value, limits[0]), limits[1])}
    if isinstance(space, ChoiceSpace):
        if value not in space.choices:  # aspect ratios that were fitted
            value = min(space.choices, key=functools.partial(_miss_ratios_of_maps, value))
        return {space.name: json.dumps(value)}
    if isinstance(space, ScalesSpace):
        ends = {"min_scale": value[0], "max_scale": value[-1], "spacing": _fit_spacing(value)}
        return {
            f"{space.name}.{part}": min(max(end, getattr(space, part)[0]), getattr(space, part)[1])
            for part, end in ends.items()
        }
    return {
        _name_map(space, number): json.dumps(
            min(space.choices_per_map, key=functools.partial(_miss_ratios, ratios))
        )
        for number, ratios in enumerate(value, start=1)
    }


def _fit_spacing(scales: list[float]) -> float:
    """Fit the spacing with which `make_scales` comes nearest to scales."""

    def miss(spacing: float) -> float:
        made = make_scales(scales[0], scales[-1], spacing, len(scales))
        return sum((one - other) ** 2 for one, other in zip(made, scales, strict=True))

    return min((number / 20 for number in range(4, 101)), key=miss)  # 0.2 to 5


def _miss_ratios(ratios: list[float], choice: list[float]) -> float:
    """Tell how far ratios are from those of a choice, both ways, in their logarithms."""
    gaps = [[abs(math.log(one / other)) for other in choice] for one in ratios]
    nearest = [min(row) for row in gaps] + [min(row) for row in zip(*gaps, strict=True)]
    return sum(nearest)


def _miss_ratios_of_maps(ratios: list[list[float]], choice: list[list[float]]) -> float:
    return sum(_miss_ratios(*maps) for maps in zip(ratios, choice, strict=True))


def _list_choices(choices: list[Any]) -> list[str]:
    return [json.dumps(choice) for choice in choices]  # Optuna's choices are texts and numbers


def _name_map(space: RatiosSpace, number: int) -> str:
    return f"{space.name}.map_{number}"


def _round(value: float) -> float:
    """Round to what a person would write; params.yaml then holds exactly what was trained."""
    return float(f"{value:.4g}")
