from math import nan

import pytest

from deepfake_detector.training.ssd_epochs import find_best_epoch


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
    history = [{"epoch": n, "column": score} for n, score in enumerate(scores, 1)]
    assert find_best_epoch(history, "column") == expected
