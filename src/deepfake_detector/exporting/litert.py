"""Export as LiteRT (formerly TensorFlow Lite): one image at a time, as its suppression takes one.

LiteRT has no loop with arrays that grow as the Keras model's suppression has; its own operator is
greedy and exact as well. Shapes: `A` anchors, `S` side of an image in px.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from deepfake_detector.detector.targets import decode_boxes
from deepfake_detector.exporting.networks import split_detector
from deepfake_detector.params import DetectionParams


def export_litert(detector: keras.Model, path: Path) -> None:
    """Write a detector as LiteRT: `image` [1, S, S, 3] to `boxes` and `scores`."""
    network, finder = split_detector(detector)
    anchors = np.asarray(finder.anchors)
    params = DetectionParams(**finder.detections)

    def find(image):
        outputs = network(image, training=False)
        boxes = decode_boxes(outputs["box"], anchors, finder.variances)
        return choose_faces_of_one(boxes, outputs["label"], params)

    _convert(find, network, path)


def write_litert(network: keras.Model, path: Path) -> None:
    """Write a network whose outputs need no decoding as LiteRT, for one image."""
    _convert(lambda image: network(image, training=False), network, path)


def choose_faces_of_one(boxes, logits, params: DetectionParams) -> dict:
    """Choose the faces of one image with TensorFlow's own suppression.

    Args:
        boxes: [1, A, 4].
        logits: [1, A, 3].

    Returns:
        `boxes` [1, most, 4] and `scores` [1, most, 2], as `detections.find_faces` gives them.
    """
    boxes = boxes[0]  # [A, 4]
    labels = tf.nn.softmax(logits)[0, :, 1:]  # [A, 2]
    best, count = tf.raw_ops.NonMaxSuppressionV4(
        boxes=boxes,
        scores=tf.reduce_sum(labels, axis=1),
        max_output_size=params.most,
        iou_threshold=params.suppression_overlap,
        score_threshold=params.score_threshold,
        pad_to_max_output_size=True,
    )
    found = tf.cast(tf.range(params.most) < count, tf.float32)[:, None]  # [most, 1]
    return {
        "boxes": (tf.gather(boxes, best) * found)[None],
        "scores": (tf.gather(labels, best) * found)[None],
    }


def _convert(function, network: keras.Model, path: Path) -> None:
    shape = (1, *network.input_shape[1:])
    signature = tf.function(function, [tf.TensorSpec(shape, tf.float32, "image")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [signature.get_concrete_function()], network
    )
    path.write_bytes(converter.convert())


def run_litert(path: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run a LiteRT file on images [B, S, S, 3], one by one: its outputs by name."""
    run = tf.lite.Interpreter(str(path)).get_signature_runner()
    found = [run(image=image[None]) for image in images]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
