import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_detector.models.ssd.box_coding import decode_boxes, encode_boxes

VARIANCES = [0.1, 0.1, 0.2, 0.2]


def test_an_offset_is_the_distance_in_anchor_sizes_over_the_variance():
    offsets = encode_boxes(
        np.float32([[0.3, 0.2, 0.7, 0.6]]), np.float32([[0.2, 0.2, 0.4, 0.6]]), VARIANCES
    )
    # centre x 0.5 - 0.3 = 0.2 = 1 anchor width; width 0.4 is twice the anchor's
    assert np.allclose(offsets, [[10.0, 0.0, np.log(2) / 0.2, 0.0]], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_survive_the_round_trip_through_offsets(seed):
    random = np.random.default_rng(seed)
    corner, sides = random.uniform(0, 0.5, (2, 5, 2))
    boxes = np.concatenate([corner, corner + sides + 0.01], axis=1).astype(np.float32)
    anchors = np.roll(boxes, 1, axis=0)
    decoded = decode_boxes(encode_boxes(boxes, anchors, VARIANCES), anchors, VARIANCES)
    assert np.allclose(decoded, boxes, atol=1e-5)
