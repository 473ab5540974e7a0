"""An ONNX network in 8-bit integers: Jacob et al. 2018, after training, ranges seen on frames.

Weights channel by channel, activations per tensor (0-255), all in the QDQ form that ONNX Runtime
and OpenVINO both know. Decoding and suppression stay float32: they are added afterwards.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np


def quantize_onnx(network_file: Path, images: np.ndarray, path: Path) -> None:
    """Write a network file in 8-bit integers.

    Args:
        images: [B, S, S, 3] frames like those to come, on which the ranges are measured.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    name = onnx.load(network_file).graph.input[0].name

    class Frames(CalibrationDataReader):
        """The frames, one by one."""

        def __init__(self, frames: Iterator[dict]):
            self._frames = frames

        def get_next(self) -> dict | None:
            return next(self._frames, None)

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(network_file, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Frames({name: image[None]} for image in images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
