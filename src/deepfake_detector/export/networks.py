"""Networks as every format takes them: functional, in float32, with plain layer names.

Shapes: `B` images, `A` anchors, `S` side of an image in px.
"""

import keras

from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder


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


def split_detector(detector: keras.Model) -> tuple[keras.Model, DetectionDecoder]:
    """Take a detector apart: what the formats do alike, and decoding with suppression.

    Returns:
        A copy of the network, images [B, S, S, 3] to `{"box": [B, A, 4], "label": [B, A, 3]}`, and
        the layer that makes faces of that.
    """
    copy = copy_network(detector)
    outputs = {name: copy.get_layer(name).output for name in ("box", "label")}
    decoder = next(layer for layer in copy.layers if isinstance(layer, DetectionDecoder))
    return keras.Model(copy.input, outputs, name="network"), decoder


def copy_face_classifier(classifier: keras.Model) -> keras.Model:
    """Copy a face classifier as a functional network: crops [B, S, S, 3] to `fake_logit` [B]."""
    crop = keras.Input((classifier.crop_px, classifier.crop_px, 3), name="crop")
    logits = []
    for number, (features, head) in enumerate(
        zip(classifier.features, classifier.heads, strict=True)
    ):
        copy = copy_network(features)
        copy.name = f"features_{number}"
        head_copy = keras.layers.Dense(1, name=f"logit_{number}")
        logits.append(head_copy(copy(crop)))
        head_copy.set_weights(head.get_weights())
    logit = keras.ops.squeeze(sum(logits) / len(logits), axis=-1)  # [B]
    return keras.Model(crop, {"fake_logit": logit}, name="face_classifier")
