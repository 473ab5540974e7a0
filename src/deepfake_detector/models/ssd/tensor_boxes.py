"""Boxes as tensors: conversion and IoU.

A box is (left, top, right, bottom), usually in fractions of the image, 0-1. `boxes_centered` are
(centre x, centre y, width, height). Works on every Keras backend. `N`, `M` are numbers of boxes.
"""

from keras import ops


def corners_to_centered(boxes):
    """Convert boxes [..., 4] to (centre x, centre y, width, height) [..., 4]."""
    left_top, right_bottom = boxes[..., :2], boxes[..., 2:]
    return ops.concatenate([(left_top + right_bottom) / 2, right_bottom - left_top], axis=-1)


def centered_to_corners(boxes_centered):
    """Convert (centre x, centre y, width, height) [..., 4] to boxes [..., 4]."""
    centers, sizes = boxes_centered[..., :2], boxes_centered[..., 2:]
    return ops.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)


def compute_iou(boxes, other_boxes):
    """Compute the IoU of every box with every other box.

    Args:
        boxes: [..., N, 4].
        other_boxes: [..., M, 4], leading axes that broadcast with those of `boxes`.

    Returns:
        [..., N, M] in 0-1. A box without area overlaps nothing: 0, also with itself.
    """
    boxes = boxes[..., :, None, :]  # [..., N, 1, 4]
    other_boxes = other_boxes[..., None, :, :]  # [..., 1, M, 4]
    left_top = ops.maximum(boxes[..., :2], other_boxes[..., :2])  # [..., N, M, 2]
    right_bottom = ops.minimum(boxes[..., 2:], other_boxes[..., 2:])  # [..., N, M, 2]
    sides = ops.maximum(right_bottom - left_top, 0.0)
    shared = sides[..., 0] * sides[..., 1]  # [..., N, M]
    union = _compute_areas(boxes) + _compute_areas(other_boxes) - shared
    return ops.where(shared > 0, shared / ops.maximum(union, 1e-12), 0.0)


def is_iou_above(boxes, other_boxes, least: float):
    """Tell which boxes IoU which other boxes by more than `least`.

    What `compute_iou(...) > least` tells but for the last bit, at half the cost: nothing is
    divided, and no array is larger than the answer.

    Args:
        boxes: [..., N, 4].
        other_boxes: [..., M, 4], leading axes that broadcast with those of `boxes`.

    Returns:
        bool [..., N, M].
    """
    left, top, right, bottom = ops.unstack(boxes[..., :, None, :], axis=-1)  # [..., N, 1]
    others = ops.unstack(other_boxes[..., None, :, :], axis=-1)  # [..., 1, M]
    width = ops.minimum(right, others[2]) - ops.maximum(left, others[0])  # [..., N, M]
    height = ops.minimum(bottom, others[3]) - ops.maximum(top, others[1])
    shared = ops.maximum(width, 0.0) * height  # 0 or less: nothing is shared
    fraction = least / (1 + least)  # shared / (sum - shared) > least, solved for shared
    areas = _compute_areas(boxes)[..., :, None] * fraction
    return shared > areas + _compute_areas(other_boxes)[..., None, :] * fraction


def _compute_areas(boxes):
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]
