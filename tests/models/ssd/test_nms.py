import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.models.ssd.nms import batched_nms, nms

VARIANCES = [0.1, 0.1, 0.2, 0.2]
PARAMS = DetectionParams(score_threshold=0.01, nms_iou_threshold=0.45, max_detections=3)


def test_a_suppressed_box_suppresses_nothing():
    first, second, third = [0, 0, 0.4, 1], [0.1, 0, 0.5, 1], [0.2, 0, 0.6, 1]
    # first and second overlap by 0.6, second and third too, first and third by a third
    kept = nms(np.float32([[first, second, third]]), np.ones((1, 3), bool), 0.45)
    assert np.asarray(kept)[0].tolist() == [True, False, True]


def suppress_one_by_one(boxes, iou_threshold):
    """Greedy suppression as it is usually written."""
    kept = []
    for index, box in enumerate(boxes):
        sides = [
            np.maximum(np.minimum(box[2:], boxes[k][2:]) - np.maximum(box[:2], boxes[k][:2]), 0)
            for k in kept
        ]
        areas = [np.prod(boxes[k][2:] - boxes[k][:2]) + np.prod(box[2:] - box[:2]) for k in kept]
        pairs = zip(sides, areas, strict=True)
        if all(np.prod(side) / (area - np.prod(side)) <= iou_threshold for side, area in pairs):
            kept.append(index)
    return kept


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_suppression_equals_the_greedy_loop(seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 0.6, (30, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.1, 0.4, (30, 2))], axis=1)
    kept = nms(np.float32([boxes]), np.ones((1, 30), bool), 0.45)
    assert np.flatnonzero(np.asarray(kept)[0]).tolist() == suppress_one_by_one(boxes, 0.45)


def make_crowd(images, boxes, seed=3):
    """Make more boxes than a block, each in many others' way, with equal scores among them."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 0.8, (boxes, 2))
    anchors = np.concatenate([corners, corners + random.uniform(0.05, 0.2, (boxes, 2))], axis=1)
    return np.float32(anchors), np.float32(random.integers(0, 300, (images, boxes)) / 300)


@pytest.mark.parametrize("max_detections", [3, 1000])
def test_all_anchors_enter_suppression_however_many_there_are(max_detections):
    anchors, scores = make_crowd(images=2, boxes=700)
    params = PARAMS.model_copy(update={"max_detections": max_detections})
    offsets = np.zeros((2, 700, 4), np.float32)
    boxes, index, found = batched_nms(offsets, scores, anchors, VARIANCES, params)
    for image in range(2):
        order = np.argsort(-scores[image], kind="stable")
        order = order[scores[image][order] > params.score_threshold]
        kept = order[suppress_one_by_one(anchors[order], 0.45)][:max_detections]
        number = int(np.sum(found[image]))
        assert number == len(kept)
        assert np.asarray(index)[image, :number].tolist() == kept.tolist()
        assert np.allclose(np.asarray(boxes)[image, :number], anchors[kept], atol=1e-6)
        assert not np.asarray(boxes)[image, number:].any()


def test_an_image_without_candidates_is_empty_beside_a_crowded_one():
    anchors, scores = make_crowd(images=2, boxes=300)
    scores[1] = 0.0
    _, _, found = batched_nms(
        np.zeros((2, 300, 4), np.float32), scores, anchors, VARIANCES, PARAMS
    )
    assert np.asarray(found).tolist() == [[True] * 3, [False] * 3]
