"""Greedy non-maximum suppression: of boxes that overlap, the best one stays.

Exact, however many anchors are candidates, and made for whole batches on every Keras backend.
Shapes: `B` images, `A` anchors, `S` anchors sorted at once, `K` of them in a block.
"""

from keras import ops

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.models.ssd.box_coding import decode_boxes
from deepfake_detector.models.ssd.tensor_boxes import is_iou_above

_BLOCK = 128
"""Anchors analyzed together: the pairs of a block stay in the processor's cache."""

_BLOCKS_SORTED = 4
"""Blocks whose anchors are sorted at once: rarely are more needed."""

_NONE = -1.0
"""Score of an anchor that has been analyzed."""


def batched_nms(offsets, scores, anchors, variances, params: DetectionParams):
    """Find the best boxes that do not overlap a better one: greedy non-maximum suppression.

    Exact for any number of anchors over the threshold: they are analyzed block by block, best
    first, until `max_detections` are kept in every image or none is left.

    Args:
        offsets: [B, A, 4].
        scores: [B, A].
        anchors: [A, 4].

    Returns:
        Boxes [B, most, 4], the anchors they come from, int [B, most], and which rows are found,
        bool [B, most]: the first ones, best first. Boxes past them are zero.
    """
    size = min(_BLOCK, scores.shape[1])
    count = size * min(_BLOCKS_SORTED, scores.shape[1] // size)  # `S`

    def has_work(boxes, index, found, waiting):
        return ops.any(~found[:, -1] & (ops.max(waiting, axis=1) > params.score_threshold))

    def take_best(boxes, index, found, waiting):
        best_scores, best = ops.top_k(waiting, k=count)  # [B, S], best first
        best_boxes = take_rows(offsets, best)  # [B, S, 4]
        best_boxes = decode_boxes(best_boxes, ops.take(anchors, best, axis=0), variances)
        waiting = _remove_up_to(waiting, best_scores[:, -1:], best[:, -1:])
        best = (best_boxes, ops.cast(best, "int32"), best_scores > params.score_threshold)
        kept = _keep_from_blocks((boxes, index, found), best, size, params.nms_iou_threshold)
        return *kept, waiting

    nothing = scores[:, :1] * ops.zeros(
        (1, params.max_detections)
    )  # [B, most], whatever the batch
    state = (
        ops.repeat(nothing[..., None], 4, axis=2),
        ops.cast(nothing, "int32"),
        ops.cast(nothing, "bool"),
        scores,
    )
    return ops.while_loop(has_work, take_best, state)[:3]


def _keep_from_blocks(kept, best, size: int, iou_threshold: float):
    """Suppress block by block and add to what is kept.

    Args:
        kept: boxes [B, most, 4], anchors [B, most], which rows are found [B, most].
        best: boxes [B, S, 4], anchors [B, S], which are candidates [B, S], best first.
        size: `K`, a divisor of `S`.

    Returns:
        `kept`, with more of it.
    """
    blocks = best[1].shape[1] // size
    best = [ops.reshape(part, (-1, blocks, size, *part.shape[2:])) for part in best]

    def has_work(number, boxes, index, found):
        is_candidate = best[2][:, :, 0]  # [B, blocks]: of the best of each block
        ahead = ops.arange(blocks)[None] >= number
        return ops.any(is_candidate & ahead & ~found[:, -1:])

    def take_block(number, boxes, index, found):
        block_boxes, block, is_candidate = (ops.take(part, number, axis=1) for part in best)
        beaten = ops.cond(
            ops.any(found),  # nothing is before the first block
            lambda: ops.any(is_iou_above(block_boxes, boxes, iou_threshold), axis=2),  # [B, K]
            lambda: ops.zeros_like(is_candidate),
        )
        chosen = nms(block_boxes, is_candidate & ~beaten, iou_threshold)
        joined = _append((boxes, block_boxes), (index, block), (found, chosen))
        return number + 1, *joined

    number = ops.convert_to_tensor(0, dtype="int32")
    return ops.while_loop(has_work, take_block, (number, *kept))[1:]


def _append(boxes, index, found):
    """Join what was kept with a block, found rows first, cut to `max_detections`."""
    max_detections = found[0].shape[1]
    boxes, index, found = (ops.concatenate(pair, axis=1) for pair in (boxes, index, found))
    ranks = ops.arange(found.shape[1], 0, -1, dtype="float32")  # earlier rows rank higher
    ranks, order = ops.top_k(ops.where(found, ranks, 0.0), k=max_detections)  # [B, most]
    found = ranks > 0
    boxes, index = take_rows(boxes, order), take_rows(index, order)  # [B, most, 4], [B, most]
    return ops.where(found[..., None], boxes, 0.0), ops.where(found, index, 0), found


def take_rows(rows, index):
    """Take rows [B, K, ...] of each image's own [B, N, ...] by their index, int [B, K].

    What `take_along_axis` gives, which copies and transposes all rows before it takes any.
    """
    count = rows.shape[1]
    firsts = ops.arange(ops.shape(rows)[0], dtype="int32")[:, None] * count  # [B, 1]
    flat = ops.reshape(rows, (-1, *rows.shape[2:]))  # [B * N, ...]
    return ops.take(flat, ops.cast(index, "int32") + firsts, axis=0)


def _remove_up_to(waiting, score, anchor):
    """Remove what `top_k` has given up to its last score and anchor, both [B, 1]: [B, A].

    Of equal scores `top_k` gives the first anchor first.
    """
    anchors = ops.arange(waiting.shape[1], dtype="int32")[None]
    is_later = (waiting < score) | ((waiting == score) & (anchors > ops.cast(anchor, "int32")))
    return ops.where(is_later, waiting, _NONE)


def nms(boxes, is_candidate, iou_threshold: float):
    """Suppress boxes that overlap a better, kept one.

    Greedy suppression is the one fixed point of "kept = no kept better box overlaps me", so it is
    found by repeating that for all boxes at once until nothing changes: a few rounds, exact.

    Args:
        boxes: [B, K, 4], best first.
        is_candidate: bool [B, K].
        iou_threshold: a box is suppressed when it overlaps a kept one by more than this.

    Returns:
        bool [B, K].
    """
    count = boxes.shape[1]
    better = ops.arange(count)[:, None] < ops.arange(count)[None, :]  # [K, K]
    beats = ops.cast(is_iou_above(boxes, boxes, iou_threshold) & better, "float32")  # [B, K, K]

    candidates = ops.cast(is_candidate, "float32")[:, None]  # [B, 1, K]: 1 or 0

    def repeat(kept, _):
        return ops.where(ops.matmul(kept, beats) > 0, 0.0, candidates), kept

    def has_changed(kept, before):
        return ops.any(kept != before)

    kept = ops.while_loop(has_changed, repeat, (candidates, 1.0 - candidates))[0]
    return kept[:, 0] > 0
