"""The second look: a classifier of one face, seen closely at the resolution it was filmed in.

The single shot sees a frame shrunk to 300 px, where the traces of a forgery are gone; it finds the
face, this network says how likely it is fake. The backbone is EfficientNet-Lite0 (Tan & Le 2019,
without squeeze-and-excitation). Its maps of three resolutions are averaged over the crop, so that
fine texture counts as well as the face as a whole. Several networks that differ in their seed
alone look at each crop, and the mean of their logits counts (Lakshminarayanan et al. 2017).
Shapes: `B` crops, `S` side of a crop in px.
"""

import keras
from keras import layers, ops

from deepfake_detector.config.schema import SecondLookParams
from deepfake_detector.models.backbones.efficientnet_lite0 import build_efficientnet_lite0
from deepfake_detector.models.backbones.pretrained import load_lite0


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
        networks: how many look at each crop.
    """

    def __init__(self, crop_px, reach, weight, least_score, dropout, networks, **options):
        super().__init__(**options)
        self.crop_px, self.reach, self.weight = crop_px, reach, weight
        self.least_score, self.dropout, self.networks = least_score, dropout, networks
        self.features = [_build_features(crop_px) for _ in range(networks)]
        self.drop = layers.Dropout(dropout)
        self.judges = [layers.Dense(1, name="judge") for _ in range(networks)]
        self.build((None, crop_px, crop_px, 3))

    def build(self, input_shape):
        for features, judge in zip(self.features, self.judges, strict=True):
            judge.build((None, features.output_shape[-1]))
        self.built = True

    def call(self, crops, training=None):
        logits = [
            judge(self.drop(features(crops, training=training), training=training))
            for features, judge in zip(self.features, self.judges, strict=True)
        ]
        return ops.squeeze(sum(logits) / len(logits), axis=-1)  # [B]

    def get_config(self):
        names = ("crop_px", "reach", "weight", "least_score", "dropout", "networks")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _build_features(crop_px: int) -> keras.Model:
    image = keras.Input((crop_px, crop_px, 3), name="crop")
    maps = build_efficientnet_lite0(image)
    averages = [layers.GlobalAveragePooling2D()(features) for features in maps]
    return keras.Model(image, layers.Concatenate()(averages), name="features")


def build_one_network(params: SecondLookParams) -> SecondLook:
    """Build a look of one network, its backbone with ImageNet weights where `params.weights` says.

    Unlike the single shot's, its batch normalisation learns: steps take twice as long, and a third
    as many do.
    """
    look = SecondLook(
        params.crop_px, params.reach, params.weight, params.least_score, params.dropout, 1
    )
    if params.weights == "imagenet":
        load_lite0(look.features[0])
    return look


def unite(looks: list[SecondLook]) -> SecondLook:
    """Make one look of the networks of several, which are alike but for their weights."""
    united = SecondLook.from_config(looks[0].get_config() | {"networks": len(looks)})
    for number, look in enumerate(looks):
        united.features[number].set_weights(look.features[0].get_weights())
        united.judges[number].set_weights(look.judges[0].get_weights())
    return united
