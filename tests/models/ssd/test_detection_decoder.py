import numpy as np
import pytest

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.models.ssd.detection_decoder import (
    decode_detections,
    decode_detections_per_label,
    score_faces,
)

VARIANCES = [0.1, 0.1, 0.2, 0.2]
PARAMS = DetectionParams(score_threshold=0.01, nms_iou_threshold=0.45, max_detections=3)
LEFT, ALMOST_LEFT, RIGHT = [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.45, 1.0], [0.5, 0.0, 1.0, 1.0]
ANCHORS = np.float32([LEFT, ALMOST_LEFT, RIGHT])


def find(probabilities, params=PARAMS):
    logits = np.log(np.float32([probabilities]))
    boxes, scores = decode_detections(
        np.zeros((1, len(ANCHORS), 4), np.float32), logits, ANCHORS, VARIANCES, params
    )
    return np.asarray(boxes)[0], np.asarray(scores)[0]


def test_one_face_is_found_once_with_both_its_scores():
    boxes, scores = find([[0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [0.6, 0.3, 0.1]])
    assert np.allclose(boxes[:2], [LEFT, RIGHT], atol=1e-6)
    assert np.allclose(scores, [[0.6, 0.3], [0.3, 0.1], [0.0, 0.0]], atol=1e-6)


def test_nothing_over_the_threshold_is_nothing_found():
    boxes, scores = find([[0.995, 0.003, 0.002]] * 3)
    assert not boxes.any()
    assert not scores.any()


def test_at_most_so_many_faces_are_kept_the_best_ones():
    params = PARAMS.model_copy(update={"max_detections": 1})
    boxes, scores = find([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]], params)
    assert np.allclose(boxes, [RIGHT], atol=1e-6)
    assert np.allclose(scores, [[0.8, 0.1]], atol=1e-6)


def test_the_score_of_a_face_is_what_softmax_leaves_to_the_background():
    logits = np.float32([[[0.0, 0.0, 0.0], [1000.0, 0.0, -1000.0], [-5.0, 3.0, 2.0]]])
    expected = 1 - np.exp(-5) / (np.exp(-5) + np.exp(3) + np.exp(2))
    assert np.asarray(score_faces(logits))[0] == pytest.approx([2 / 3, 0.0, expected])


def test_suppression_per_label_finds_what_the_reference_finds(reference, detector_params):
    centers, sides = reference["anchors_centered"][:, :2], reference["anchors_centered"][:, 2:]
    anchors = np.concatenate([centers - sides / 2, centers + sides / 2], axis=1)
    logits = np.log(np.maximum(reference["decode_probabilities"], 1e-30))
    boxes, labels, scores = decode_detections_per_label(
        reference["decode_offsets"],
        logits,
        anchors,
        detector_params.anchors.variances,
        detector_params.detections,
    )
    for image in range(2):
        expected = reference["decoded"][reference["decoded"][:, 0] == image][:, 1:]
        found = np.concatenate(
            [
                np.asarray(labels)[image, :, None],
                np.asarray(scores)[image, :, None],
                np.asarray(boxes)[image] * 300,
            ],
            axis=1,
        )
        found = found[found[:, 1] > 0]
        assert len(found) == len(expected)
        order = np.argsort(-expected[:, 1], kind="stable")
        assert found == pytest.approx(expected[order], abs=1e-3)
