"""Super-resolution networks that make a picture two, three or four times as large.

Zhang et al. 2018, "Residual Dense Network for Image Super-Resolution", in the smallest form that
UpscalerJS ships. The networks were taken out of the package @upscalerjs/esrgan-slim 1.0.0 on npm,
upscalerjs-esrgan-slim-1.0.0.tgz, SHA-256
b53070ff01363e74d33138106dcc72b58d341c9fb7e8fd648554a4e7744142b5, and converted to ONNX by
`benchmarks/convert_super_resolution.py`; their licence is in `esrgan_slim.LICENSE`.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.common.files import hash_file

SCALES = (2, 3, 4)
MODEL_PATHS = {
    2: Path(__file__).with_name("esrgan_slim_x2.onnx"),
    3: Path(__file__).with_name("esrgan_slim_x3.onnx"),
    4: Path(__file__).with_name("esrgan_slim_x4.onnx"),
}
MODEL_SHA256 = {
    2: "b83f3ffd73abd9183e0da6ffdcbe6a68872eac962baacf1edf0f7c0d3010dc16",
    3: "40f47ded59f9466a3fed2e1c74157250b3c44120d515e55b771aa0e3f9c7a8cc",
    4: "ee6b62b30027e664e4ea015ae3b6aa407cbf447a0748e9e70c5398f7587c37a5",
}

_MARGIN_PX = 3  # of the mirrored picture around the small one: the networks darken the corners


class SuperResolver:
    """Enlarge pictures by one of `SCALES`; threads may share one."""

    def __init__(self, scale: int, path: Path) -> None:
        """Load the network of a scale.

        Args:
            path: of `esrgan_slim_x{scale}.onnx`.

        Raises:
            ValueError: the file is another than the one that the project was tested with.
            FileNotFoundError: there is no such file.
        """
        import onnxruntime

        expected, sha256 = MODEL_SHA256[scale], hash_file(path)
        if sha256 != expected:
            raise ValueError(f"{path}: expected SHA-256 {expected}, got {sha256}; restore it")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # of the thread that calls it
        options.inter_op_num_threads = 1
        self._scale = scale
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def enlarge(self, small: np.ndarray) -> np.ndarray:
        """Enlarge an RGB picture uint8 [H, W, 3], of any size, to [scale H, scale W, 3]."""
        margin = [_MARGIN_PX] * 4
        framed = cv2.copyMakeBorder(small, *margin, cv2.BORDER_REFLECT)
        (large,) = self._session.run(None, {"small": framed[None]})[0]
        edge = _MARGIN_PX * self._scale
        return large[edge:-edge, edge:-edge]


@cache
def load_super_resolver(scale: int) -> SuperResolver:
    """Load the project's own network of a scale, once a process."""
    return SuperResolver(scale, MODEL_PATHS[scale])
