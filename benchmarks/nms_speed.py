"""How fast a dense output becomes faces, against greedy suppression as it is usually written.

The outputs are those of a network that has learned nothing: nearly all of the 8,732 anchors are
over the score threshold. `random` is every anchor for itself; `network` what the project's own
gives with random weights; `smooth` is the hardest case, in which the best anchors lie on top of
each other. Both sides get the same outputs and must give the same faces. CPU time of all threads
is compared, which a busy machine hardly changes. `benchmarks/README.md` says what bounds it.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

IMAGES = 8
MIN_RATIO = 150
MAP_SIZES = [(side, side) for side in (38, 19, 10, 5, 3, 1)]  # of SSD300
TOLERANCE = 1e-4  # of boxes and scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    import tensorflow as tf

    from deepfake_detector.config.schema import load_params
    from deepfake_detector.models.ssd.anchors import make_anchors
    from deepfake_detector.models.ssd.detection_decoder import decode_detections

    params = load_params(PROJECT / "params.yaml").detector
    anchors = make_anchors(params.anchors, MAP_SIZES, params.image_size_px)
    variances = np.float32(params.anchors.variances)

    @tf.function
    def ours(offsets, logits):
        return decode_detections(offsets, logits, anchors, variances, params.detections)

    def numpy(offsets, logits):
        return find_with_numpy(offsets, logits, anchors, variances, params.detections)

    print(f"{'outputs':24}{'NumPy':>12}{'ours':>12}{'ratio':>8}   at least")
    compare("random", make_random(len(anchors)), ours, numpy, arguments.repeats)
    compare(
        "network, random weights", make_network_outputs(params), ours, numpy, arguments.repeats
    )
    compare("smooth", make_smooth(len(anchors)), ours, numpy, arguments.repeats)


def compare(name: str, outputs, ours, numpy, repeats: int) -> None:
    """Check that both find the same faces, then let them take turns."""
    found = [np.asarray(part) for part in ours(*outputs)]
    for part, expected in zip(found, numpy(*outputs), strict=True):
        if not np.allclose(part, expected, atol=TOLERANCE):
            raise SystemExit(f"{name}: not the same faces")
    times = {"numpy": [], "ours": []}
    for _ in range(repeats):
        times["numpy"].append(measure(numpy, outputs, 1))
        times["ours"].append(measure(ours, outputs, 20))
    slow, fast = (statistics.median(times[side]) for side in ("numpy", "ours"))
    print(
        f"{name:24}{IMAGES / slow:8.1f}/s  {IMAGES / fast:8.1f}/s  {slow / fast:6.0f}x"
        f"   {MIN_RATIO}x   ({(found[1].sum(axis=2) > 0).sum()} faces, the same)"
    )


def measure(find, outputs, times: int) -> float:
    """Measure seconds of CPU time a batch."""
    started = time.process_time()
    for _ in range(times):
        boxes, _ = find(*outputs)
    np.asarray(boxes)
    return (time.process_time() - started) / times


def make_random(anchors: int):
    """Make outputs in which each anchor speaks for itself."""
    random = np.random.default_rng(7)
    offsets = random.normal(0, 1, (IMAGES, anchors, 4))
    logits = random.normal(0, 1, (IMAGES, anchors, 3))
    return np.float32(offsets), np.float32(logits)


def make_smooth(anchors: int):
    """Make outputs in which neighbours agree: the best anchors lie in clumps, the worst case."""
    random = np.random.default_rng(7)
    steps = random.normal(0, 0.1, (IMAGES, anchors, 7)).cumsum(axis=1)
    steps -= steps.mean(axis=1, keepdims=True)
    steps /= steps.std(axis=1, keepdims=True)
    return np.float32(steps[..., :4]), np.float32(steps[..., 4:])


def make_network_outputs(params):
    """Let a network with random weights look at noise."""
    import keras

    from deepfake_detector.models.ssd.network import build_detector

    keras.utils.set_random_seed(7)
    detector = build_detector(params)
    side = params.image_size_px
    images = np.random.default_rng(7).uniform(0, 255, (IMAGES, side, side, 3))
    outputs = detector(np.float32(images), training=True)  # with the batch's own statistics
    return np.asarray(outputs["box"]), np.asarray(outputs["label"])


def find_with_numpy(offsets, logits, anchors, variances, params):
    """Find faces image by image with the loop that SSD code has had since 2016."""
    boxes = np.zeros((len(offsets), params.max_detections, 4), np.float32)
    scores = np.zeros((len(offsets), params.max_detections, 2), np.float32)
    for image in range(len(offsets)):
        exponentials = np.exp(logits[image] - logits[image].max(axis=-1, keepdims=True))
        labels = exponentials / exponentials.sum(axis=-1, keepdims=True)  # [A, 3]
        decoded = decode(offsets[image], anchors, variances)
        kept = nms(decoded, 1 - labels[:, 0], params)[: params.max_detections]
        boxes[image, : len(kept)] = decoded[kept]
        scores[image, : len(kept)] = labels[kept, 1:]
    return boxes, scores


def decode(offsets, anchors, variances):
    """Turn offsets [A, 4] into boxes [A, 4]."""
    offsets = offsets * variances
    sizes = anchors[:, 2:] - anchors[:, :2]
    centers = offsets[:, :2] * sizes + (anchors[:, :2] + anchors[:, 2:]) / 2
    halves = np.exp(offsets[:, 2:]) * sizes / 2
    return np.concatenate([centers - halves, centers + halves], axis=1)


def nms(boxes, scores, params) -> list[int]:
    """Keep the best box, drop all that overlap it, and again, until none is left."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.argsort(-scores, kind="stable")
    left = left[scores[left] > params.score_threshold]
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        starts = np.maximum(boxes[left, :2], boxes[best, :2])
        ends = np.minimum(boxes[left, 2:], boxes[best, 2:])
        shared = np.prod(np.maximum(ends - starts, 0), axis=1)
        ious = shared / (areas[left] + areas[best] - shared)
        left = left[ious <= params.nms_iou_threshold]
    return kept


if __name__ == "__main__":
    main()
