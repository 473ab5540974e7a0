"""From the network's outputs to found faces: decoding and suppression. Liu et al. 2016, section 2.

One face is one location with two label scores: overlaps are suppressed over both labels, by the
probability that there is a face at all. (The paper suppresses per label: one face could then be
found twice, once as real and once as fake; `decode_detections_per_label` does, for comparison.)
Shapes: `B` images, `A` anchors, `C` labels with background.
"""

import keras
from keras import ops

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.models.ssd.nms import batched_nms, take_rows


def decode_detections(offsets, logits, anchors, variances, params: DetectionParams):
    """Find the faces in a batch of network outputs.

    Args:
        offsets: [B, A, 4].
        logits: [B, A, C].
        anchors: [A, 4].

    Returns:
        Boxes [B, most, 4] (may reach over the image) and scores [B, most, 2], the probability of
        real and of fake, best face first. Rows past the last found face are all zero.
    """
    boxes, index, found = batched_nms(offsets, score_faces(logits), anchors, variances, params)
    labels = ops.softmax(take_rows(logits, index), axis=-1)[..., 1:]  # [B, most, 2]
    return boxes, ops.where(found[..., None], labels, 0.0)


def score_faces(logits):
    """Compute the probability that there is a face, real or fake: [B, A, C] to [B, A].

    The sum of softmax's labels, column by column: softmax over so short a row is slow.
    """
    background, real, fake = ops.unstack(logits, axis=-1)  # [B, A] each
    return ops.sigmoid(ops.logaddexp(real, fake) - background)


def decode_detections_per_label(offsets, logits, anchors, variances, params: DetectionParams):
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
    parts = []
    for label in range(scores.shape[-1]):
        boxes, index, found = batched_nms(offsets, scores[..., label], anchors, variances, params)
        kept = ops.where(found, take_rows(scores[..., label], index), 0.0)
        parts.append((boxes, ops.where(found, label + 1, 0), kept))
    boxes, labels, scores = (ops.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    scores, order = ops.top_k(scores, k=params.max_detections)  # [B, most] of [B, 2 most]
    return take_rows(boxes, order), take_rows(labels, order), scores


@keras.saving.register_keras_serializable("deepfake_detector")
class DetectionDecoder(keras.layers.Layer):
    """`decode_detections` as the last layer of a detector. It carries the anchors as a weight.

    Args:
        anchor_count: `A`.
        variances: 4 numbers.
        detections: the fields of `DetectionParams`.
        precision: what the detector's file asks for wherever it is loaded: `precision` of
            `DetectorParams`; files of before have none.
    """

    def __init__(
        self, anchor_count: int, variances, detections: dict, precision="auto", **options
    ):
        super().__init__(**(options | {"dtype": "float32"}))
        self.precision = precision
        self.variances, self.detections = list(variances), dict(detections)
        self.anchors = self.add_weight(
            shape=(anchor_count, 4), initializer="zeros", trainable=False, name="anchors"
        )
        self.built = True

    def call(self, outputs):
        """Return `boxes` [B, K, 4] and `scores` [B, K, 2], K: `max_detections`."""
        boxes, scores = decode_detections(
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
            "precision": self.precision,
        }
