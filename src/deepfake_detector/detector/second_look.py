"""The second look: a classifier of one face, seen closely at the resolution it was filmed in.

The single shot sees a frame shrunk to 300 px, where the traces of a forgery are gone; it finds the
face, this network says how likely it is fake. The backbone is EfficientNet-Lite0 (Tan & Le 2019,
without squeeze-and-excitation). Its maps of three resolutions are averaged over the crop, so that
fine texture counts as well as the face as a whole. Shapes: `B` crops, `S` side of a crop in px.
"""

import keras
from keras import layers, ops

from deepfake_detector.detector.efficientnet_lite0 import build_efficientnet_lite0
from deepfake_detector.detector.pretrained import load_lite0
from deepfake_detector.params import SecondLookParams


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
        averages = [layers.GlobalAveragePooling2D()(features) for features in maps]
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

    Unlike the single shot's, its batch normalisation learns: steps take twice as long, and a third
    as many do.
    """
    look = SecondLook(
        params.crop_px, params.reach, params.weight, params.least_score, params.dropout
    )
    if params.weights == "imagenet":
        load_lite0(look.features)
    return look
