"""Boxes encoded as offsets from anchors, and back.

Offsets are those of Ren et al. 2015 (Faster R-CNN), section 3.1.2, divided by Caffe SSD's
variances. Shapes: `A` anchors.
"""

import numpy as np
from keras import ops

from deepfake_detector.models.ssd.tensor_boxes import centered_to_corners, corners_to_centered


def encode_boxes(boxes, anchors, variances):
    """Encode boxes [..., A, 4] as offsets [..., A, 4] from their anchors [A, 4]."""
    box, anchor = corners_to_centered(boxes), corners_to_centered(anchors)
    centers = (box[..., :2] - anchor[..., :2]) / anchor[..., 2:]
    sizes = ops.log(ops.maximum(box[..., 2:], 1e-8) / anchor[..., 2:])
    return ops.concatenate([centers, sizes], axis=-1) / np.asarray(variances, np.float32)


def decode_boxes(offsets, anchors, variances):
    """Turn offsets [..., A, 4] back into boxes [..., A, 4]: the inverse of `encode_boxes`."""
    offsets = offsets * np.asarray(variances, np.float32)
    anchor = corners_to_centered(anchors)
    centers = offsets[..., :2] * anchor[..., 2:] + anchor[..., :2]
    sizes = ops.exp(ops.minimum(offsets[..., 2:], 10.0)) * anchor[..., 2:]  # 10: no overflow
    return centered_to_corners(ops.concatenate([centers, sizes], axis=-1))
