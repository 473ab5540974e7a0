"""The numbers a network computes with: float32, or bfloat16 where a processor multiplies it fast.

Weights stay float32, and so does what is small but delicate: the subtracted mean, norms of pixels,
outputs, decoding, suppression, loss. Micikevicius et al. 2018, "Mixed Precision Training", with
Kalamkar et al. 2019, "A Study of BFLOAT16": no loss scaling is needed.
"""

from pathlib import Path

import keras
from keras import layers

from deepfake_detector.models.backbones.vgg16 import L2Normalization
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

_EXACT = (
    *(layers.InputLayer, layers.Rescaling, layers.Concatenate),
    *(L2Normalization, DetectionDecoder),
)
"""Layers that stay in float32."""

_UNITS = {"amx_bf16", "avx512_bf16"}
_CPU_INFO = Path("/proc/cpuinfo")


def fit_precision(network: keras.Model, asked: str) -> None:
    """Let a network compute as is asked, or as is fastest here, in place.

    Args:
        asked: `float32`, `bfloat16`, or `auto`: bfloat16 for a network of plain convolutions on a
            CPU with units for it. Depthwise convolutions are slower in it.
    """
    precision = choose_precision(network) if asked == "auto" else asked
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    for layer in network.layers:
        if not isinstance(layer, _EXACT):
            layer.dtype_policy = keras.DTypePolicy(policy)


def choose_precision(network: keras.Model) -> str:
    """Choose what is fastest on this machine: `bfloat16` or `float32`."""
    has_depthwise = any(isinstance(layer, layers.DepthwiseConv2D) for layer in network.layers)
    if has_depthwise or keras.distribution.list_devices("gpu"):
        return "float32"
    return "bfloat16" if has_bfloat16_units() else "float32"


def has_bfloat16_units() -> bool:
    """Tell whether the CPU multiplies bfloat16 itself; False where that cannot be told."""
    return _CPU_INFO.is_file() and names_bfloat16_units(_CPU_INFO.read_text())


def names_bfloat16_units(cpu_info: str) -> bool:
    """Tell whether the text of `/proc/cpuinfo` names units for bfloat16."""
    return not _UNITS.isdisjoint(cpu_info.split())
