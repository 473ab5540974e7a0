"""All figures of a small held-out set, worked out by hand, and the table people read."""

import json

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.schema import EvaluateParams
from deepfake_detector.evaluation.detection_report import figures_to_json, figures_to_text, measure
from deepfake_detector.evaluation.evaluation_frames import HeldOut, make_held_out
from deepfake_detector.metrics import FoundFaces

PARAMS = EvaluateParams(overlap=0.5, resamples=200, examples=4)


def test_figures_are_those_worked_out_by_hand(held_out):
    figures = measure(held_out, PARAMS, 0.5, 20)
    # real, by score: a right, b wrong, c right: precision 1, then 2/3
    assert figures["ap_real"] == pytest.approx((1 + 2 / 3) / 2)
    # fake: c/5 right, d wrong, b right
    assert figures["ap_fake"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["map"] == pytest.approx(5 / 6)
    # location, by the sum: .95 a, .95 c/5, .9 b, .8 d wrong, .7 c: 1, 1, 1, 4/5
    assert figures["location_ap"] == pytest.approx((3 + 4 / 5) / 4)
    assert figures["found"] == 1.0
    assert figures["label_accuracy"] == 0.75
    assert figures["label_accuracy_floor"] == 0.5
    assert (figures["precision_real"], figures["recall_real"]) == (1.0, 0.5)
    # fake from 0.5 on: c/5 and b right, d and c/0 wrong
    assert (figures["precision_fake"], figures["recall_fake"]) == (0.5, 1.0)
    assert (figures["videos"], figures["sources"], figures["frames"]) == (4, 3, 5)
    assert (figures["faces"], figures["faces_real"], figures["faces_fake"]) == (4, 2, 2)


def test_sizes_leave_out_what_is_of_another_size(held_out):
    figures = measure(held_out, PARAMS, 0.5, 20)
    assert (figures["faces_small"], figures["faces_medium"], figures["faces_large"]) == (0, 4, 0)
    assert np.isnan(figures["map_small"])
    # the alarm in `d` is small: without it location is perfect
    assert figures["location_ap_medium"] == 1.0
    # so is AP fake; AP real still has the fake face `b`, called real with 0.2, before `c`
    assert figures["map_medium"] == pytest.approx((1 + 5 / 6) / 2)
    faces = held_out.faces
    without_alarm = FoundFaces(faces.image[:4], faces.boxes[:4], faces.scores[:4])
    held_out = HeldOut(without_alarm, held_out.truth, held_out.images)
    assert measure(held_out, PARAMS, 0.5, 20)["map_medium"] == figures["map_medium"]


def test_intervals_hold_the_figure_and_say_what_was_drawn(held_out):
    figures = measure(held_out, PARAMS, 0.5, 20)
    for name in ("ap_real", "ap_fake", "map", "location_ap", "label_accuracy"):
        assert figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]
    assert figures["intervals"] == "95 %, 200 resamples of 3 test sources"


def test_the_same_seed_gives_the_same_figures(held_out):
    first, second = (figures_to_json(measure(held_out, PARAMS, 0.5, 20)) for _ in range(2))
    assert first == second


def test_one_source_has_no_interval_and_says_why(held_out):
    held_out.images["source"] = "one"
    figures = measure(held_out, PARAMS, 0.5, 20)
    assert figures["intervals"] == "none: fewer than 2 test sources"
    assert figures_to_json(figures)["map_low"] is None
    assert figures_to_json(figures)["map"] == pytest.approx(5 / 6, abs=1e-6)


def test_resampling_can_be_switched_off(held_out):
    params = EvaluateParams(overlap=0.5, resamples=0, examples=4)
    assert measure(held_out, params, 0.5, 20)["intervals"] == "none: evaluate.resamples is 0"


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
    figures = measure(make_held_out(faces, truth, videos, frames), PARAMS, 0.5, 20)
    values = figures_to_json(figures)
    json.dumps(values, allow_nan=False)
    assert values["map"] is None
    assert values["map_chance"] is None
    assert values["label_accuracy"] is None
    assert values["frames"] == 1
    text = figures_to_text(figures, 0.5)
    [row] = [line for line in text.splitlines() if line.startswith("mAP  ")]
    assert row.split() == ["mAP", "n/a", "n/a", "n/a"]  # value, interval, chance
    assert "1 video of 1 source, 1 frame, 0 faces" in text


def test_one_label_alone_has_an_interval_of_the_mean(held_out):
    only_real = held_out.truth.label == 1
    truth = type(held_out.truth)(
        held_out.truth.image[only_real],
        held_out.truth.label[only_real],
        held_out.truth.boxes[only_real],
    )
    figures = measure(type(held_out)(held_out.faces, truth, held_out.images), PARAMS, 0.5, 20)
    assert np.isnan(figures["ap_fake"])
    assert figures["map"] == figures["ap_real"]
    assert figures["map_low"] == figures["ap_real_low"]


def test_the_table_shows_interval_chance_and_that_few_sources_are_no_benchmark(held_out):
    figures = measure(held_out, PARAMS, 0.5, 20)
    text = figures_to_text(figures, 0.5)
    assert "Test: 4 videos of 3 sources, 5 frames, 4 faces (2 real, 2 fake)" in text
    assert "A test on 3 sources is no benchmark" in text
    [row] = [line for line in text.splitlines() if line.startswith("mAP  ")]
    low, high, chance = (figures[f"map_{name}"] for name in ("low", "high", "chance"))
    assert row.split() == ["mAP", "0.833", f"{low:.3f}", "to", f"{high:.3f}", f"{chance:.3f}"]
    assert "no benchmark" not in figures_to_text(figures | {"sources": 20}, 0.5)
