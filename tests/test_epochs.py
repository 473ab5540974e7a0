from math import nan

import pytest

from deepfake_detector.epochs import find_best_epoch


@pytest.mark.parametrize(
    ("maps", "losses", "labels_stand", "expected"),
    [
        ([0.4, 0.8, 0.6], [3.0, 2.0, 1.0], True, 2),
        ([0.4, 0.8, 0.6], [3.0, 2.0, 1.0], False, 3),
        ([0.8, 0.8], [1.0, 1.0], True, 1),
        ([0.8, 0.8], [1.0, 1.0], False, 1),
        ([nan, 0.1], [nan, 5.0], True, 2),
        ([nan, 0.1], [nan, 5.0], False, 2),
        ([nan, nan], [2.0, 1.0], True, 1),  # a validation split without faces has no mAP
        ([], [], True, 0),
        ([], [], False, 0),
    ],
)
def test_the_best_epoch_is_by_map_where_labels_stand_and_by_loss_where_they_do_not(
    maps, losses, labels_stand, expected
):
    rows = zip(maps, losses, strict=True)
    history = [{"validation_map": score, "validation_loss": loss} for score, loss in rows]
    assert find_best_epoch(history, labels_stand) == expected
