"""From tables of frames to figures."""

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.metrics import mean_average_precision
from deepfake_detector.metrics.detection_tables import list_images, table_to_truth

BOX = ["left", "top", "right", "bottom"]
TRUTH = pd.DataFrame(
    [("v", 0, 0, 0, 9, 9, "real"), ("v", 5, *[np.nan] * 4, ""), ("w", 0, 1, 1, 9, 9, "fake")],
    columns=["video", "frame", *BOX, "label"],
)
FACES = ["video", "frame", *BOX, "real", "fake"]


def test_a_table_of_found_faces_is_scored_with_both_labels():
    faces = pd.DataFrame([("w", 0, 1, 1, 9, 9, 0.3, 0.6), ("v", 0, 0, 0, 9, 9, 0.2, 0.1)],
                         columns=FACES)  # fmt: skip
    # real: the fake face's 0.3 stands before the real one's 0.2; fake: 0.6 before 0.1
    expected = {"ap_real": 0.5, "ap_fake": 1.0, "map_50": 0.75, "map_50_95": 0.75}
    expected["class_agnostic_ap_50_95"] = 1.0
    assert mean_average_precision(faces, TRUTH, 0.5) == expected


def test_no_found_face_scores_zero():
    metrics = mean_average_precision(pd.DataFrame(columns=FACES), TRUTH, 0.5)
    assert metrics == {
        "ap_real": 0.0,
        "ap_fake": 0.0,
        "map_50": 0.0,
        "map_50_95": 0.0,
        "class_agnostic_ap_50_95": 0.0,
    }


def test_boxes_that_fit_loosely_cost_class_agnostic_ap_50_and_no_map():
    truth = pd.DataFrame([("v", 0, 0, 0, 10, 10, "real")], columns=TRUTH.columns)
    loose = pd.DataFrame([("v", 0, 0, 0, 10, 6.6, 0.9, 0.1)], columns=FACES)  # overlap 0.66
    metrics = mean_average_precision(loose, truth, 0.5)
    assert metrics["map_50"] == 1.0
    right_at = [0.50, 0.55, 0.60, 0.65]
    assert metrics["class_agnostic_ap_50_95"] == pytest.approx(len(right_at) / 10)
    assert metrics["map_50_95"] == pytest.approx(len(right_at) / 10)  # there are no fakes


def test_a_wrong_label_costs_map_and_no_class_agnostic_ap():
    truth = pd.DataFrame([("v", 0, 0, 0, 9, 9, "real"), ("v", 5, 0, 0, 9, 9, "fake")],
                         columns=TRUTH.columns)  # fmt: skip
    both_real = pd.DataFrame([("v", frame, 0, 0, 9, 9, score, 0.0) for frame, score in
                              ((0, 0.8), (5, 0.9))], columns=FACES)  # fmt: skip
    metrics = mean_average_precision(both_real, truth, 0.5)
    assert metrics["class_agnostic_ap_50_95"] == 1.0
    # real: the fake face stands first, half the precision; fake: found with a score of 0
    assert metrics["map_50_95"] == pytest.approx((0.5 + 0.5) / 2)


def test_frames_without_a_face_are_images_without_truth():
    images = list_images(TRUTH)
    assert len(images) == 3
    assert table_to_truth(TRUTH, images).image.tolist() == [0, 2]


def test_a_face_in_an_unknown_frame_is_rejected():
    faces = pd.DataFrame([("w", 7, 1, 1, 9, 9, 0.3, 0.6)], columns=FACES)
    with pytest.raises(ValueError, match="w frame 7: not among the frames to be scored"):
        mean_average_precision(faces, TRUTH, 0.5)
