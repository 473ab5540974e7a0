"""Small networks that write a picture anew: super-resolution networks and autoencoders.

The super-resolution networks are residual dense networks (Zhang et al. 2018, "Residual Dense
Network for Image Super-Resolution") in the smallest form that UpscalerJS ships. They were taken
out of the package @upscalerjs/esrgan-slim 1.0.0 on npm, upscalerjs-esrgan-slim-1.0.0.tgz, SHA-256
b53070ff01363e74d33138106dcc72b58d341c9fb7e8fd648554a4e7744142b5, and converted to ONNX by
`benchmarks/convert_super_resolution.py`; their licence is in `esrgan_slim.LICENSE`. The
autoencoders were trained on the sample's real videos by `benchmarks/train_autoencoders.py`.

Pictures are RGB uint8 [H, W, 3], of any size.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from deepfake_detector.common.files import hash_file

SUPER_RESOLVERS = {  # by scale
    2: Path(__file__).with_name("esrgan_slim_x2.onnx"),
    3: Path(__file__).with_name("esrgan_slim_x3.onnx"),
    4: Path(__file__).with_name("esrgan_slim_x4.onnx"),
}
AUTOENCODERS = {  # by how the decoder enlarges
    "transposed": Path(__file__).with_name("autoencoder_transposed.onnx"),
    "shuffled": Path(__file__).with_name("autoencoder_shuffled.onnx"),
    "nearest": Path(__file__).with_name("autoencoder_nearest.onnx"),
}
SHA256 = {
    "esrgan_slim_x2": "b83f3ffd73abd9183e0da6ffdcbe6a68872eac962baacf1edf0f7c0d3010dc16",
    "esrgan_slim_x3": "40f47ded59f9466a3fed2e1c74157250b3c44120d515e55b771aa0e3f9c7a8cc",
    "esrgan_slim_x4": "ee6b62b30027e664e4ea015ae3b6aa407cbf447a0748e9e70c5398f7587c37a5",
    "autoencoder_transposed": "816995377ed34c955762e14545dd75486ae1b03378bf8b19e5acdf14357e809a",
    "autoencoder_shuffled": "8007148e9aa511e9848dfdb8d6ce204e07380d314cb0f73deeb89b6607cf1350",
    "autoencoder_nearest": "c86200962def7bd1cf7939db8565d2ef7ae19181bccc4e874f6a69e8d5e7d78a",
}
"""Of the files that the project was tested with, by name without ending."""

_MARGIN_PX = 3  # of mirrored picture around a small one: the networks darken the corners
_CODE_PX = 4  # of a side of the picture that one code of the autoencoders stands for


def enlarge(small: np.ndarray, scale: int) -> np.ndarray:
    """Enlarge a picture by one of `SUPER_RESOLVERS`, to [scale H, scale W, 3]."""
    framed = cv2.copyMakeBorder(small, *[_MARGIN_PX] * 4, cv2.BORDER_REFLECT)
    (large,) = load_network(SUPER_RESOLVERS[scale]).run(None, {"small": framed[None]})[0]
    edge = _MARGIN_PX * scale
    return large[edge:-edge, edge:-edge]


def encode_and_decode(image: np.ndarray, decoder: str) -> np.ndarray:
    """Send a picture through one of `AUTOENCODERS`, [H, W, 3]."""
    height, width = image.shape[:2]
    over = [_CODE_PX + -side % _CODE_PX for side in (height, width)]
    framed = cv2.copyMakeBorder(image, _CODE_PX, over[0], _CODE_PX, over[1], cv2.BORDER_REFLECT)
    (decoded,) = load_network(AUTOENCODERS[decoder]).run(None, {"image": framed[None]})[0]
    return decoded[_CODE_PX : _CODE_PX + height, _CODE_PX : _CODE_PX + width]


@cache
def load_network(path: Path):
    """Load a network, once a process; threads may run it at once.

    Returns:
        An `onnxruntime.InferenceSession` that runs in the thread that calls it.

    Raises:
        ValueError: the file is another than the one that the project was tested with.
        FileNotFoundError: there is no such file.
    """
    import onnxruntime

    expected, sha256 = SHA256[path.stem], hash_file(path)
    if sha256 != expected:
        raise ValueError(f"{path}: expected SHA-256 {expected}, got {sha256}; restore it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
