"""Labels of found faces, chance, and sizes."""

import numpy as np
import pytest

from deepfake_detector.metrics import FoundFaces, Truth, compute_map
from deepfake_detector.metrics.average_precision import compute_area
from deepfake_detector.metrics.detections import Detections
from deepfake_detector.metrics.face_matching import (
    call_labels,
    compute_chance,
    compute_confusion,
    match_faces,
    name_sizes,
    rank_size,
)
from deepfake_detector.metrics.matching import NONE, find_best_truth

REAL, FAKE = 1, 2
LEFT, RIGHT, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def make_faces(*rows):
    """Rows of (image, box, real score, fake score)."""
    boxes = np.array([row[1] for row in rows], float).reshape(-1, 4)
    scores = np.array([row[2:] for row in rows], np.float32).reshape(-1, 2)
    return FoundFaces(np.array([row[0] for row in rows], int), boxes, scores)


def make_truth(*rows):
    """Rows of (image, label, box)."""
    image, label = np.array([row[:2] for row in rows], int).reshape(-1, 2).T
    return Truth(image, label, np.array([row[2] for row in rows], float).reshape(-1, 4))


def test_a_face_is_found_by_the_surest_detection_whatever_its_label():
    truth = make_truth((0, REAL, LEFT), (0, FAKE, RIGHT), (1, FAKE, LEFT))
    faces = make_faces((0, LEFT, 0.2, 0.3), (0, LEFT, 0.1, 0.6), (0, RIGHT, 0.4, 0.1))
    assert match_faces(faces, truth, 0.5).tolist() == [1, 2, NONE]


def test_the_higher_score_is_the_label():
    faces = make_faces((0, LEFT, 0.2, 0.3), (0, LEFT, 0.6, 0.1), (0, LEFT, 0.4, 0.4))
    assert call_labels(faces).tolist() == [FAKE, REAL, REAL]


def test_confusion_counts_misses_and_false_alarms():
    truth = make_truth((0, REAL, LEFT), (0, FAKE, RIGHT), (1, FAKE, LEFT))
    faces = make_faces(
        (0, LEFT, 0.1, 0.8),  # real called fake
        (0, RIGHT, 0.1, 0.7),  # fake called fake
        (0, FAR, 0.9, 0.0),  # false alarm, real
        (1, LEFT, 0.1, 0.4),  # below the threshold: a miss
    )
    expected = [[0, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert compute_confusion(faces, truth, 0.5, 0.5).tolist() == expected


def test_confusion_without_faces_is_zero():
    assert compute_confusion(make_faces(), make_truth(), 0.5, 0.5).sum() == 0
    assert compute_confusion(make_faces(), make_truth((0, REAL, LEFT)), 0.5, 0.5)[REAL, 0] == 1


def test_chance_of_perfect_boxes_is_a_little_over_a_half():
    random = np.random.default_rng(3)
    images = np.arange(4000)  # of fewer, the envelope picks the luckiest: 0.54 of 400
    truth = Truth(images, 1 + images % 2, np.tile(np.array(LEFT, float), (4000, 1)))
    fraction = random.random(4000)
    scores = np.stack([fraction, 1 - fraction], axis=1).astype(np.float32)
    faces = FoundFaces(images, truth.boxes, scores)
    assert compute_chance(faces, truth, 0.5, 20, random) == pytest.approx(0.51, abs=0.01)


def test_chance_keeps_how_sure_a_face_is_and_leaves_false_alarms_alone():
    truth = make_truth((0, REAL, LEFT))
    faces = make_faces((0, LEFT, 0.1, 0.2), (0, FAR, 0.3, 0.6))
    # one face on truth has none to change places with: the map stays as it is
    expected = compute_map(faces.to_detections(), truth, 0.5)["map_50"]
    assert compute_chance(faces, truth, 0.5, 3, np.random.default_rng(0)) == expected == 0.5


def test_chance_without_truth_is_not_a_number():
    faces = make_faces((0, LEFT, 0.1, 0.2))
    assert np.isnan(compute_chance(faces, make_truth(), 0.5, 3, np.random.default_rng(0)))


def test_sizes_are_those_of_coco_on_300_px():
    fractions = np.array([31**2, 33**2, 95**2, 97**2]) / 300**2
    assert name_sizes(fractions).tolist() == [0, 1, 1, 2]


def test_a_size_leaves_out_other_faces_and_their_detections():
    truth = make_truth((0, REAL, LEFT), (1, REAL, RIGHT))
    detections = Detections(
        np.array([0, 1, 0, 0]),
        np.full(4, REAL),
        np.array([0.5, 0.9, 0.8, 0.7], np.float32),
        np.array([LEFT, RIGHT, FAR, FAR], float),
    )
    best = find_best_truth(detections, truth, 0.5)
    truth_is_size = np.array([True, False])  # RIGHT is of another size
    detection_is_size = np.array([False, True, True, False])  # one of the false alarms counts
    ranking = rank_size(detections, truth, best, (detection_is_size, truth_is_size), REAL)
    assert ranking.truth_count == 1
    assert compute_area(ranking) == 0.5
