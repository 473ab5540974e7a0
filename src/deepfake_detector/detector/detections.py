"""From the network's outputs to found faces: decoding and suppression. Liu et al. 2016, section 2.

One face is one location with two label scores: overlaps are suppressed over both labels, by the
probability that there is a face at all. (The paper suppresses per label: one face could then be
found twice, once as real and once as fake. `find_faces_per_label` does that, for comparison.)
Shapes: `B` images, `A` anchors, `K` candidates, `C` labels with background.
"""

import keras
from keras import ops

from deepfake_detector.boxes import compute_overlaps
from deepfake_detector.detector.targets import decode_boxes
from deepfake_detector.labels import BACKGROUND
from deepfake_detector.params import DetectionParams


def find_faces(offsets, logits, anchors, variances, params: DetectionParams):
    """Find the faces in a batch of network outputs.

    Args:
        offsets: [B, A, 4].
        logits: [B, A, C].
        anchors: [A, 4].

    Returns:
        Boxes [B, most, 4] (may reach over the image) and scores [B, most, 2], the probability of
        real and of fake, best face first. Rows past the last found face are all zero.
    """
    probabilities = ops.softmax(logits, axis=-1)  # [B, A, C]
    face_scores = 1.0 - probabilities[..., BACKGROUND]  # [B, A]
    count = min(params.candidates, offsets.shape[1])
    face_scores, index = ops.top_k(face_scores, k=count)  # [B, K], best first
    labels = ops.take_along_axis(probabilities[..., 1:], index[..., None], axis=1)  # [B, K, 2]
    offsets = ops.take_along_axis(offsets, index[..., None], axis=1)  # [B, K, 4]
    boxes = decode_boxes(offsets, ops.take(anchors, index, axis=0), variances)  # [B, K, 4]
    kept = suppress(boxes, face_scores > params.score_threshold, params.suppression_overlap)
    boxes, labels = _move_to_front(kept, params.most, boxes, labels)
    return boxes, labels


def find_faces_per_label(offsets, logits, anchors, variances, params: DetectionParams):
    """Find faces as the paper and the 2020 project did: overlaps suppressed for each label alone.

    Args:
        offsets: [B, A, 4].
        logits: [B, A, C].
        anchors: [A, 4].

    Returns:
        Boxes [B, most, 4], labels int [B, most] and scores [B, most], best first. Rows past the
        last found face are zero.
    """
    scores = ops.softmax(logits, axis=-1)[..., 1:]  # [B, A, 2]
    labels = scores.shape[-1]
    count = min(params.candidates, offsets.shape[1])
    scores, index = ops.top_k(ops.swapaxes(scores, 1, 2), k=count)  # [B, 2, K]
    offsets = ops.take_along_axis(offsets[:, None], index[..., None], axis=2)  # [B, 2, K, 4]
    boxes = decode_boxes(offsets, ops.take(anchors, index, axis=0), variances)
    kept = suppress(
        ops.reshape(boxes, (-1, count, 4)),
        ops.reshape(scores > params.score_threshold, (-1, count)),
        params.suppression_overlap,
    )
    scores = ops.where(ops.reshape(kept, (-1, labels * count)), _flatten(scores), 0.0)
    scores, index = ops.top_k(scores, k=min(params.most, labels * count))  # [B, most]
    boxes = ops.take_along_axis(
        ops.reshape(boxes, (-1, labels * count, 4)), index[..., None], axis=1
    )
    found = scores > 0
    boxes = ops.where(found[..., None], boxes, 0.0)
    return boxes, ops.where(found, 1 + index // count, 0), scores


def _flatten(scores):
    return ops.reshape(scores, (-1, scores.shape[1] * scores.shape[2]))  # [B, 2, K] to [B, 2 K]


def suppress(boxes, is_candidate, overlap: float):
    """Suppress boxes that overlap a better, kept one: greedy non-maximum suppression.

    Greedy suppression is the one fixed point of "kept = no kept better box overlaps me", so it is
    found by repeating that for all boxes at once until nothing changes: a few rounds, exact.

    Args:
        boxes: [B, K, 4], best first.
        is_candidate: bool [B, K].
        overlap: a box is suppressed when it overlaps a kept one by more than this.

    Returns:
        bool [B, K].
    """
    count = boxes.shape[1]
    better = ops.arange(count)[:, None] < ops.arange(count)[None, :]  # [K, K]
    beats = (compute_overlaps(boxes, boxes) > overlap) & better  # [B, K, K]
    beats = ops.cast(beats & is_candidate[:, :, None], "float32")

    def repeat(kept, _):
        beaten = ops.matmul(ops.cast(kept, "float32")[:, None], beats)[:, 0] > 0  # [B, K]
        return is_candidate & ~beaten, kept

    def has_changed(kept, before):
        return ops.any(kept != before)

    return ops.while_loop(has_changed, repeat, (is_candidate, ~is_candidate))[0]


def _move_to_front(kept, most: int, boxes, labels):
    """Move kept rows to the front in their order, zero the rest, cut after `most`."""
    order = ops.argsort(ops.cast(~kept, "int32"), axis=1)[:, :most]  # stable: kept first
    kept = ops.take_along_axis(kept, order, axis=1)[..., None]  # [B, most, 1]
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    labels = ops.take_along_axis(labels, order[..., None], axis=1)
    return ops.where(kept, boxes, 0.0), ops.where(kept, labels, 0.0)


@keras.saving.register_keras_serializable("deepfake_detector")
class FindFaces(keras.layers.Layer):
    """`find_faces` as the last layer of a detector. It carries the anchors as a weight.

    Args:
        anchor_count: `A`.
        variances: 4 numbers.
        detections: the fields of `DetectionParams`.
    """

    def __init__(self, anchor_count: int, variances, detections: dict, **options):
        super().__init__(**(options | {"dtype": "float32"}))
        self.variances, self.detections = list(variances), dict(detections)
        self.anchors = self.add_weight(
            shape=(anchor_count, 4), initializer="zeros", trainable=False, name="anchors"
        )
        self.built = True

    def call(self, outputs):
        """Turn `{"box", "label"}` into `{"boxes": [B, most, 4], "scores": [B, most, 2]}`."""
        boxes, scores = find_faces(
            outputs["box"],
            outputs["label"],
            self.anchors,
            self.variances,
            DetectionParams(**self.detections),
        )
        return {"boxes": boxes, "scores": scores}

    def get_config(self):
        return super().get_config() | {
            "anchor_count": self.anchors.shape[0],
            "variances": self.variances,
            "detections": self.detections,
        }
