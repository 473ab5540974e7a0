from math import nan

import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.training.model_selection import (
    find_best_epoch,
    find_objective,
    rank_by_time,
    rank_classifier_epoch,
    rank_ssd_epoch,
)


def test_boxes_and_labels_both_count_with_and_without_a_face_classifier():
    params = load_params(PROJECT / "params.yaml")
    for enabled in (True, False):
        classifier = params.face_classifier.model_copy(update={"enabled": enabled})
        changed = params.model_copy(update={"face_classifier": classifier})
        assert find_objective(changed) == "validation_map_50_95"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.4, 0.8, 0.6], 2),
        ([0.8, 0.8], 1),
        ([nan, 0.1], 2),
        ([nan, nan], 1),  # a validation split without faces has no AP
        ([], 0),
    ],
)
def test_the_best_epoch_is_the_first_with_the_highest_objective(scores, expected):
    history = [{"epoch": n, "validation_map_50_95": score} for n, score in enumerate(scores, 1)]
    assert find_best_epoch(history, rank_ssd_epoch) == expected


def test_the_last_epoch_is_kept_whatever_validation_says():
    history = [
        {"epoch": n, "validation_frame_auc": auc} for n, auc in enumerate([0.9, nan, 0.4], 1)
    ]
    assert find_best_epoch(history, rank_by_time) == 3


def test_the_best_epoch_of_a_classifier_tells_most_faces_apart():
    def rank(auc, loss):
        return rank_classifier_epoch({"validation_frame_auc": auc, "validation_loss": loss})

    assert rank(0.8, 0.9) > rank(0.7, 0.5)
    assert rank(0.8, 0.5) > rank(0.8, 0.9)
    assert rank(nan, 0.5) > rank(nan, 0.9) > rank(nan, nan)
