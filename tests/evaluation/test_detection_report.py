"""All figures of a small held-out set, worked out by hand, and the table people read."""

import json

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.schema import EvaluateParams
from deepfake_detector.evaluation.detection_report import measure, metrics_to_json, metrics_to_text
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames, make_evaluation_frames
from deepfake_detector.metrics import FoundFaces

PARAMS = EvaluateParams(iou_threshold=0.5, n_bootstrap=200, examples=4)


def test_figures_are_those_worked_out_by_hand(evaluated):
    metrics = measure(evaluated, PARAMS, 0.5, 20)
    # real, by score: a right, b wrong, c right: precision 1, then 2/3
    assert metrics["ap_real"] == pytest.approx((1 + 2 / 3) / 2)
    # fake: c/5 right, d wrong, b right
    assert metrics["ap_fake"] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics["map_50"] == pytest.approx(5 / 6)
    # location, by the sum: .95 a, .95 c/5, .9 b, .8 d wrong, .7 c: 1, 1, 1, 4/5
    assert metrics["class_agnostic_ap_50"] == pytest.approx((3 + 4 / 5) / 4)
    assert metrics["found"] == 1.0
    assert metrics["matched_label_accuracy"] == 0.75
    assert metrics["majority_label_accuracy"] == 0.5
    assert (metrics["precision_real"], metrics["recall_real"]) == (1.0, 0.5)
    # fake from 0.5 on: c/5 and b right, d and c/0 wrong
    assert (metrics["precision_fake"], metrics["recall_fake"]) == (0.5, 1.0)
    assert (metrics["videos"], metrics["sources"], metrics["frames"]) == (4, 3, 5)
    assert (metrics["faces"], metrics["faces_real"], metrics["faces_fake"]) == (4, 2, 2)


def test_sizes_leave_out_what_is_of_another_size(evaluated):
    metrics = measure(evaluated, PARAMS, 0.5, 20)
    assert (metrics["faces_small"], metrics["faces_medium"], metrics["faces_large"]) == (0, 4, 0)
    assert np.isnan(metrics["map_50_small"])
    # the alarm in `d` is small: without it location is perfect
    assert metrics["class_agnostic_ap_50_medium"] == 1.0
    # so is AP fake; AP real still has the fake face `b`, called real with 0.2, before `c`
    assert metrics["map_50_medium"] == pytest.approx((1 + 5 / 6) / 2)
    faces = evaluated.faces
    without_alarm = FoundFaces(faces.image[:4], faces.boxes[:4], faces.scores[:4])
    evaluated = EvaluationFrames(without_alarm, evaluated.truth, evaluated.images)
    assert measure(evaluated, PARAMS, 0.5, 20)["map_50_medium"] == metrics["map_50_medium"]


def test_intervals_hold_the_figure_and_say_what_was_drawn(evaluated):
    metrics = measure(evaluated, PARAMS, 0.5, 20)
    for name in ("ap_real", "ap_fake", "map_50", "class_agnostic_ap_50", "matched_label_accuracy"):
        assert metrics[f"{name}_ci95_low"] <= metrics[name] <= metrics[f"{name}_ci95_high"]
    assert metrics["intervals"] == "95 %, 200 resamples of 3 test sources"


def test_the_same_seed_gives_the_same_figures(evaluated):
    first, second = (metrics_to_json(measure(evaluated, PARAMS, 0.5, 20)) for _ in range(2))
    assert first == second


def test_one_source_has_no_interval_and_says_why(evaluated):
    evaluated.images["source"] = "one"
    metrics = measure(evaluated, PARAMS, 0.5, 20)
    assert metrics["intervals"] == "none: fewer than 2 test sources"
    assert metrics_to_json(metrics)["map_50_ci95_low"] is None
    assert metrics_to_json(metrics)["map_50"] == pytest.approx(5 / 6, abs=1e-6)


def test_resampling_can_be_switched_off(evaluated):
    params = EvaluateParams(iou_threshold=0.5, n_bootstrap=0, examples=4)
    assert measure(evaluated, params, 0.5, 20)["intervals"] == "none: evaluate.n_bootstrap is 0"


def test_a_test_set_without_faces_has_counts_and_no_figures():
    truth = pd.DataFrame(
        [("a", 0, *[np.nan] * 4, "")],
        columns=["video", "frame", "left", "top", "right", "bottom", "label"],
    )
    faces = pd.DataFrame(
        columns=["video", "frame", "left", "top", "right", "bottom", "real", "fake"]
    )
    videos = pd.DataFrame({"video": ["a"], "source": ["a"]})
    frames = pd.DataFrame({"video": ["a"], "frame": [0], "width_px": [9], "height_px": [9]})
    metrics = measure(make_evaluation_frames(faces, truth, videos, frames), PARAMS, 0.5, 20)
    values = metrics_to_json(metrics)
    json.dumps(values, allow_nan=False)
    assert values["map_50"] is None
    assert values["map_50_random_labels"] is None
    assert values["matched_label_accuracy"] is None
    assert values["frames"] == 1
    text = metrics_to_text(metrics, 0.5)
    [row] = [line for line in text.splitlines() if line.startswith("mAP  ")]
    assert row.split() == ["mAP", "n/a", "n/a", "n/a"]  # value, interval, chance
    assert "1 video of 1 source, 1 frame, 0 faces" in text


def test_one_label_alone_has_an_interval_of_the_mean(evaluated):
    only_real = evaluated.truth.label == 1
    truth = type(evaluated.truth)(
        evaluated.truth.image[only_real],
        evaluated.truth.label[only_real],
        evaluated.truth.boxes[only_real],
    )
    metrics = measure(type(evaluated)(evaluated.faces, truth, evaluated.images), PARAMS, 0.5, 20)
    assert np.isnan(metrics["ap_fake"])
    assert metrics["map_50"] == metrics["ap_real"]
    assert metrics["map_50_ci95_low"] == metrics["ap_real_ci95_low"]


def test_the_table_shows_interval_chance_and_that_few_sources_are_no_benchmark(evaluated):
    metrics = measure(evaluated, PARAMS, 0.5, 20)
    text = metrics_to_text(metrics, 0.5)
    assert "Test: 4 videos of 3 sources, 5 frames, 4 faces (2 real, 2 fake)" in text
    assert "A test on 3 sources is no benchmark" in text
    [row] = [line for line in text.splitlines() if line.startswith("mAP  ")]
    low, high, chance = (
        metrics[f"map_50_{name}"] for name in ("ci95_low", "ci95_high", "random_labels")
    )
    assert row.split() == ["mAP", "0.833", f"{low:.3f}", "to", f"{high:.3f}", f"{chance:.3f}"]
    assert "no benchmark" not in metrics_to_text(metrics | {"sources": 20}, 0.5)
