"""An ONNX network in 8-bit integers: Jacob et al. 2018, after training, ranges seen on frames.

Weights channel by channel, activations per tensor (0-255), all in the QDQ form that ONNX Runtime
and OpenVINO both know. Decoding and suppression stay float32: they are added afterwards.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx


def quantize_onnx(network: onnx.ModelProto, images: np.ndarray) -> onnx.ModelProto:
    """Make of a network the same in 8-bit integers.

    Args:
        images: [B, S, S, 3] frames like those to come, on which the ranges are measured.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    name = network.graph.input[0].name

    class Frames(CalibrationDataReader):
        """The frames, one by one."""

        def __init__(self, frames: Iterator[dict]):
            self._frames = frames

        def get_next(self) -> dict | None:
            return next(self._frames, None)

    with tempfile.TemporaryDirectory() as folder:
        real, prepared, path = (Path(folder) / f"{n}.onnx" for n in ("real", "prepared", "int8"))
        onnx.save(network, real)
        quant_pre_process(real, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Frames({name: image[None]} for image in images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)
