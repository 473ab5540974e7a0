"""The face classifier: a classifier of one face, seen closely at the resolution it was filmed in.

The SSD sees a frame shrunk to 300 px, where the traces of a forgery are gone; it finds the
face, this network says how likely it is fake. What is trained has EfficientNet-Lite0 as backbone
(Tan & Le 2019, without squeeze-and-excitation). Its maps of three resolutions are averaged over
the crop, so that fine texture counts as well as the face as a whole. Several networks that differ
in their seed alone classify each crop, and the mean of their logits counts (Lakshminarayanan et
al. 2017). Since release 0.5 a head on CLIP's encoder, which stays as it is, is one of them.
Shapes: `B` crops, `S` side of a crop in px.
"""

import keras
from keras import layers, ops

from deepfake_detector.config.schema import FaceClassifierParams
from deepfake_detector.models.backbones.clip_vision import CLIP_PX, build_clip_vision
from deepfake_detector.models.backbones.efficientnet_lite0 import build_efficientnet_lite0

ENCODER_NAME = "encoder"
"""Of the network that has CLIP's encoder; the others are `classifier_1` and so on."""


@keras.saving.register_keras_serializable(package="deepfake_detector")
class FaceClassifier(keras.Model):
    """Crops [B, S, S, 3], RGB 0-255, to logits [B]: above 0 a face is rather fake than real.

    What its crops must show is part of it, so that a saved one needs no parameters beside it.

    Attributes:
        crop_px: side of a crop.
        crop_scale: side of a crop over the longer side of the face's box.
        fusion_weight: of the logit of this classifier; the rest is the SSD's.
        min_detection_score: faces found with less are not analyzed.
        dropout: share of the averaged features that a training step leaves out.
        ensemble_size: number of networks that are trained, whose mean logit counts.
        has_encoder: whether a head on the encoder is one more, the last.
        network_names: of the networks, in the order of `features` and `heads`.
    """

    def __init__(
        self,
        crop_px,
        crop_scale,
        fusion_weight,
        min_detection_score,
        dropout,
        ensemble_size,
        has_encoder=False,
        **options,
    ):
        super().__init__(**options)
        self.crop_px, self.crop_scale, self.fusion_weight = crop_px, crop_scale, fusion_weight
        self.min_detection_score, self.dropout, self.ensemble_size = (
            min_detection_score,
            dropout,
            ensemble_size,
        )
        self.has_encoder = has_encoder
        self.network_names = [f"classifier_{number + 1}" for number in range(ensemble_size)]
        self.features = [_build_features(crop_px) for _ in self.network_names]
        if has_encoder:
            self.network_names.append(ENCODER_NAME)
            self.features.append(_build_encoder(crop_px))
        self.drop = layers.Dropout(dropout)
        self.heads = [layers.Dense(1, name="logit") for _ in self.network_names]
        self.build((None, crop_px, crop_px, 3))

    def build(self, input_shape):
        for features, head in zip(self.features, self.heads, strict=True):
            head.build((None, features.output_shape[-1]))
        self.built = True

    def call(self, crops, training=None):
        logits = [
            head(self.drop(features(crops, training=training), training=training))
            for features, head in zip(self.features, self.heads, strict=True)
        ]
        return ops.squeeze(sum(logits) / len(logits), axis=-1)  # [B]

    def get_config(self):
        names = (
            "crop_px",
            "crop_scale",
            "fusion_weight",
            "min_detection_score",
            "dropout",
            "ensemble_size",
            "has_encoder",
        )
        return super().get_config() | {name: getattr(self, name) for name in names}


def _build_features(crop_px: int) -> keras.Model:
    image = keras.Input((crop_px, crop_px, 3), name="crop")
    maps = build_efficientnet_lite0(image)
    averages = [layers.GlobalAveragePooling2D()(features) for features in maps]
    return keras.Model(image, layers.Concatenate()(averages), name="features")


def _build_encoder(crop_px: int) -> keras.Model:
    """Build the encoder, which sees the middle of a crop at the resolution of the crop."""
    margin = crop_px - CLIP_PX
    if margin < 0:
        raise ValueError(
            f"face_classifier.crop_px: CLIP's encoder sees {CLIP_PX} px of a crop, got {crop_px}"
        )
    before = margin // 2
    crop = keras.Input((crop_px, crop_px, 3), name="crop")
    middle = layers.Cropping2D(((before, margin - before),) * 2, name="middle")(crop)
    return keras.Model(crop, build_clip_vision(middle), name="features")


def build_face_classifier(params: FaceClassifierParams) -> FaceClassifier:
    """Build a classifier of one network with random weights.

    Unlike the SSD's, its batch normalization learns: a step takes longer, and a third of
    the steps suffice.
    """
    return FaceClassifier(
        params.crop_px,
        params.crop_scale,
        params.fusion_weight,
        params.min_detection_score,
        params.dropout,
        1,
    )


def make_ensemble(
    classifiers: list[FaceClassifier], encoder: FaceClassifier | None = None
) -> FaceClassifier:
    """Join classifiers of one network each, alike but for their weights, into an ensemble.

    Args:
        encoder: a classifier of the encoder alone, which becomes one more of the networks.
    """
    config = classifiers[0].get_config() | {"ensemble_size": len(classifiers)}
    united = FaceClassifier.from_config(config | {"has_encoder": encoder is not None})
    networks = [*classifiers, *([encoder] if encoder is not None else [])]
    for number, classifier in enumerate(networks):
        united.features[number].set_weights(classifier.features[0].get_weights())
        united.heads[number].set_weights(classifier.heads[0].get_weights())
    return united
