"""Training targets of the network: faces matched to anchors and encoded as offsets.

Liu et al. 2016 (SSD), section 2.2, "Matching strategy". Runs on the device, whatever the Keras
backend.
Shapes: `B` images, `N` faces per image (padded), `A` anchors.
"""

import numpy as np
from keras import ops

from deepfake_detector.common.labels import BACKGROUND
from deepfake_detector.config.schema import MatchingParams
from deepfake_detector.models.ssd.box_coding import encode_boxes
from deepfake_detector.models.ssd.tensor_boxes import compute_iou

IGNORED = -1
"""Label target of an anchor that is neither positive nor negative."""

_TIE = 1e-6
"""Neighbouring anchors often overlap a face equally: then the first one is its best, however the
last bit was rounded."""


def make_targets(boxes, labels, anchors: np.ndarray, variances, params: MatchingParams):
    """Match faces to anchors and encode them.

    Args:
        boxes: [B, N, 4], N at least 1; rows of padding may hold anything.
        labels: int [B, N], 0 for padding. An image without faces is all padding.
        anchors: [A, 4].
        variances: 4 numbers.

    Returns:
        Offsets [B, A, 4] (0 where the anchor is not positive) and label targets int32 [B, A]:
        a face's label, 0 for background, `IGNORED`.
    """
    faces, best_ious = match_anchors(boxes, labels, anchors, params)  # [B, A] both
    positive = faces >= 0
    index = ops.maximum(faces, 0)
    matched_labels = ops.take_along_axis(ops.cast(labels, "int32"), index, axis=1)  # [B, A]
    doubtful = best_ious >= params.negative_iou
    label_targets = ops.where(positive, matched_labels, ops.where(doubtful, IGNORED, BACKGROUND))
    matched_boxes = ops.take_along_axis(boxes, index[..., None], axis=1)  # [B, A, 4]
    matched_boxes = ops.where(positive[..., None], matched_boxes, anchors)
    return encode_boxes(matched_boxes, anchors, variances), label_targets


def match_anchors(boxes, labels, anchors: np.ndarray, params: MatchingParams):
    """Give each anchor the face it is responsible for.

    Every face gets its best anchor (the best pair first, each anchor once), then every other
    anchor the face it overlaps most, from `positive_iou` on.

    Returns:
        Index of the face int32 [B, A], -1 for none, and the anchor's best IoU [B, A].
    """
    ious = compute_iou(boxes, anchors[None])  # [B, N, A]
    ious = ops.where((labels > BACKGROUND)[..., None], ious, 0.0)
    best_ious = ops.max(ious, axis=1)  # [B, A]
    best_faces = ops.cast(ops.argmax(ious, axis=1), "int32")  # [B, A]
    best_faces = ops.where(best_ious >= params.positive_iou, best_faces, -1)
    best_faces = ops.where(best_ious > 0, best_faces, -1)  # a threshold of 0 matches nothing
    own_faces = _match_each_face_once(ious)
    return ops.where(own_faces >= 0, own_faces, best_faces), best_ious


def _match_each_face_once(ious):
    """Pair faces with anchors greedily, best IoU first: int32 [B, A], -1 for none."""
    face_count, anchor_count = ops.shape(ious)[1], ops.shape(ious)[2]

    def pair_one(_, state):
        remaining, matched = state
        best = ops.max(remaining, axis=2)  # [B, N]
        face = ops.cast(ops.argmax(best, axis=1), "int32")  # [B]
        row = ops.take_along_axis(remaining, face[:, None, None], axis=1)[:, 0]  # [B, A]
        tied = row >= ops.max(row, axis=1, keepdims=True) - _TIE  # [B, A]
        anchor = ops.cast(ops.argmax(ops.cast(tied, "int32"), axis=1), "int32")  # [B]: the first
        is_anchor = ops.arange(anchor_count)[None] == anchor[:, None]  # [B, A]
        is_face = ops.arange(face_count)[None] == face[:, None]  # [B, N]
        found = (ops.max(best, axis=1) > 0)[:, None]  # [B, 1]: no face is left otherwise
        matched = ops.where(is_anchor & found, face[:, None], matched)
        taken = is_face[:, :, None] | is_anchor[:, None, :]  # [B, N, A]
        return ops.where(taken, 0.0, remaining), matched

    nothing = ops.zeros_like(ious[:, 0, :], dtype="int32") - 1  # [B, A]
    return ops.fori_loop(0, face_count, pair_one, (ious, nothing))[1]
