"""VGG16 as SSD300 uses it: Liu et al. 2016, section 3, "Base network"; Simonyan & Zisserman 2015.

fc6 and fc7 are convolutions, pool5 does not halve, fc6 is dilated. Initialisers and L2 are those
of the 2020 project. The input is RGB: the published kernels of conv1_1 are for BGR, so
`pretrained` turns them round when it loads them.
"""

import keras
from keras import layers, ops, regularizers

L2 = 5e-4
MEAN_COLOR = (123.0, 117.0, 104.0)
"""Mean of ImageNet in RGB, subtracted from the image: the 2020 project's numbers."""

_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


@keras.saving.register_keras_serializable("deepfake_detector")
class L2Normalization(layers.Layer):
    """Scale each pixel's channels to length one, then by a learned factor per channel.

    Liu et al. 2015 (ParseNet), section 3.3; SSD starts the factor at 20.
    """

    def build(self, input_shape):
        self.scale = self.add_weight(
            shape=(input_shape[-1],), initializer=keras.initializers.Constant(20.0), name="scale"
        )
        super().build(input_shape)

    def call(self, x):
        length = ops.sqrt(ops.maximum(ops.sum(x * x, axis=-1, keepdims=True), 1e-12))
        return x / length * self.scale


def build_vgg16(image):
    """Build the backbone on an image [B, height, width, 3], RGB 0-255.

    Returns:
        Two maps: conv4_3, normalised, and fc7; for 300 px [B, 38, 38, 512] and [B, 19, 19, 1024].
    """
    x = layers.Rescaling(1.0, offset=[-mean for mean in MEAN_COLOR], name="subtract_mean")(image)
    maps = []
    for block, (convolutions, width) in enumerate(_BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            x = convolve(x, width, 3, name=f"block{block}_conv{number}")
        maps.append(x)
        window, stride = (2, 2) if block < 5 else (3, 1)
        x = layers.MaxPooling2D(window, stride, padding="same", name=f"block{block}_pool")(x)
    x = convolve(x, 1024, 3, dilation_rate=6, name="fc6")
    x = convolve(x, 1024, 1, name="fc7")
    return L2Normalization(name="conv4_3_norm")(maps[3]), x


def convolve(x, width: int, kernel: int, *, name: str, padding: str = "same", **options):
    """Convolve as every layer of SSD300 does: He normal, L2 on the kernel, ReLU."""
    return layers.Conv2D(
        width,
        kernel,
        padding=padding,
        activation="relu",
        kernel_initializer="he_normal",
        kernel_regularizer=regularizers.L2(L2),
        name=name,
        **options,
    )(x)
