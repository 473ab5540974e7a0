"""The second look: classifiers of one face, seen closely at the resolution it was filmed in.

The single shot sees a frame shrunk to 300 px, where the traces of a forgery are gone; it finds the
face, these networks say how likely it is fake. The backbone is EfficientNet-Lite0 (Tan & Le 2019,
without squeeze-and-excitation). Its maps of three resolutions are averaged over the crop, so that
fine texture counts as well as the face as a whole. Several networks that differ in their seed
alone err less than one (Lakshminarayanan et al. 2017, section 2.4). Shapes: `B` crops, `S` side of
a crop in px.
"""

import keras
from keras import layers, ops

from deepfake_detector.detector.efficientnet_lite0 import build_efficientnet_lite0
from deepfake_detector.detector.pretrained import load_lite0
from deepfake_detector.params import SecondLookParams


@keras.saving.register_keras_serializable(package="deepfake_detector")
class FaceClassifier(keras.Model):
    """Crops [B, S, S, 3], RGB 0-255, to logits [B]: above 0 a face is rather fake than real.

    Attributes:
        crop_px: side of a crop.
        dropout: share of the averaged features that a training step leaves out.
    """

    def __init__(self, crop_px, dropout, **options):
        super().__init__(**options)
        self.crop_px, self.dropout = crop_px, dropout
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
        return super().get_config() | {"crop_px": self.crop_px, "dropout": self.dropout}


@keras.saving.register_keras_serializable(package="deepfake_detector")
class SecondLook(keras.Model):
    """Crops [B, S, S, 3], RGB 0-255, to logits [B]: the mean of its members' logits.

    Every second member sees the crops mirrored, which is worth as much as showing both images to
    both, and costs half. What the crops must show is part of the model, so that a saved one needs
    no parameters beside it.

    Attributes:
        crop_px: side of a crop.
        reach: side of a crop over the longer side of the face's box.
        weight: of this look's logit; the rest is the single shot's.
        least_score: faces found with less are not looked at.
        members: its classifiers.
    """

    def __init__(self, crop_px, reach, weight, least_score, dropout, members, **options):
        super().__init__(**options)
        self.crop_px, self.reach, self.weight = crop_px, reach, weight
        self.least_score, self.dropout = least_score, dropout
        self.members = [FaceClassifier(crop_px, dropout) for _ in range(members)]
        self.build((None, crop_px, crop_px, 3))

    def build(self, input_shape):
        self.built = True

    def call(self, crops):
        logits = [
            member(show(crops, number), training=False)
            for number, member in enumerate(self.members)
        ]
        return ops.mean(ops.stack(logits), axis=0)  # [B]

    def get_config(self):
        names = ("crop_px", "reach", "weight", "least_score", "dropout")
        config = {name: getattr(self, name) for name in names}
        return super().get_config() | config | {"members": len(self.members)}


def show(crops, number: int):
    """Give what the member of that number sees of crops [B, S, S, 3]: odd ones a mirror image."""
    return ops.flip(crops, axis=2) if number % 2 else crops


def build_classifier(params: SecondLookParams) -> FaceClassifier:
    """Build one member, its backbone with ImageNet weights where `params.weights` says so.

    Unlike the single shot's, its batch normalisation learns: steps take twice as long, and a third
    as many do.
    """
    classifier = FaceClassifier(params.crop_px, params.dropout)
    if params.weights == "imagenet":
        load_lite0(classifier.features)
    return classifier


def join_members(members: list[FaceClassifier], params: SecondLookParams) -> SecondLook:
    """Make a second look of trained members."""
    names = ("crop_px", "reach", "weight", "least_score", "dropout")
    look = SecondLook(**{name: getattr(params, name) for name in names}, members=len(members))
    for member, trained in zip(look.members, members, strict=True):
        member.set_weights(trained.get_weights())
    return look
