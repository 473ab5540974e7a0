"""SSD and face classifier in ONNX Runtime, called as the Keras models are.

Several small batches run at the same time, each in one thread: faster than one batch in several
threads, which wait for each other after every layer, and nobody spins on a busy machine
(benchmarks/README.md, "One engine"). A graphics card takes large batches, one after the other.
Shapes: `B` images or crops, `S` side in px.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

DETECTOR_ONNX, FACE_CLASSIFIER_ONNX = "detector.onnx", "face_classifier.onnx"

IMAGES_AT_ONCE = 4
"""In a batch of one thread: maps of more leave the processor's cache."""

ON_CARD_AT_ONCE = 32
"""In a batch of a graphics card, which waits for the processor between batches."""

CARD, PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxNetwork:
    """A network from images [B, S, S, 3], RGB 0-255, to arrays [B, ...] by name."""

    def __init__(self, path: Path, threads: int | None = None):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=choose_providers())
        is_on_card = self._session.get_providers()[0] == CARD  # not without a driver
        self._input = self._session.get_inputs()[0]
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._threads = 1 if is_on_card else threads or count_cores()
        self._at_once = ON_CARD_AT_ONCE if is_on_card else IMAGES_AT_ONCE
        self._pool = ThreadPoolExecutor(self._threads)

    @property
    def input_shape(self) -> tuple:
        """None, S, S, 3."""
        return (None, *self._input.shape[1:])

    def read_numbers(self) -> dict[str, float]:
        """Read the numbers that are kept in the file beside the network, by name."""
        return {n: float(v) for n, v in self._session.get_modelmeta().custom_metadata_map.items()}

    def run(self, images) -> dict[str, np.ndarray]:
        """Run the network on images [B, S, S, 3], of any type of number; at least one."""
        images = np.asarray(images)
        size = min(self._at_once, -(-len(images) // self._threads))
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        parts = list(self._pool.map(self._run_batch, batches))
        arrays = (np.concatenate(part) for part in zip(*parts, strict=True))
        return dict(zip(self._outputs, arrays, strict=True))

    def _run_batch(self, batch: np.ndarray) -> list[np.ndarray]:
        return self._session.run(
            self._outputs, {self._input.name: batch.astype(np.float32, copy=False)}
        )


class OnnxSsd(OnnxNetwork):
    """A detector: `boxes` [B, most, 4] and `scores` [B, most, 2] of images."""

    predict_on_batch = OnnxNetwork.run


class OnnxFaceClassifier(OnnxNetwork):
    """A face classifier, with the attributes of `FaceClassifier` that say what crops must show."""

    def __init__(self, path: Path, threads: int | None = None):
        super().__init__(path, threads)
        numbers = self.read_numbers()
        self.crop_px, self.crop_scale = self.input_shape[1], numbers["crop_scale"]
        self.fusion_weight = numbers["fusion_weight"]
        self.min_detection_score = numbers["min_detection_score"]

    def predict_on_batch(self, crops) -> np.ndarray:
        """Return the logits [B] of crops being fake."""
        return self.run(crops)["fake_logit"]


def choose_providers() -> list:
    """Return what networks run on: a graphics card before the processor, where there is support.

    The package `onnxruntime-gpu` has it, in place of `onnxruntime`. TensorFloat-32 would round a
    convolution's inputs to 10 bits, more than networks may differ from Keras.
    """
    has_card = CARD in onnxruntime.get_available_providers()
    return [*([(CARD, {"use_tf32": "0"})] if has_card else []), PROCESSOR]


def count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
