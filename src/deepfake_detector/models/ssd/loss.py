"""The SSD loss: where the face is, and which label it has. Liu et al. 2016, equation 1.

Differences from the 2020 project, on purpose: hard negatives are mined per image, not across the
batch, and an image without faces still teaches its few hardest negatives. The paper's softmax over
background and labels is two questions in one, is there a face, and which label has it; the second
one may weigh less, where somebody else answers it.
Shapes: `B` images, `A` anchors, `C` labels with background.
"""

from keras import ops

from deepfake_detector.common.labels import BACKGROUND
from deepfake_detector.config.schema import LossParams


def sum_loss(offset_targets, label_targets, offsets, logits, params: LossParams):
    """Sum the location loss and the label loss of images, and count their positive anchors.

    No image depends on another one, so that sums of the parts of a batch add up to its own.

    Args:
        offset_targets: [B, A, 4].
        label_targets: int [B, A]: a face's label, 0 background, -1 ignored.
        offsets: [B, A, 4], predicted.
        logits: [B, A, C], predicted, before softmax.

    Returns:
        Three scalars: location (not weighted), label, number of positive anchors.
    """
    offsets, logits = ops.cast(offsets, "float32"), ops.cast(logits, "float32")
    positive = ops.cast(label_targets > BACKGROUND, "float32")  # [B, A]
    positives = ops.sum(positive)
    location = ops.sum(_smooth_l1(offset_targets - offsets) * positive)
    cross_entropy = _cross_entropy(label_targets, logits, params.class_loss_weight)  # [B, A]
    label = ops.sum(cross_entropy * positive) + ops.sum(
        _sum_hardest_negatives(cross_entropy, label_targets, params)
    )
    return location, label, positives


def divide_loss(location, label, positives, params: LossParams):
    """Make the losses of a batch of its sums, as `sum_loss` returns them.

    Returns:
        Two scalars, location (weighted) and label, both divided by the number of positive anchors
        of the batch (by 1 where there are none). They add up to the SSD loss.
    """
    positives = ops.maximum(positives, 1.0)
    return params.box_loss_weight * location / positives, label / positives


def _smooth_l1(difference):
    """Sum smooth-L1 over the four offsets: [B, A, 4] to [B, A]. Girshick 2015, equation 3."""
    size = ops.abs(difference)
    return ops.sum(ops.where(size < 1, 0.5 * size * size, size - 0.5), axis=-1)  # [B, A]


def _cross_entropy(label_targets, logits, class_loss_weight: float):
    """Compute the cross-entropy of each anchor, 0 for ignored ones: [B, A].

    Of a face it is -log P(face) - `class_loss_weight` · log P(label | face); 1 is the paper's.
    """
    one_hot = ops.one_hot(label_targets, logits.shape[-1], dtype="float32")  # -1: all zero
    log_shares = ops.log_softmax(logits, axis=-1)  # [B, A, C]
    whole = ops.sum(one_hot * log_shares, axis=-1)  # [B, A]
    face = ops.logsumexp(log_shares[..., BACKGROUND + 1 :], axis=-1)  # [B, A]
    weighed = face + class_loss_weight * (whole - face)
    return -ops.where(label_targets > BACKGROUND, weighed, whole)  # [B, A]


def _sum_hardest_negatives(cross_entropy, label_targets, params: LossParams):
    """Sum the cross-entropy of each image's hardest negatives: [B]."""
    is_negative = label_targets == BACKGROUND
    faces = ops.sum(ops.cast(label_targets > BACKGROUND, "float32"), axis=1)  # [B]
    wanted = ops.where(faces > 0, faces * params.neg_pos_ratio, params.max_negatives_without_faces)
    hardest = ops.top_k(ops.where(is_negative, cross_entropy, 0.0), k=cross_entropy.shape[1])[
        0
    ]  # sorted
    rank = ops.arange(cross_entropy.shape[1], dtype="float32")
    return ops.sum(ops.where(rank[None] < wanted[:, None], hardest, 0.0), axis=1)  # [B]
