import numpy as np
import pytest

from deepfake_detector.common.labels import FAKE, REAL
from deepfake_detector.config.schema import MatchingParams
from deepfake_detector.models.ssd.anchor_matching import IGNORED, make_targets, match_anchors
from deepfake_detector.models.ssd.anchors import make_anchors

VARIANCES = [0.1, 0.1, 0.2, 0.2]
HALVES = MatchingParams(positive_iou=0.5, negative_iou=0.5)
LEFT_HALF, RIGHT_HALF = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]
WHOLE, CORNER = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.1, 0.1]


def match(boxes, labels, anchors, params=HALVES):
    faces, _ = match_anchors(np.float32([boxes]), np.int32([labels]), np.float32(anchors), params)
    return np.asarray(faces)[0].tolist()


def test_a_face_gets_its_best_anchor_however_small_the_overlap():
    assert match([CORNER], [REAL], [LEFT_HALF, RIGHT_HALF]) == [0, -1]


def test_every_anchor_over_the_threshold_gets_the_face():
    most_of_left = [0.0, 0.0, 0.5, 0.8]
    assert match([LEFT_HALF], [REAL], [LEFT_HALF, most_of_left, RIGHT_HALF]) == [0, 0, -1]


def test_two_faces_that_want_one_anchor_share_out():
    better, worse = [0.0, 0.0, 0.5, 0.9], [0.0, 0.0, 0.5, 0.7]
    assert match([worse, better], [REAL, FAKE], [LEFT_HALF, WHOLE]) == [1, 0]


def test_padding_matches_nothing():
    assert match([LEFT_HALF], [0], [LEFT_HALF, RIGHT_HALF]) == [-1, -1]


def test_equal_overlaps_go_to_the_first_anchor():
    face = [0.4, 0.4, 0.6, 0.6]
    assert match([face], [REAL], [[0.3, 0.4, 0.5, 0.6], [0.5, 0.4, 0.7, 0.6]]) == [0, -1]


def test_an_anchor_between_the_thresholds_is_ignored():
    params = MatchingParams(positive_iou=0.7, negative_iou=0.4)
    _, labels = make_targets(
        np.float32([[LEFT_HALF]]),
        np.int32([[FAKE]]),
        np.float32([LEFT_HALF, WHOLE, RIGHT_HALF]),
        VARIANCES,
        params,
    )
    assert np.asarray(labels)[0].tolist() == [FAKE, IGNORED, 0]


@pytest.fixture(scope="module")
def encoded(reference, detector_params):
    """Targets of the reference's twelve images by our code."""
    maps = [(side, side) for side in (38, 19, 10, 5, 3, 1)]
    anchors = make_anchors(detector_params.anchors, maps, 300)
    max_detections = 8
    boxes, labels = (
        np.zeros((12, max_detections, 4), np.float32),
        np.zeros((12, max_detections), np.int32),
    )
    for image in range(12):
        faces = reference["faces"][reference["faces"][:, 0] == image]
        boxes[image, : len(faces)] = faces[:, 2:] / 300
        labels[image, : len(faces)] = faces[:, 1]
    return make_targets(
        boxes, labels, anchors, detector_params.anchors.variances, detector_params.matching
    )


# The wide flat face of image 3 overlaps a row of anchors equally (to 1e-7): the reference took one
# of them by its rounding, we take the first.
TIED = {(3, 6506), (3, 6518)}


def test_the_same_anchors_are_matched_as_in_the_reference(encoded, reference):
    differing = np.argwhere(np.asarray(encoded[1]) != reference["label_targets"])
    assert {tuple(pair) for pair in differing.tolist()} == TIED


def test_offsets_equal_the_reference(encoded, reference):
    untied = np.array([tuple(pair) not in TIED for pair in reference["positive"].tolist()])
    image, anchor = reference["positive"][untied].T
    offsets = np.asarray(encoded[0])[image, anchor]
    assert np.abs(offsets - reference["positive_offsets"][untied]).max() < 1e-5
