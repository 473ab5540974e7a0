import math

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.group_metrics import (
    compute_precision,
    measure_auc,
    measure_correlations,
    measure_groups,
)

VERDICTS = pd.DataFrame(
    [
        ("ann", "real", "", "likely real", 0.1),
        ("ann", "fake", "swap", "likely fake", 0.9),
        ("bob", "real", "", "cannot tell", 0.5),
        ("bob", "fake", "swap", "cannot tell", 0.4),
        ("eve", "fake", "still", "likely real", 0.2),
        ("eve", "fake", "still", "cannot tell", np.nan),
    ],
    columns=["person", "label", "kind", "answer", "probability"],
)


def pick(table, group, metric):
    row = table[(table["group"] == group) & (table["metric"] == metric)]
    return row.iloc[0]


def test_each_group_is_counted_against_all_its_videos():
    table = measure_groups(VERDICTS, "kind", 50, 1)
    assert pick(table, "swap", "called likely fake")["value"] == 0.5
    assert pick(table, "still", "called likely real")["value"] == 0.5
    assert pick(table, "still", "answered")["value"] == 0.5
    assert (pick(table, "swap", "AUC")[["videos", "people"]] == [2, 2]).all()


def test_fakes_are_ranked_against_all_real_videos():
    table = measure_groups(VERDICTS, "kind", 0, 1)
    assert pick(table, "swap", "AUC")["value"] == pytest.approx(3 / 4)
    assert pick(table, "still", "AUC")["value"] == pytest.approx(1 / 2)


def test_intervals_come_from_drawing_people():
    low, high = pick(measure_groups(VERDICTS, "kind", 200, 1), "swap", "called likely fake")[
        ["ci95_low", "ci95_high"]
    ]
    assert (low, high) == (0.0, 1.0)  # one of two people decides alone


def test_one_person_alone_has_an_interval_without_width():
    row = pick(measure_groups(VERDICTS, "kind", 50, 1), "still", "called likely real")
    assert (row["ci95_low"], row["ci95_high"]) == (0.5, 0.5)


def test_without_a_group_there_is_no_row():
    assert measure_groups(VERDICTS.assign(kind=""), "kind", 10, 1).empty


def test_without_a_real_video_there_is_no_auc():
    fakes = VERDICTS[VERDICTS["label"] == "fake"]
    assert np.isnan(measure_auc(fakes, 10, 1)[0])
    assert "AUC" not in set(measure_groups(fakes, "kind", 10, 1)["metric"])


def test_precision_falls_with_prevalence():
    assert compute_precision(0.5, 0.05, 0.5) == pytest.approx(0.909, abs=1e-3)
    assert compute_precision(0.5, 0.05, 0.01) == pytest.approx(0.0917, abs=1e-3)


def test_without_a_call_there_is_no_precision():
    assert math.isnan(compute_precision(0.0, 0.0, 0.5))


def test_scores_of_real_videos_alone_are_correlated():
    videos = pd.DataFrame(
        {
            "person": ["ann", "bob", "eve", "joe", "kim"],
            "label": ["real"] * 4 + ["fake"],
            "score": [-2.0, -1.0, 0.0, 1.0, 9.0],
            "brightness": [10.0, 20.0, 25.0, 90.0, 0.0],
            "sharpness": [4.0, np.nan, 3.0, 1.0, 9.0],
        }
    )
    table = measure_correlations(videos, ["brightness", "sharpness"], 50, 1)
    bright, sharp = (
        pick(table, "real videos", f"rank correlation with {name}")
        for name in ("brightness", "sharpness")
    )
    assert (bright["videos"], bright["value"]) == (4, pytest.approx(1))
    assert (sharp["videos"], sharp["value"]) == (3, pytest.approx(-1))
    assert bright["ci95_low"] <= bright["value"] <= bright["ci95_high"] + 1e-9


def test_two_real_videos_have_no_correlation():
    videos = VERDICTS.assign(score=[1.0, 2, 3, 4, 5, 6], size=1.0)
    assert math.isnan(measure_correlations(videos, ["size"], 10, 1)["value"].iloc[0])
