"""Networks as every format takes them: functional, in float32, with plain layer names.

Shapes: `B` images, `A` anchors, `S` side of an image in px.
"""

import keras

from deepfake_detector.models.ssd.detection_decoder import FindFaces


def copy_network(network: keras.Model) -> keras.Model:
    """Copy a functional network, weights included.

    A SavedModel takes no name that begins with an underscore, and a network that was trained in
    bfloat16 would not run everywhere.
    """
    copy = keras.models.clone_model(network, clone_function=_copy_layer)
    copy.set_weights(network.get_weights())
    return copy


def _copy_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    changes = {"name": layer.name.lstrip("_"), "dtype": "float32"}
    return type(layer).from_config(layer.get_config() | changes)


def split_detector(detector: keras.Model) -> tuple[keras.Model, FindFaces]:
    """Take a detector apart: what the formats do alike, and decoding with suppression.

    Returns:
        A copy of the network, images [B, S, S, 3] to `{"box": [B, A, 4], "label": [B, A, 3]}`, and
        the layer that makes faces of that.
    """
    copy = copy_network(detector)
    outputs = {name: copy.get_layer(name).output for name in ("box", "label")}
    finder = next(layer for layer in copy.layers if isinstance(layer, FindFaces))
    return keras.Model(copy.input, outputs, name="network"), finder


def copy_second_look(look: keras.Model) -> keras.Model:
    """Copy a second look as a functional network: crops [B, S, S, 3] to `{"fake_logit": [B]}`."""
    crop = keras.Input((look.crop_px, look.crop_px, 3), name="crop")
    logits = []
    for number, (features, judge) in enumerate(zip(look.features, look.judges, strict=True)):
        copy = copy_network(features)
        copy.name = f"features_{number}"
        judge_copy = keras.layers.Dense(1, name=f"judge_{number}")
        logits.append(judge_copy(copy(crop)))
        judge_copy.set_weights(judge.get_weights())
    logit = keras.ops.squeeze(sum(logits) / len(logits), axis=-1)  # [B]
    return keras.Model(crop, {"fake_logit": logit}, name="second_look")
