"""Every kind of layer computes in ONNX Runtime what it computes in Keras."""

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from deepfake_detector.export.onnx_graph import OnnxGraph, embed
from deepfake_detector.models.backbones.vgg16 import L2Normalization

SHAPE = (11, 8, 6)


def rows(x):
    return layers.Dense(5, activation="relu")(layers.GlobalAveragePooling2D()(x))


LAYERS = {
    "convolution": layers.Conv2D(4, 3, padding="same", activation="relu"),
    "convolution that halves": layers.Conv2D(4, 3, 2, padding="same", use_bias=False),
    "convolution without edge": layers.Conv2D(4, 3, 2),
    "dilated convolution": layers.Conv2D(4, 3, padding="same", dilation_rate=2),
    "depthwise": layers.DepthwiseConv2D(5, padding="same", use_bias=False),
    "depthwise that halves": layers.DepthwiseConv2D(5, 2, padding="same"),
    "norm": layers.BatchNormalization(epsilon=1e-2),
    "ReLU6": layers.ReLU(6.0),
    "ReLU": layers.ReLU(),
    "rescaling": layers.Rescaling(1 / 128, offset=-127 / 128),
    "rescaling by channel": layers.Rescaling(0.5, offset=[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    "pooling": layers.MaxPooling2D(2, 2, padding="same"),
    "pooling that keeps the size": layers.MaxPooling2D(3, 1, padding="same"),
    "padding": layers.ZeroPadding2D(((1, 2), (3, 4))),
    "L2 norm": L2Normalization(),
    "sum": lambda x: layers.Add()([x, layers.ReLU()(x)]),
    "channels joined": lambda x: layers.Concatenate()([x, layers.ReLU()(x)]),
    "rows of maps joined": lambda x: layers.Concatenate(axis=1)(
        [layers.Reshape((-1, 3))(x), layers.Reshape((-1, 3))(layers.ReLU()(x))]
    ),
    "average and dense": rows,
}


def make_network(layer):
    keras.utils.set_random_seed(4)
    image = keras.Input(SHAPE)
    network = keras.Model(image, layer(image))
    generator = np.random.default_rng(4)
    network.set_weights([generator.uniform(0.5, 2, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_it_computes_in_keras(name):
    network = make_network(LAYERS[name])
    graph = OnnxGraph("image", SHAPE, embed)
    output = network.outputs[0]
    result = graph.add_network(network, "network")[id(output)]
    model = graph.make_model({"result": (result, ())})
    model.graph.output[0].type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(model.SerializeToString())
    images = np.random.default_rng(5).uniform(-9, 9, (3, *SHAPE)).astype(np.float32)
    expected = np.asarray(network(images))
    (found,) = session.run(None, {"image": images})
    if expected.ndim == 4:
        found = found.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.UpSampling2D(name="up"), "up: no ONNX for a layer UpSampling2D"),
        (layers.Conv2D(2, 1, activation="elu", name="c"), "c: no ONNX for the activation elu"),
    ],
)
def test_a_layer_without_a_node_is_named(layer, message):
    with pytest.raises(ValueError, match=message):
        OnnxGraph("image", SHAPE, embed).add_network(make_network(layer), "network")
