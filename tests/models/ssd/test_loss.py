import math

import numpy as np
import pytest

from deepfake_detector.common.labels import FAKE, REAL
from deepfake_detector.config.schema import LossParams
from deepfake_detector.models.ssd.loss import divide_loss, sum_loss

PARAMS = LossParams(
    neg_pos_ratio=3.0,
    max_negatives_without_faces=0.0,
    box_loss_weight=1.0,
    class_loss_weight=1.0,
)
UNDECIDED = [0.0, 0.0, 0.0]  # each label has probability 1/3
SURE_OF_FAKE = [0.0, 0.0, 50.0]


def loss(labels, logits, offset_targets=None, offsets=None, params=PARAMS):
    shape = (1, len(labels), 4)
    sums = sum_loss(
        np.zeros(shape, np.float32) if offset_targets is None else np.float32([offset_targets]),
        np.int32([labels]),
        np.zeros(shape, np.float32) if offsets is None else np.float32([offsets]),
        np.float32([logits]),
        params,
    )
    location, label = divide_loss(*sums, params)
    return float(location), float(label)


def test_a_positive_and_its_three_hardest_negatives_count():
    labels = [REAL, 0, 0, 0, 0, 0]
    logits = [UNDECIDED] * 4 + [[50.0, 0.0, 0.0]] * 2  # two negatives are already right
    assert loss(labels, logits)[1] == pytest.approx(4 * math.log(3), rel=1e-5)


def test_more_negatives_than_three_a_positive_do_not_count():
    assert loss([REAL] + [0] * 9, [UNDECIDED] * 10)[1] == pytest.approx(4 * math.log(3), rel=1e-5)


def test_an_ignored_anchor_costs_nothing():
    with_ignored = loss([FAKE, -1], [UNDECIDED, SURE_OF_FAKE])
    assert with_ignored[1] == pytest.approx(math.log(3), rel=1e-5)


def test_image_without_faces_costs_nothing():
    assert loss([0, 0], [UNDECIDED, SURE_OF_FAKE]) == (0.0, 0.0)


def test_image_without_faces_teaches_its_hardest_negatives_when_asked():
    params = PARAMS.model_copy(update={"max_negatives_without_faces": 1.0})
    assert loss([0, 0], [UNDECIDED, SURE_OF_FAKE], params=params)[1] == pytest.approx(50, rel=1e-4)


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 4.0), (0.5, 3.0), (0.0, 2.0)])
def test_which_label_a_face_has_weighs_as_told(weight, expected):
    """A face at e⁻², and e⁻² of that real."""
    face, real = math.exp(-2), math.exp(-4)
    logits = [math.log(1 - face), math.log(real), math.log(face - real)]
    params = PARAMS.model_copy(update={"class_loss_weight": weight})
    assert loss([REAL], [logits], params=params)[1] == pytest.approx(expected, rel=1e-5)


def test_a_negative_costs_the_same_whatever_labels_weigh():
    params = PARAMS.model_copy(
        update={"class_loss_weight": 0.0, "max_negatives_without_faces": 1.0}
    )
    assert loss([0], [UNDECIDED], params=params)[1] == pytest.approx(math.log(3), rel=1e-5)


def test_location_counts_positives_only_squared_near_and_linear_far():
    far_and_near = [[3.0, 0.5, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]]
    location, _ = loss([REAL, 0], [UNDECIDED] * 2, offset_targets=far_and_near)
    assert location == pytest.approx((3.0 - 0.5) + 0.5 * 0.5**2, rel=1e-6)


def test_loss_of_each_image_equals_the_reference(reference):
    for image in range(2):
        labels = reference["label_targets"][image]
        offset_targets = np.zeros((len(labels), 4), np.float32)
        own = reference["positive"][:, 0] == image
        offset_targets[reference["positive"][own, 1]] = reference["positive_offsets"][own]
        logits = np.log(np.maximum(reference["loss_probabilities"][image], 1e-15))
        parts = loss(labels, logits, offset_targets, reference["loss_offsets"][image])
        assert sum(parts) == pytest.approx(float(reference["loss"][image]), rel=1e-4)
