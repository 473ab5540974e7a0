"""Overlaps, worked out by hand, and the same whatever the chunk."""

import numpy as np
import pytest

from deepfake_detector.common.iou import compute_iou
from deepfake_detector.metrics import Detections, Truth, matching
from deepfake_detector.metrics.matching import NONE, find_best_truth, find_pairs

SQUARE = [0, 0, 2, 2]


def test_overlaps_of_known_boxes():
    others = np.array(
        [SQUARE, [1, 0, 3, 2], [1, 1, 3, 3], [2, 0, 4, 2], [5, 5, 6, 6], [1, 1, 1, 1]]
    )
    ious = compute_iou(np.tile(np.array(SQUARE, float), (6, 1)), others.astype(float))
    assert ious.tolist() == pytest.approx([1, 2 / 6, 1 / 7, 0, 0, 0])


def test_of_two_equal_overlaps_the_first_truth_is_the_best():
    truth = Truth(np.zeros(2, int), np.ones(2, int), np.array([SQUARE, SQUARE], float))
    found = Detections(np.zeros(1, int), np.ones(1, int), np.ones(1), np.array([SQUARE], float))
    assert find_best_truth(found, truth, 0.5).tolist() == [0]
    assert find_pairs(found, truth, 0.5).truth.tolist() == [0, 1]


def test_other_images_and_labels_do_not_meet():
    truth = Truth(np.array([3]), np.array([1]), np.array([SQUARE], float))
    boxes = np.tile(np.array(SQUARE, float), (3, 1))
    found = Detections(np.array([3, 3, 2]), np.array([1, 2, 1]), np.ones(3), boxes)
    assert find_best_truth(found, truth, 0.5).tolist() == [0, NONE, NONE]


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_chunks_change_nothing(monkeypatch, chunk):
    random = np.random.default_rng(5)

    def scatter(count):
        left_top = random.integers(0, 6, (count, 2))
        boxes = np.concatenate([left_top, left_top + random.integers(3, 8, (count, 2))], axis=1)
        return random.integers(0, 4, count), random.integers(1, 3, count), boxes.astype(float)

    truth = Truth(*scatter(20))
    image, label, boxes = scatter(50)
    monkeypatch.setattr(matching, "CHUNK", chunk)
    found = find_best_truth(Detections(image, label, np.ones(50), boxes), truth, 0.3)
    for row in range(50):
        ious = compute_iou(boxes[[row]], truth.boxes)
        ious[(truth.image != image[row]) | (truth.label != label[row])] = 0
        assert found[row] == (np.argmax(ious) if ious.max() >= 0.3 else NONE)
