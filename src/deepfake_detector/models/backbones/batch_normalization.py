"""Batch normalization that trains in one operation (figures: benchmarks/README.md).

Ioffe & Szegedy 2015, algorithm 1. Keras composes a training step of it out of a dozen operations,
each of which reads or writes a whole map; TensorFlow has one for the way forth and one for the
way back. Nothing else differs: weights, configuration, inference and, to rounding, the numbers.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="deepfake_detector")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer on maps [B, H, W, C]; fused where a batch of float32 is trained on.

    On other backends of Keras, while frozen, and with any other input it is Keras' layer.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and self._can_fuse(inputs)):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # other backends run without it

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.convert_to_tensor(self.gamma),
            offset=ops.convert_to_tensor(self.beta),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count  # of the batch, as Keras has it, not an estimate
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance)
        return outputs

    def _can_fuse(self, inputs) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.compute_dtype == "float32"
            and self.scale
            and self.center
            and not self.synchronized
        )

    def _follow(self, average, value) -> None:
        average.assign(average * self.momentum + value * (1 - self.momentum))
