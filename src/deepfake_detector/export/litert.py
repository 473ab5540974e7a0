"""Export as LiteRT (formerly TensorFlow Lite), in real numbers and in 8-bit integers.

One image at a time: LiteRT's own suppression takes one, and is greedy and exact; the loops of the
Keras model's grow arrays, which LiteRT has not. Only operators that are built into LiteRT are
used. Integers: Jacob et al. 2018, after training, with decoding and suppression left in float32.
Shapes: `B` images, `A` anchors, `S` side of an image in px.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.export.networks import split_detector
from deepfake_detector.export.saved_model import write_saved_model
from deepfake_detector.models.ssd.box_coding import decode_boxes
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

_DECODER = "decode_detections_of_one"


class SingleImageDecoder(keras.layers.Layer):
    """`detections.decode_detections` for one image, with TensorFlow's own suppression."""

    def __init__(self, decoder: DetectionDecoder):
        super().__init__(name=_DECODER)
        self._anchors, self._variances = np.asarray(decoder.anchors), decoder.variances
        self._params = DetectionParams(**decoder.detections)

    def call(self, outputs):
        """Turn `{"box": [1, A, 4], "label": [1, A, 3]}` into `boxes` and `scores`."""
        boxes = decode_boxes(outputs["box"], self._anchors, self._variances)[0]  # [A, 4]
        labels = tf.nn.softmax(outputs["label"])[0, :, 1:]  # [A, 2]
        best, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes,
            scores=tf.reduce_sum(labels, axis=1),
            max_output_size=self._params.max_detections,
            iou_threshold=self._params.nms_iou_threshold,
            score_threshold=self._params.score_threshold,
            pad_to_max_output_size=True,
        )
        found = tf.cast(tf.range(self._params.max_detections) < count, tf.float32)[
            :, None
        ]  # [most, 1]
        return {
            "boxes": (tf.gather(boxes, best) * found)[None],  # [1, most, 4]
            "scores": (tf.gather(labels, best) * found)[None],  # [1, most, 2]
        }


def write_litert_detector(
    detector: keras.Model, calibration: np.ndarray, path: Path, integers_path: Path
) -> None:
    """Write a detector as LiteRT twice: in real numbers, and in 8-bit integers.

    Args:
        calibration: frames [B, S, S, 3] on which the ranges of 8-bit integers are measured.
    """
    network, decoder = split_detector(detector)
    image = keras.Input(batch_shape=(1, *network.input_shape[1:]), name="image")
    finds = keras.Model(image, SingleImageDecoder(decoder)(network(image)))
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(finds, Path(folder))
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        exact = _list_exact(path)
        integers_path.write_bytes(_convert_to_integers(folder, calibration, exact))


def write_litert(network: keras.Model, path: Path) -> None:
    """Write a network whose outputs need no decoding as LiteRT."""
    image = keras.Input(batch_shape=(1, *network.input_shape[1:]), name="image")
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(keras.Model(image, network(image)), Path(folder))
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


def _list_exact(path: Path) -> list[str]:
    """List the values that decoding and suppression compute, as a file names them."""
    interpreter = tf.lite.Interpreter(str(path))
    outputs = [output["name"] for output in interpreter.get_output_details()]
    names = [tensor["name"] for tensor in interpreter.get_tensor_details()]
    return outputs + [name for name in names if _DECODER in name]


def _convert_to_integers(folder: str, calibration: np.ndarray, exact: list[str]) -> bytes:
    """Convert a SavedModel; `exact` values stay float32, which only the debugger can ask for."""

    def list_images():
        for image in calibration:
            yield [image[None]]

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = list_images
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=list_images,
        debug_options=tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=exact),
    )
    return debugger.get_nondebug_quantized_model()


def run_litert(path: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run a LiteRT file on images [B, S, S, 3], one by one: its outputs by name."""
    run = tf.lite.Interpreter(str(path)).get_signature_runner()
    (name,) = run.get_input_details()
    found = [run(**{name: image[None]}) for image in images]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
