"""EfficientNet-Lite0 as a backbone: Tan & Le 2019 without squeeze-and-excitation, with ReLU6.

Layers are named as the tensors of the published weights: `pretrained` fills them by name.
"""

from dataclasses import dataclass

from keras import layers

from deepfake_detector.models.backbones.batch_normalization import FusedBatchNormalization


@dataclass(frozen=True)
class _Stage:
    """Blocks of one resolution: Tan & Le 2019, table 1."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(blocks=1, kernel=3, stride=1, expansion=1, width=16),
    _Stage(blocks=2, kernel=3, stride=2, expansion=6, width=24),
    _Stage(blocks=2, kernel=5, stride=2, expansion=6, width=40),
    _Stage(blocks=3, kernel=3, stride=2, expansion=6, width=80),
    _Stage(blocks=3, kernel=5, stride=1, expansion=6, width=112),
    _Stage(blocks=4, kernel=5, stride=2, expansion=6, width=192),
    _Stage(blocks=1, kernel=3, stride=1, expansion=6, width=320),
)


def build_efficientnet_lite0(image):
    """Build the backbone on an image [B, height, width, 3], RGB 0-255.

    Returns:
        Three maps at strides 8, 16 and 32: for 300 px [B, 38, 38, 240], [B, 19, 19, 672] and
        [B, 10, 10, 1280]. The first two are the last features before the next halving.
    """
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(image)
    x = _add_convolution(x, "_conv_stem", "_bn0", width=32, kernel=3, stride=2)
    expanded = []
    number = 0
    for stage in _STAGES:
        for repeat in range(stage.blocks):
            stride = stage.stride if repeat == 0 else 1
            x, wide = _add_block(x, f"_blocks.{number}", stage, stride)
            if stride == 2:
                expanded.append(wide)  # before it is halved
            number += 1
    coarse = _add_convolution(x, "_conv_head", "_bn1", width=1280, kernel=1)
    return expanded[-2], expanded[-1], coarse


def _add_block(x, name: str, stage: _Stage, stride: int):
    """Add an inverted bottleneck (Sandler et al. 2018); give its output and its widest map."""
    shortcut = x
    width = x.shape[-1] * stage.expansion
    if stage.expansion > 1:
        x = _add_convolution(x, f"{name}._expand_conv", f"{name}._bn0", width=width)
    wide = x
    x = layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}._depthwise_conv"
    )(x)
    x = layers.ReLU(6.0)(_normalize(x, f"{name}._bn1"))
    x = layers.Conv2D(stage.width, 1, use_bias=False, name=f"{name}._project_conv")(x)
    x = _normalize(x, f"{name}._bn2")
    if stride == 1 and shortcut.shape[-1] == stage.width:
        x = layers.Add()([shortcut, x])
    return x, wide


def _add_convolution(x, name: str, norm_name: str, width: int, kernel: int = 1, stride: int = 1):
    x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return layers.ReLU(6.0)(_normalize(x, norm_name))


def _normalize(x, name: str):
    return FusedBatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)
