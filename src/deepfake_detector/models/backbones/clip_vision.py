"""The first blocks of CLIP's image encoder (Radford et al. 2021), a vision transformer ViT-B/16.

What it learned from pictures and their captions stays as it is; a head is fitted to it
(docs/decisions/0036). Where its weights come from: `benchmarks/convert_clip.py`. Matrices are kept
in 8 bits, with a scale of each column, and multiplied in single precision. Shapes: `B` pictures,
`P` patches and a class token before them, `C` width.
"""

import itertools

import keras
from keras import layers, ops

CLIP_PX, PATCH_PX, WIDTH, HEADS = 224, 16, 768, 12

BLOCKS = 8
"""Of 12: what tells fakes apart is clearest after the eighth."""

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of red, green and blue, 0-1."""

LAYER_NAME = "clip_vision"

EPSILON = 1e-5
GELU_SLOPE = 1.702
"""CLIP's approximation of GELU is x sigmoid(1.702 x)."""

_PATCHES, _WIDE = (CLIP_PX // PATCH_PX) ** 2, 4 * WIDTH

EMBEDDING_SHAPES = {
    "patch_kernel": (PATCH_PX, PATCH_PX, 3, WIDTH),
    "class_token": (1, 1, WIDTH),
    "positions": (1, 1 + _PATCHES, WIDTH),
    "norm_scale": (WIDTH,),
    "norm_shift": (WIDTH,),
}
BLOCK_SHAPES = {
    "norm1_scale": (WIDTH,),
    "norm1_shift": (WIDTH,),
    "qkv_kernel": (WIDTH, 3 * WIDTH),
    "qkv_bias": (3 * WIDTH,),
    "out_kernel": (WIDTH, WIDTH),
    "out_bias": (WIDTH,),
    "norm2_scale": (WIDTH,),
    "norm2_shift": (WIDTH,),
    "fc1_kernel": (WIDTH, _WIDE),
    "fc1_bias": (_WIDE,),
    "fc2_kernel": (_WIDE, WIDTH),
    "fc2_bias": (WIDTH,),
}
"""The weights of the embedding and of each block, in their order."""

SCALED = frozenset(["qkv_kernel", "out_kernel", "fc1_kernel", "fc2_kernel"])
"""Those of 8 bits; the scales [columns] of each are the weight after it."""


@keras.saving.register_keras_serializable(package="deepfake_detector")
class ClipVision(layers.Layer):
    """Normalized pictures [B, 224, 224, 3] to features [B, 2 C].

    They are what the last block makes of the class token, and of the patches on average.
    """

    def build(self, input_shape):
        self.embedding = [self._add(*given) for given in EMBEDDING_SHAPES.items()]
        self.blocks = [
            [
                self._add_scaled(f"block{number}_{name}", shape)
                if name in SCALED
                else self._add(f"block{number}_{name}", shape)
                for name, shape in BLOCK_SHAPES.items()
            ]
            for number in range(BLOCKS)
        ]
        self.built = True

    def _add(self, name: str, shape: tuple):
        initializer = "ones" if name.endswith("scale") else "random_normal"
        return self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)

    def _add_scaled(self, name: str, shape: tuple):
        kernel = self.add_weight(
            shape=shape, initializer="zeros", dtype="int8", trainable=False, name=name
        )
        return kernel, self._add(f"{name}_scale", shape[-1:])

    def name_weights(self) -> dict:
        """Name the weights as files do: by number, and the scales of those of 8 bits `:scale`."""
        named = {}
        for number, weight in enumerate(itertools.chain(self.embedding, *self.blocks)):
            if isinstance(weight, tuple):
                named[f"{number}"], named[f"{number}:scale"] = weight
            else:
                named[f"{number}"] = weight
        return named

    def call(self, pictures):
        kernel, class_token, positions, scale, shift = self.embedding
        patches = ops.reshape(ops.conv(pictures, kernel, PATCH_PX, "valid"), (-1, _PATCHES, WIDTH))
        first = ops.broadcast_to(class_token, (ops.shape(patches)[0], 1, WIDTH))
        tokens = ops.concatenate([first, patches], axis=1) + positions  # [B, 1 + P, C]
        tokens = _normalize(tokens, scale, shift)
        for weights in self.blocks:
            tokens = tokens + _attend(tokens, *weights[:6])
            tokens = tokens + _perceive(tokens, *weights[6:])
        return ops.concatenate([tokens[:, 0], ops.mean(tokens[:, 1:], axis=1)], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * WIDTH)


def build_clip_vision(image):
    """Build the encoder on an image [B, 224, 224, 3], RGB 0-255; return its features [B, 2 C].

    Raises:
        ValueError: the image has another size; positions are learned for this one.
    """
    if tuple(image.shape[1:]) != (CLIP_PX, CLIP_PX, 3):
        raise ValueError(f"CLIP sees {CLIP_PX} x {CLIP_PX} px, got {image.shape[1:]}")
    offset = [-mean / std for mean, std in zip(MEAN, STD, strict=True)]
    x = layers.Rescaling([1 / 255 / std for std in STD], offset, name="normalize")(image)
    return ClipVision(name=LAYER_NAME)(x)


def _attend(tokens, scale, shift, qkv_kernel, qkv_bias, out_kernel, out_bias):
    count, size = 1 + _PATCHES, WIDTH // HEADS
    qkv = _multiply(_normalize(tokens, scale, shift), qkv_kernel) + qkv_bias
    parts = [
        ops.transpose(ops.reshape(part, (-1, count, HEADS, size)), (0, 2, 1, 3))
        for part in ops.split(qkv, 3, axis=-1)
    ]
    queries, keys, values = parts  # [B, HEADS, 1 + P, size] each
    likeness = ops.matmul(queries * size**-0.5, ops.transpose(keys, (0, 1, 3, 2)))
    mixed = ops.transpose(ops.matmul(ops.softmax(likeness), values), (0, 2, 1, 3))
    return _multiply(ops.reshape(mixed, (-1, count, WIDTH)), out_kernel) + out_bias


def _perceive(tokens, scale, shift, fc1_kernel, fc1_bias, fc2_kernel, fc2_bias):
    wide = _multiply(_normalize(tokens, scale, shift), fc1_kernel) + fc1_bias
    return _multiply(wide * ops.sigmoid(GELU_SLOPE * wide), fc2_kernel) + fc2_bias


def _multiply(tokens, scaled_kernel):
    kernel, scale = scaled_kernel
    return ops.matmul(tokens, ops.cast(kernel, "float32") * scale)


def _normalize(tokens, scale, shift):
    mean, variance = ops.moments(tokens, axes=[-1], keepdims=True)
    return (tokens - mean) * ops.rsqrt(variance + EPSILON) * scale + shift
