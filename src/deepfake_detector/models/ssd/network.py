"""The SSD300 network: a backbone, extra maps, and two predictors on each of six maps.

Liu et al. 2016 (SSD), figure 2 and section 2.1. Shapes: `B` images, `A` anchors, `C` labels with
background.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, regularizers

from deepfake_detector.common.labels import LABEL_COUNT
from deepfake_detector.config.schema import DetectorParams
from deepfake_detector.models.backbones.batch_normalization import FusedBatchNormalization
from deepfake_detector.models.backbones.efficientnet_lite0 import build_efficientnet_lite0
from deepfake_detector.models.backbones.vgg16 import L2, build_vgg16, convolve
from deepfake_detector.models.ssd.anchors import count_anchors, make_anchors
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder
from deepfake_detector.models.ssd.precision import fit_precision


def build_detector(params: DetectorParams) -> keras.Model:
    """Build the network with random weights.

    `build_inference_model` makes of it a model that gives faces.

    Returns:
        A model from images [B, size, size, 3] (RGB, 0-255) to `{"box": offsets [B, A, 4],
        "label": logits [B, A, C]}`, both float32.

    Raises:
        ValueError: the anchors are made for another number of predictor maps.
    """
    size = params.image_size_px
    image = keras.Input((size, size, 3), name="image")
    if params.backbone == "vgg16":
        maps = _extend_vgg16(build_vgg16(image))
        style = {"kernel_initializer": "he_normal", "kernel_regularizer": regularizers.L2(L2)}
    else:
        maps = _extend_efficientnet(build_efficientnet_lite0(image))
        style = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)}
    counts = count_anchors(params.anchors)
    if len(maps) != len(counts):
        raise ValueError(
            f"detector.anchors: {params.backbone} has {len(maps)} predictor maps, "
            f"got aspect_ratios for {len(counts)}"
        )
    outputs = {
        "box": _predict(maps, counts, 4, "box", style),
        "label": _predict(maps, counts, LABEL_COUNT, "label", style),
    }
    detector = keras.Model(image, outputs, name=f"ssd_{params.backbone}")
    fit_precision(detector, params.precision)
    return detector


def build_inference_model(detector: keras.Model, params: DetectorParams) -> keras.Model:
    """Add decoding and suppression to a detector; the weights are shared.

    This is what is saved, exported and used: it needs no parameters beside it.

    Returns:
        A model from images [B, size, size, 3] to `boxes` [B, K, 4] and `scores` [B, K, 2], K:
        `max_detections`
        as `detections.decode_detections` describes them.
    """
    anchors = make_detector_anchors(detector, params)
    layer = DetectionDecoder(
        len(anchors),
        params.anchors.variances,
        params.detections.model_dump(),
        params.precision,
        name="decode_detections",
    )
    layer.anchors.assign(anchors)
    return keras.Model(detector.input, layer(detector.output), name=f"find_{detector.name}")


def make_detector_anchors(detector: keras.Model, params: DetectorParams) -> np.ndarray:
    """Make the anchors [A, 4] that the outputs of this detector are relative to."""
    return make_anchors(params.anchors, list_map_sizes(detector), params.image_size_px)


def list_map_sizes(detector: keras.Model) -> list[tuple[int, int]]:
    """List (rows, columns) of the predictor maps of a detector, finest first."""
    return [
        layer.output.shape[1:3]
        for layer in detector.layers
        if layer.name.startswith("box_") and isinstance(layer, layers.Conv2D)
    ]


def _predict(maps, counts: list[int], width: int, name: str, style: dict):
    """Predict `width` numbers for each anchor of all maps: [B, A, width]."""
    rows = []
    for number, (x, count) in enumerate(zip(maps, counts, strict=True), start=1):
        x = layers.Conv2D(count * width, 3, padding="same", name=f"{name}_{number}", **style)(x)
        rows.append(layers.Reshape((-1, width), name=f"{name}_{number}_rows")(x))
    return layers.Concatenate(axis=1, dtype="float32", name=name)(rows)  # [B, A, width]


@dataclass(frozen=True)
class _ExtraMap:
    """One coarser map: a 1x1 convolution, then a 3x3 one that shrinks the map."""

    narrow: int
    wide: int
    halves: bool  # else it loses a pixel on each side


_EXTRA_MAPS = (
    _ExtraMap(narrow=256, wide=512, halves=True),
    _ExtraMap(narrow=128, wide=256, halves=True),
    _ExtraMap(narrow=128, wide=256, halves=False),
    _ExtraMap(narrow=128, wide=256, halves=False),
)


def _extend_vgg16(features):
    """Add the paper's conv6 to conv9: maps of 10, 5, 3 and 1 cells for 300 px."""
    maps = list(features)
    for number, extra in enumerate(_EXTRA_MAPS, start=6):
        x = convolve(maps[-1], extra.narrow, 1, name=f"conv{number}_1")
        name = f"conv{number}_2"
        if extra.halves:
            x = layers.ZeroPadding2D(1, name=f"{name}_padding")(x)
            x = convolve(x, extra.wide, 3, strides=2, padding="valid", name=name)
        else:
            x = convolve(x, extra.wide, 3, padding="valid", name=name)
        maps.append(x)
    return maps


_LITE0_WIDTHS = (128, 256, 256)
"""Channels of the backbone's maps before prediction: over 1,280, predictors are mostly cost."""


def _extend_efficientnet(features):
    """Narrow the backbone's maps and add maps of 5, 3 and 1 cells for 300 px."""
    maps = [
        _convolve_normalized(x, width, 1, f"narrow_{number}")
        for number, (x, width) in enumerate(zip(features, _LITE0_WIDTHS, strict=True), start=1)
    ]
    for number, extra in enumerate(_EXTRA_MAPS[1:], start=7):
        x = _convolve_normalized(maps[-1], extra.narrow, 1, f"conv{number}_1")
        stride, padding = (2, "same") if extra.halves else (1, "valid")
        x = _convolve_normalized(x, extra.wide, 3, f"conv{number}_2", stride, padding)
        maps.append(x)
    return maps


def _convolve_normalized(x, width, kernel, name, stride=1, padding="same"):
    x = layers.Conv2D(width, kernel, stride, padding=padding, use_bias=False, name=name)(x)
    x = FusedBatchNormalization(momentum=0.9, name=f"{name}_norm")(x)  # settles in one epoch
    return layers.ReLU(6.0)(x)
