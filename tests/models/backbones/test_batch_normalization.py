"""The fused layer gives what Keras' own gives: outputs, gradients, statistics, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepfake_detector.models.backbones.batch_normalization import FusedBatchNormalization

SHAPE = (4, 5, 6, 3)


@pytest.fixture
def maps():
    return np.random.default_rng(3).normal(2.0, 3.0, SHAPE).astype(np.float32)


def make_layers() -> list[keras.layers.BatchNormalization]:
    made = []
    for cls in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = cls(epsilon=1e-3, momentum=0.9, name="norm")
        layer.build(SHAPE)
        layer.set_weights(
            [np.float32([1, 2, 0.5]), np.float32([0, -1, 3]), *layer.get_weights()[2:]]
        )
        made.append(layer)
    return made


def train(layer, maps, direction):
    x = tf.constant(maps)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(y * direction)
    gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
    return [y.numpy(), *(gradient.numpy() for gradient in gradients), *layer.get_weights()]


def test_trains_as_keras_does(maps):
    direction = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
    expected, fused = (train(layer, maps, direction) for layer in make_layers())
    for one, other in zip(expected, fused, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    assert not np.allclose(fused[-1], 1.0)  # the statistics have moved


@pytest.mark.parametrize("trainable", [True, False])
def test_infers_with_the_statistics_it_has_kept(maps, trainable):
    expected, fused = make_layers()
    fused.trainable = expected.trainable = trainable
    training = not trainable  # frozen ones are asked to train, and do not
    outputs = [layer(maps, training=training).numpy() for layer in (expected, fused)]
    np.testing.assert_array_equal(*outputs)
    np.testing.assert_array_equal(fused.get_weights()[3], np.ones(3))


def test_one_value_a_channel_is_no_variance():
    layer = FusedBatchNormalization(momentum=0.5)
    outputs = layer(np.full((1, 1, 1, 2), 7.0, np.float32), training=True)
    np.testing.assert_array_equal(outputs, np.zeros((1, 1, 1, 2)))
    np.testing.assert_allclose(layer.moving_variance, [0.5, 0.5])


@pytest.mark.parametrize("options", [{"scale": False}, {"dtype": "mixed_bfloat16"}])
def test_what_cannot_be_fused_is_keras_own(maps, options):
    expected = keras.layers.BatchNormalization(**options)(maps, training=True)
    fused = FusedBatchNormalization(**options)(maps, training=True)
    np.testing.assert_array_equal(fused, expected)


def test_is_saved_and_read_safely(tmp_path, maps):
    image = keras.Input(SHAPE[1:])
    network = keras.Model(image, FusedBatchNormalization(name="norm")(image))
    network.compile(loss="mse")
    network.fit(maps, maps, verbose=0)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(again(maps), network(maps))
