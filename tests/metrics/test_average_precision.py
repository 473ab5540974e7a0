"""Average precision: worked out by hand, and equal to the code that papers were measured with."""

from pathlib import Path

import numpy as np
import pytest

from deepfake_detector.metrics import Detections, Truth, compute_map, score_detections
from deepfake_detector.metrics.average_precision import compute_area, compute_points
from deepfake_detector.metrics.ranked_detections import Ranking, rank_by_voc

REAL, FAKE = 1, 2
LEFT, RIGHT, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]
LEFT_SHIFTED = [5, 0, 15, 10]  # overlaps LEFT by 50 / 150 = 1/3
REFERENCE = Path(__file__).parent / "data" / "ssd_keras_average_precision.npz"


def make_truth(*rows):
    """Rows of (image, label, box)."""
    image, label = np.array([row[:2] for row in rows], int).reshape(-1, 2).T
    return Truth(image, label, np.array([row[2] for row in rows], float).reshape(-1, 4))


def make_detections(*rows, dtype=np.float32):
    """Rows of (image, label, score, box)."""
    image, label = np.array([row[:2] for row in rows], int).reshape(-1, 2).T
    score = np.array([row[2] for row in rows], dtype)
    return Detections(
        image, label, score, np.array([row[3] for row in rows], float).reshape(-1, 4)
    )


def test_one_face_found_is_perfect():
    truth = make_truth((0, REAL, LEFT), (1, FAKE, RIGHT))
    detections = make_detections((0, REAL, 0.6, LEFT), (1, FAKE, 0.2, RIGHT))
    assert compute_map(detections, truth, 0.5) == {"ap_real": 1.0, "ap_fake": 1.0, "map_50": 1.0}


def test_a_better_scored_false_alarm_halves_it():
    truth = make_truth((0, REAL, LEFT))
    detections = make_detections((0, REAL, 0.6, LEFT), (0, REAL, 0.7, FAR))
    assert compute_map(detections, truth, 0.5)["ap_real"] == 0.5


def test_a_worse_scored_false_alarm_costs_nothing():
    truth = make_truth((0, REAL, LEFT))
    detections = make_detections((0, REAL, 0.6, LEFT), (0, REAL, 0.5, FAR))
    assert compute_map(detections, truth, 0.5)["ap_real"] == 1.0


def test_a_face_found_twice_is_a_false_alarm_once():
    truth = make_truth((0, REAL, LEFT), (0, REAL, RIGHT))
    detections = make_detections((0, REAL, 0.9, LEFT), (0, REAL, 0.8, LEFT), (0, REAL, 0.7, RIGHT))
    # precision 1/1 at recall 1/2, then 2/3 at recall 1
    assert compute_map(detections, truth, 0.5)["ap_real"] == pytest.approx((1 + 2 / 3) / 2)


def test_the_label_must_be_right():
    truth = make_truth((0, REAL, LEFT))
    detections = make_detections((0, FAKE, 0.9, LEFT))
    metrics = compute_map(detections, truth, 0.5)
    assert metrics["ap_real"] == 0.0
    assert np.isnan(metrics["ap_fake"])
    assert metrics["map_50"] == 0.0


def test_an_overlap_of_the_threshold_is_enough():
    truth = make_truth((0, REAL, LEFT))
    detections = make_detections((0, REAL, 0.9, LEFT_SHIFTED))
    assert compute_map(detections, truth, 50 / 150)["ap_real"] == 1.0
    assert compute_map(detections, truth, 0.34)["ap_real"] == 0.0


def test_faces_without_detections_score_zero_and_no_faces_nothing():
    nothing = make_detections()
    assert compute_map(nothing, make_truth((0, REAL, LEFT)), 0.5)["ap_real"] == 0.0
    assert all(np.isnan(list(compute_map(nothing, make_truth(), 0.5).values())))
    alarms = make_detections((0, REAL, 0.9, LEFT))
    assert all(np.isnan(list(compute_map(alarms, make_truth(), 0.5).values())))
    scores = score_detections(nothing, make_truth(), 0.5)
    assert all(np.isnan(value) for rules in scores.values() for value in rules.values())


def test_boxes_without_area_find_nothing():
    point = [5, 5, 5, 5]
    truth = make_truth((0, REAL, point))
    assert compute_map(make_detections((0, REAL, 0.9, point)), truth, 0.5)["ap_real"] == 0.0


def test_detections_in_images_past_the_last_truth_are_false_alarms():
    truth = make_truth((0, REAL, LEFT))
    detections = make_detections((0, REAL, 0.6, LEFT), (7, REAL, 0.7, LEFT))
    assert compute_map(detections, truth, 0.5)["ap_real"] == 0.5


def test_voc_and_coco_differ_where_the_best_face_is_taken():
    wide = [2, 0, 12, 10]  # overlaps LEFT by 8/12 and MIDDLE by 7/13, both over 0.5
    middle = [5, 0, 15, 10]
    truth = make_truth((0, REAL, LEFT), (0, REAL, middle))
    detections = make_detections((0, REAL, 0.9, LEFT), (0, REAL, 0.8, wide))
    scores = score_detections(detections, truth, 0.5)
    # VOC: `wide` belongs to LEFT, which is taken: precision 1 up to recall 1/2
    assert scores["real"]["voc_area"] == 0.5
    # COCO: `wide` takes `middle` at 0.50 (7/13 = 0.538): all right; at the nine others half is
    half = 51 / 101
    assert scores["real"]["coco"] == pytest.approx((1 + 9 * half) / 10)


def test_points_and_area_of_a_worked_curve():
    ranking = Ranking(np.arange(4), np.array([0, 3]), 2)  # right at places 1 and 4
    # precision 1 up to recall 0.5, 1/2 from there
    assert compute_area(ranking) == 0.75
    assert compute_points(ranking, 11) == pytest.approx((6 * 1 + 5 * 0.5) / 11)


def test_envelope_takes_the_best_precision_further_on():
    ranking = Ranking(np.arange(3), np.array([1, 2]), 2)  # precision 1/2, then 2/3
    assert compute_area(ranking) == pytest.approx(2 / 3)


def test_equal_scores_go_by_image_then_by_row():
    truth = make_truth((0, REAL, LEFT), (1, REAL, LEFT))
    alarm_later = make_detections((1, REAL, 0.5, FAR), (0, REAL, 0.5, LEFT), (1, REAL, 0.5, LEFT))
    # order: image 0's hit, image 1's alarm, image 1's hit
    expected = (1 + 2 / 3) / 2
    assert compute_map(alarm_later, truth, 0.5)["ap_real"] == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_scores_rank_also_negative_ones_and_zeros(dtype):
    truth = make_truth((0, REAL, LEFT))
    rows = [(0, REAL, -1.0, FAR), (0, REAL, 0.0, LEFT), (0, REAL, -0.0, FAR), (0, REAL, -2.0, FAR)]
    order = rank_by_voc(make_detections(*rows, dtype=dtype), truth, 0.5, [REAL])[REAL].order
    assert order.tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_to_the_2020_project(dtype):
    with np.load(REFERENCE) as reference:
        truth, detections = reference["truth"], reference["detections"]
        expected_points, expected_area = reference["ap_11_points"], reference["ap_area"]
    scores = score_detections(
        Detections(
            detections[:, 0].astype(int),
            detections[:, 1].astype(int),
            detections[:, 2].astype(dtype),
            detections[:, 3:],
        ),
        Truth(truth[:, 0], truth[:, 1], truth[:, 2:].astype(float)),
        0.5,
    )
    points = [scores["real"]["voc_11"], scores["fake"]["voc_11"]]
    area = [scores["real"]["voc_area"], scores["fake"]["voc_area"]]
    np.testing.assert_allclose(points, expected_points, rtol=0, atol=1e-6)
    np.testing.assert_allclose(area, expected_area, rtol=0, atol=1e-6)
