"""The second look: a classifier of one face, seen closely at the resolution it was filmed in.

The single shot sees a frame shrunk to 300 px, where the traces of a forgery are gone; it finds the
face, this network says how likely it is fake. The backbone is EfficientNet-Lite0 (Tan & Le 2019,
without squeeze-and-excitation). Its maps of three resolutions, so that fine texture counts as well
as the face as a whole, are averaged over the face and over what is around it: a forged face does
not fit its surroundings, whatever the camera. Shapes: `B` crops, `S` side of a crop in px, `F`
features.
"""

import keras
import numpy as np
from keras import layers, ops

from deepfake_detector.detector.efficientnet_lite0 import build_efficientnet_lite0
from deepfake_detector.detector.pretrained import load_lite0
from deepfake_detector.params import SecondLookParams


FACE_RADII = (0.42, 0.5)
"""Of the ellipse of a face, across and down, over the longer side of its box."""

EDGE = 8.0
"""How steeply the weight of the face falls at the ellipse's edge: over about a quarter of it."""


@keras.saving.register_keras_serializable(package="deepfake_detector")
class FaceAndAround(layers.Layer):
    """Average a map [B, height, width, F] over the face and over the rest of the crop: [B, 2F].

    Args:
        reach: side of the crop over the longer side of the face's box.
    """

    def __init__(self, reach, **options):
        super().__init__(**options)
        self.reach = reach

    def build(self, input_shape):
        self._weights = make_face_weights(*input_shape[1:3], self.reach)
        self.built = True

    def call(self, features):
        means = ops.einsum("bhwf,hwp->bpf", features, self._weights)  # [B, 2, F]
        return ops.reshape(means, (-1, 2 * features.shape[-1]))  # [B, 2F]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])

    def get_config(self):
        return super().get_config() | {"reach": self.reach}


def make_face_weights(height: int, width: int, reach: float) -> np.ndarray:
    """Make the weights of a map's cells in the mean of the face and of its surroundings.

    Returns:
        [height, width, 2]; each of the two adds up to 1.
    """
    across, down = ((np.arange(cells) + 0.5) / cells - 0.5 for cells in (width, height))
    radius = np.hypot(across[None] / FACE_RADII[0], down[:, None] / FACE_RADII[1]) * reach
    face = 1 / (1 + np.exp(EDGE * (radius - 1)))  # [height, width]
    parts = np.stack([face, 1 - face], axis=-1)
    return (parts / parts.sum(axis=(0, 1))).astype(np.float32)


@keras.saving.register_keras_serializable(package="deepfake_detector")
class SecondLook(keras.Model):
    """Crops [B, S, S, 3], RGB 0-255, to logits [B]: above 0 a face is rather fake than real.

    What its crops must show is part of it, so that a saved one needs no parameters beside it.

    Attributes:
        crop_px: side of a crop.
        reach: side of a crop over the longer side of the face's box.
        weight: of this look's logit; the rest is the single shot's.
        least_score: faces found with less are not looked at.
        dropout: share of the averaged features that a training step leaves out.
    """

    def __init__(self, crop_px, reach, weight, least_score, dropout, **options):
        super().__init__(**options)
        self.crop_px, self.reach, self.weight = crop_px, reach, weight
        self.least_score, self.dropout = least_score, dropout
        image = keras.Input((crop_px, crop_px, 3), name="crop")
        maps = build_efficientnet_lite0(image)
        averages = [FaceAndAround(reach)(features) for features in maps]
        self.features = keras.Model(image, layers.Concatenate()(averages), name="features")
        self.drop = layers.Dropout(dropout)
        self.judge = layers.Dense(1, name="judge")
        self.build((None, crop_px, crop_px, 3))

    def build(self, input_shape):
        self.judge.build((None, self.features.output_shape[-1]))
        self.built = True

    def call(self, crops, training=None):
        features = self.drop(self.features(crops, training=training), training=training)
        return ops.squeeze(self.judge(features), axis=-1)  # [B]

    def get_config(self):
        names = ("crop_px", "reach", "weight", "least_score", "dropout")
        return super().get_config() | {name: getattr(self, name) for name in names}


def build_second_look(params: SecondLookParams) -> SecondLook:
    """Build the network, its backbone with ImageNet weights where `params.weights` says so.

    The backbone's batch normalisation keeps the statistics that it comes with: pairs of a face and
    its fake are no sample of faces to take statistics from, and a step takes half the time.
    """
    look = SecondLook(
        params.crop_px, params.reach, params.weight, params.least_score, params.dropout
    )
    if params.weights == "imagenet":
        load_lite0(look.features)
        for layer in look.features.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.trainable = False
    return look
