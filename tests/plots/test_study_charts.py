import numpy as np
import pandas as pd

from deepfake_detector.plots.anchor_sizes import draw_anchors
from deepfake_detector.plots.study_charts import (
    draw_history,
    draw_importance,
    draw_parallel,
    draw_slices,
    shorten,
)

RATE, NAME = "train.schedule.learning_rate", "train.schedule.name"
TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2, 3],
        "state": ["complete", "complete", "pruned", "fail"],
        "origin": ["default", "fitted", "search", "search"],
        "objective": [0.5, 0.7, 0.1, np.nan],
        RATE: [0.0001, 0.01, 0.001, 0.002],
        NAME: ["steps", "cosine", "steps", "cosine"],
    }
)


def test_the_course_shows_the_best_so_far():
    axes = draw_history(TRIALS, "study a").axes[0]
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.7]


def test_parallel_lines_are_the_trials_that_came_to_the_end_the_best_last():
    axes = draw_parallel(TRIALS, [RATE, NAME], "study a").axes[0]
    lines = [line.get_ydata().tolist() for line in axes.lines]
    assert lines == [[0.0, 1.0], [1.0, 0.0]]  # lowest rate, steps; highest rate, cosine


def test_slices_have_a_panel_for_each_parameter():
    figure = draw_slices(TRIALS, [RATE, NAME], "study a")
    shown = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert shown == ["schedule.learning_rate", "schedule.name"]
    assert figure.axes[0].get_xscale() == "log"


def test_importance_has_the_most_important_on_top():
    axes = draw_importance(pd.Series({RATE: 0.9, NAME: 0.1}), "study a").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.9]


def test_a_study_that_has_found_nothing_can_be_drawn():
    nothing = TRIALS[:0]
    draw_history(nothing, "study a")
    draw_slices(nothing, [RATE], "study a")
    draw_parallel(nothing, [RATE], "study a")
    texts = draw_importance(pd.Series(dtype=float), "study a").axes[0].texts
    assert texts[0].get_text() == "too few trials came to the end"


def test_anchors_are_drawn_over_the_faces_of_each_set():
    anchors = {"params.yaml": [[(0.1, 0.1)], [(0.5, 0.4)]], "fitted": [[(0.2, 0.3)]]}
    figure = draw_anchors(np.array([[0.2, 0.3], [0.4, 0.5]]), anchors, "2 faces")
    assert [axes.get_title() for axes in figure.axes] == ["params.yaml", "fitted"]
    assert [len(axes.collections) for axes in figure.axes] == [3, 2]  # faces, then each map


def test_names_are_shortened_to_what_tells_them_apart():
    assert shorten(RATE) == "schedule.learning_rate"
    assert shorten("detector.anchors.scales.smallest") == "scales.smallest"
