import json

import optuna
import pytest

from deepfake_detector.config.schema import Params
from deepfake_detector.tuning.suggest import (
    apply_values,
    find_point,
    make_scales,
    suggest_values,
)

SCALES = {
    "name": "detector.anchors.scales",
    "min_scale": [0.1, 0.2],
    "max_scale": [0.8, 1.0],
    "spacing": [1.0, 2.0],
}
RATIOS = {
    "name": "detector.anchors.aspect_ratios",
    "choices_per_map": [[1.0, 2.0, 0.5], [1.0, 0.5]],
}
WARM_UP = {"name": "train.schedule.warmup_epochs", "low": 0, "high": 3, "log": False}
OPTIMISER = {"name": "train.optimizer.name", "choices": ["adam", "sgd"]}


def search(params, *spaces):
    content = params.model_dump(by_alias=True)
    content["tune"]["space"] = list(spaces)
    return Params.model_validate(content)


def ask(params, point):
    study = optuna.create_study()
    study.enqueue_trial(point)
    return suggest_values(study.ask(), params)


def test_evenly_spaced_scales():
    assert make_scales(0.1, 0.7, 1.0, 4) == [0.1, 0.3, 0.5, 0.7]


def test_a_spacing_over_one_lets_scales_grow_late():
    assert make_scales(0.0, 1.0, 2.0, 3) == [0.0, 0.25, 1.0]  # (1/2) ** 2


def test_a_point_becomes_the_values_that_params_would_hold(project_params):
    params = search(project_params, WARM_UP, OPTIMISER, SCALES, RATIOS)
    ratios = {f"detector.anchors.aspect_ratios.map_{n}": "[1.0, 0.5]" for n in range(1, 7)}
    point = {
        "train.schedule.warmup_epochs": 2,
        "train.optimizer.name": '"sgd"',
        "detector.anchors.scales.min_scale": 0.1,
        "detector.anchors.scales.max_scale": 1.0,
        "detector.anchors.scales.spacing": 1.0,
        **ratios,
    }
    assert ask(params, point) == {
        "train.schedule.warmup_epochs": 2,
        "train.optimizer.name": "sgd",
        "detector.anchors.scales": [0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0],
        "detector.anchors.aspect_ratios": [[1.0, 0.5]] * 6,
    }


def test_a_parameter_that_is_a_whole_number_stays_one(project_params):
    for number in range(5):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))
        values = suggest_values(study.ask(), search(project_params, WARM_UP))
        assert type(values["train.schedule.warmup_epochs"]) is int


def test_the_point_of_values_that_the_space_holds_gives_them_back(project_params):
    params = search(project_params, WARM_UP, OPTIMISER, SCALES, RATIOS)
    values = {
        "train.schedule.warmup_epochs": 3,
        "train.optimizer.name": "adam",
        "detector.anchors.scales": make_scales(0.15, 0.9, 1.5, 7),
        "detector.anchors.aspect_ratios": [[1.0, 2.0, 0.5], [1.0, 0.5]] * 3,
    }
    assert ask(params, find_point(params, values)) == values


def test_values_outside_the_space_have_the_nearest_point(project_params):
    params = search(project_params, WARM_UP, SCALES, RATIOS)
    values = {
        "train.schedule.warmup_epochs": 9,
        "detector.anchors.scales": make_scales(0.02, 2.0, 1.0, 7),
        "detector.anchors.aspect_ratios": [[0.6]] * 5 + [[1.1, 1.9, 0.4]],
    }
    point = find_point(params, values)
    assert point["train.schedule.warmup_epochs"] == 3
    assert point["detector.anchors.scales.min_scale"] == 0.1
    assert point["detector.anchors.scales.max_scale"] == 1.0
    assert json.loads(point["detector.anchors.aspect_ratios.map_1"]) == [1.0, 0.5]
    assert json.loads(point["detector.anchors.aspect_ratios.map_6"]) == [1.0, 2.0, 0.5]


def test_fitted_ratios_have_the_nearest_choice_of_whole_sets(project_params):
    default = project_params.detector.anchors.aspect_ratios
    narrow = [[0.5, 0.45]] * len(default)
    space = {"name": "detector.anchors.aspect_ratios", "choices": [default, narrow]}
    params = search(project_params, space)
    fitted = [[0.52, 0.44, 0.41]] * len(default)
    point = find_point(params, {"detector.anchors.aspect_ratios": fitted})
    assert point == {"detector.anchors.aspect_ratios": json.dumps(narrow)}


def test_values_are_put_into_new_parameters(project_params):
    changed = apply_values(project_params, {"train.schedule.learning_rate": 0.5})
    assert changed.train.schedule.learning_rate == 0.5
    assert project_params.train.schedule.learning_rate != 0.5
    assert changed.detector == project_params.detector


def test_a_value_that_does_not_fit_is_rejected(project_params):
    with pytest.raises(ValueError, match="learning_rate"):
        apply_values(project_params, {"train.schedule.learning_rate": -1.0})


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (WARM_UP | {"name": "train.warmth"}, "train.warmth is no parameter of a training"),
        (
            WARM_UP | {"name": "evaluate.iou_threshold"},
            "evaluate.iou_threshold is no parameter of a training",
        ),
        (WARM_UP | {"name": "train.optimizer.name"}, "is adam, no number; give choices"),
        (WARM_UP | {"low": 3}, "expected low < high, got 3"),
        (WARM_UP | {"log": True}, "expected 0 < low < high"),
        (OPTIMISER | {"choices": ["sgd", "none"]}, "add adam, its value now"),
        (SCALES | {"max_scale": [0.15, 1.0]}, "min_scale .* reaches"),
        (SCALES | {"spacing": [2.0, 1.0]}, "should go from low to high"),
    ],
)
def test_a_space_that_makes_no_sense_is_rejected(project_params, space, expected):
    with pytest.raises(ValueError, match=expected):
        search(project_params, space)


def test_a_parameter_is_searched_once(project_params):
    with pytest.raises(ValueError, match="is there twice"):
        search(project_params, WARM_UP, WARM_UP)
