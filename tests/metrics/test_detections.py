"""A face that is listed once per label is one location."""

import numpy as np

from deepfake_detector.metrics import Detections, FoundFaces, Truth, score_detections
from deepfake_detector.metrics.detections import FACE, merge_labels

LEFT, RIGHT = [0, 0, 10, 10], [20, 0, 30, 10]


def merge(labels, scores, boxes, images=None):
    images = np.zeros(len(labels), int) if images is None else np.array(images)
    return merge_labels(
        Detections(images, np.array(labels), np.array(scores), np.array(boxes, float))
    )


def test_both_labels_of_a_face_are_one_location_with_the_sum_of_their_scores():
    merged = merge([2, 1, 1], [0.5, 0.25, 0.125], [LEFT, LEFT, RIGHT])
    assert merged.score.tolist() == [0.75, 0.125]
    assert merged.boxes.tolist() == [LEFT, RIGHT]
    assert merged.label.tolist() == [FACE, FACE]


def test_the_same_box_in_another_image_is_another_face():
    assert merge([1, 2], [0.5, 0.25], [LEFT, LEFT], images=[0, 1]).score.tolist() == [0.5, 0.25]


def test_a_box_listed_twice_with_one_label_stays_two():
    merged = merge([1, 1, 2], [0.5, 0.25, 0.125], [LEFT, LEFT, LEFT])
    assert merged.score.tolist() == [0.625, 0.25]


def test_many_repeated_boxes_are_paired_in_the_order_of_rows():
    boxes = [LEFT, RIGHT] * 1000
    merged = merge([1] * 1000 + [2] * 1000, np.arange(2000.0), boxes)
    assert merged.score.tolist() == [1000.0 + 2 * row for row in range(1000)]


def test_nothing_merges_to_nothing():
    assert len(merge(np.zeros(0, int), [], np.zeros((0, 4))).score) == 0


def test_found_faces_give_the_same_locations_as_their_rows_per_label():
    random = np.random.default_rng(1)
    boxes = random.random((50, 4))
    faces = FoundFaces(random.integers(0, 5, 50), boxes, random.random((50, 2), np.float32))
    locations, merged = faces.to_locations(), merge_labels(faces.to_detections())
    assert np.array_equal(locations.boxes, merged.boxes)
    np.testing.assert_allclose(locations.score, merged.score, rtol=1e-6)


def test_location_counts_a_face_with_the_wrong_label():
    truth = Truth(np.array([0]), np.array([1]), np.array([LEFT], float))
    faces = FoundFaces(np.array([0]), np.array([LEFT], float), np.array([[0.1, 0.9]], np.float32))
    scores = score_detections(faces.to_detections(), truth, 0.5)
    assert scores["class_agnostic"] == {"voc_11": 1.0, "voc_area": 1.0, "coco": 1.0}
