import numpy as np
import pytest

from deepfake_detector.evaluation.by_face_size import make_size_table, size_table_to_text
from deepfake_detector.metrics import Truth


def test_faces_are_sorted_by_their_shorter_side_in_px_of_the_frame(evaluated):
    table = make_size_table(evaluated, 0.5)  # all are 100×100 px
    assert list(table["face_px"]) == ["96 to 127"]
    row = table.iloc[0]
    assert (row["faces"], row["found"], row["matched_label_accuracy"]) == (4, 1.0, 0.75)
    # the alarm of 20 px in `d` is of another size
    assert row["class_agnostic_ap_50"] == 1.0
    assert row["map_50"] == pytest.approx((1 + 5 / 6) / 2)


def test_a_size_of_which_nothing_was_found_has_no_matched_label_accuracy(evaluated):
    truth = evaluated.truth
    boxes = truth.boxes.copy()
    boxes[0] = [300, 0, 420, 20]  # 120×20 px, where nothing was found
    moved = type(evaluated)(
        evaluated.faces, Truth(truth.image, truth.label, boxes), evaluated.images
    )
    table = make_size_table(moved, 0.5).set_index("face_px")
    assert (table.loc["under 32", "faces"], table.loc["under 32", "found"]) == (1, 0.0)
    assert np.isnan(table.loc["under 32", "matched_label_accuracy"])
    assert "under 32" in size_table_to_text(table.reset_index())


def test_without_faces_there_is_no_table(evaluated):
    nobody = Truth(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)))
    table = make_size_table(type(evaluated)(evaluated.faces, nobody, evaluated.images), 0.5)
    assert table.empty
    assert size_table_to_text(table) == ""
