"""A Keras network as an ONNX graph: a few nodes for each layer, weights by their Keras names.

Maps lie channels first, as ONNX has them, between one transposition at the input and those before
maps become rows. Weights keep the axes that Keras gives them, so that a file of Keras' weights can
serve both: what ONNX has otherwise is a transposition of a constant, which a program does once,
when it loads the graph. Shapes: `N` images, `C` channels, `H`, `W` in px.
"""

from collections.abc import Callable

import keras
import numpy as np
import onnx
from keras import layers
from onnx import TensorProto, helper, numpy_helper

from deepfake_detector.export.onnx_clip_vision import add_clip_vision
from deepfake_detector.models.backbones.batch_normalization import FusedBatchNormalization
from deepfake_detector.models.backbones.clip_vision import ClipVision
from deepfake_detector.models.backbones.vgg16 import L2Normalization
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

OPSET, IR_VERSION = 17, 9

Place = Callable[[str, np.ndarray], TensorProto]
"""Makes the initializer of a weight, from its name and its values."""


def embed(name: str, values: np.ndarray) -> TensorProto:
    """Place a weight in the graph itself, as it is."""
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


class OnnxGraph:
    """Nodes and initializers, in the order in which layers are added.

    Args:
        name: of the input, images [N, H, W, C].
        image_shape: [H, W, C].
        place: makes the initializers of weights; half precision and 8 bits are widened by nodes.

    Attributes:
        image: name of the input as maps [N, C, H, W].
    """

    def __init__(self, name: str, image_shape: tuple[int, int, int], place: Place):
        self._place, self._input = place, _describe(name, image_shape)
        self._nodes, self._initializers = [], []
        self.image = self.add("Transpose", name, perm=(0, 3, 1, 2))

    def add(self, operator: str, *inputs: str, **attributes) -> str:
        """Add a node with one output; return its name."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def add_constant(self, values, dtype=np.float32) -> str:
        """Add numbers that are no weights; return their name."""
        name = f"constant_{len(self._initializers)}"
        self._initializers.append(embed(name, np.asarray(values, dtype)))
        return name

    def add_weight(self, name: str, variable, axes: tuple[int, ...] | None = None) -> str:
        """Add a weight of Keras, with its axes in another order where one is given."""
        tensor = self._place(name, keras.ops.convert_to_numpy(variable))
        self._initializers.append(tensor)
        if tensor.data_type in (TensorProto.FLOAT16, TensorProto.INT8):
            name = self.add("Cast", name, to=TensorProto.FLOAT)
        return name if axes is None else self.add("Transpose", name, perm=axes)

    def add_network(self, network: keras.Model, prefix: str) -> dict[int, str]:
        """Add all layers of a functional network on the input, but the decoder.

        Args:
            prefix: of the names of its weights.

        Returns:
            The name of each layer's output, by the `id` of its Keras tensor.

        Raises:
            ValueError: there is no node for a layer; the message names it.
        """
        names = {id(network.inputs[0]): self.image}
        for layer in network.layers:
            if isinstance(layer, layers.InputLayer | DetectionDecoder):
                continue
            convert = _CONVERTERS.get(type(layer))
            if convert is None:
                raise ValueError(f"{layer.name}: no ONNX for a layer {type(layer).__name__}")
            given = layer.input if isinstance(layer.input, list) else [layer.input]
            inputs = [names[id(tensor)] for tensor in given]
            names[id(layer.output)] = convert(self, layer, f"{prefix}/{layer.name}", *inputs)
        return names

    def make_model(self, outputs: dict[str, tuple[str, tuple]]) -> onnx.ModelProto:
        """Make a model of what was added.

        Args:
            outputs: by name, the node's output and its shape without `N`.
        """
        for name, (source, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [source], [name]))
        infos = [_describe(name, shape) for name, (_, shape) in outputs.items()]
        graph = helper.make_graph(self._nodes, "network", [self._input], infos, self._initializers)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _describe(name: str, shape: tuple) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])


def _add_convolution(graph: OnnxGraph, layer, name: str, x: str) -> str:
    kernel = graph.add_weight(f"{name}/0", layer.kernel, (3, 2, 0, 1))
    return _convolve(graph, layer, name, x, kernel, 1)


def _add_depthwise(graph: OnnxGraph, layer, name: str, x: str) -> str:
    kernel = graph.add_weight(f"{name}/0", layer.kernel, (2, 3, 0, 1))
    return _convolve(graph, layer, name, x, kernel, layer.input.shape[-1])


def _convolve(graph: OnnxGraph, layer, name: str, x: str, kernel: str, group: int) -> str:
    bias = [graph.add_weight(f"{name}/1", layer.bias)] if layer.use_bias else []
    result = graph.add(
        "Conv", x, kernel, *bias,
        group=group,
        strides=layer.strides,
        dilations=layer.dilation_rate,
        pads=_count_pads(layer, layer.kernel_size, layer.dilation_rate),
    )  # fmt: skip
    return _activate(graph, layer, result)


def _activate(graph: OnnxGraph, layer, x: str) -> str:
    name = keras.activations.serialize(layer.activation)
    if name == "linear":
        return x
    if name != "relu":
        raise ValueError(f"{layer.name}: no ONNX for the activation {name}")
    return graph.add("Relu", x)


def _count_pads(layer, kernel_size: tuple, dilation_rate: tuple) -> list[int]:
    """Count the px that `same` puts before and after each side: the odd one comes after."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    before, after = [], []
    sides = layer.input.shape[1:3]
    for side, kernel, stride, dilation in zip(
        sides, kernel_size, layer.strides, dilation_rate, strict=True
    ):
        reach = (kernel - 1) * dilation + 1
        missing = max((-(-side // stride) - 1) * stride + reach - side, 0)
        before.append(missing // 2)
        after.append(missing - missing // 2)
    return before + after


def _add_norm(graph: OnnxGraph, layer, name: str, x: str) -> str:
    parts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    weights = [graph.add_weight(f"{name}/{number}", part) for number, part in enumerate(parts)]
    return graph.add("BatchNormalization", x, *weights, epsilon=layer.epsilon)


def _add_relu(graph: OnnxGraph, layer, name: str, x: str) -> str:
    if layer.max_value is None:
        return graph.add("Relu", x)
    return graph.add("Clip", x, graph.add_constant(0), graph.add_constant(layer.max_value))


def _add_rescaling(graph: OnnxGraph, layer, name: str, x: str) -> str:
    def shape(values):  # a number, or one a channel
        values = np.asarray(values, np.float32)
        return graph.add_constant(values.reshape(-1, 1, 1) if values.ndim else values)

    return graph.add("Add", graph.add("Mul", x, shape(layer.scale)), shape(layer.offset))


def _add_sum(graph: OnnxGraph, layer, name: str, *inputs: str) -> str:
    return graph.add("Sum" if len(inputs) > 2 else "Add", *inputs)


def _add_reshape(graph: OnnxGraph, layer, name: str, x: str) -> str:
    if layer.input.ndim == 4:
        x = graph.add("Transpose", x, perm=(0, 2, 3, 1))
    return graph.add("Reshape", x, graph.add_constant((0, *layer.target_shape), np.int64))


def _add_concatenation(graph: OnnxGraph, layer, name: str, *inputs: str) -> str:
    axis = layer.axis % layer.output.ndim
    if layer.output.ndim == 4:
        axis = (0, 2, 3, 1)[axis]
    return graph.add("Concat", *inputs, axis=axis)


def _add_average(graph: OnnxGraph, layer, name: str, x: str) -> str:
    return graph.add("Flatten", graph.add("GlobalAveragePool", x))


def add_dense(graph: OnnxGraph, layer, name: str, x: str) -> str:
    """Add a dense layer on rows [N, C]; return the name of its output."""
    weights = [graph.add_weight(f"{name}/{n}", weight) for n, weight in enumerate(layer.weights)]
    return _activate(graph, layer, graph.add("Gemm", x, *weights))


def _add_max_pooling(graph: OnnxGraph, layer, name: str, x: str) -> str:
    return graph.add(
        "MaxPool", x,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        pads=_count_pads(layer, layer.pool_size, (1, 1)),
    )  # fmt: skip


def _add_zero_padding(graph: OnnxGraph, layer, name: str, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.add(
        "Pad", x, graph.add_constant((0, 0, top, left, 0, 0, bottom, right), np.int64)
    )


def _add_cropping(graph: OnnxGraph, layer, name: str, x: str) -> str:
    (top, bottom), (left, right) = layer.cropping
    height, width = layer.input.shape[1:3]
    ends = ((top, left), (height - bottom, width - right), (2, 3))
    return graph.add("Slice", x, *(graph.add_constant(values, np.int64) for values in ends))


def _add_l2_norm(graph: OnnxGraph, layer, name: str, x: str) -> str:
    squares = graph.add("ReduceSum", graph.add("Mul", x, x), graph.add_constant([1], np.int64))
    length = graph.add("Sqrt", graph.add("Max", squares, graph.add_constant(1e-12)))
    scale = graph.add_weight(f"{name}/0", layer.scale)
    by_channel = graph.add("Reshape", scale, graph.add_constant((-1, 1, 1), np.int64))
    return graph.add("Mul", graph.add("Div", x, length), by_channel)


_CONVERTERS = {
    layers.Conv2D: _add_convolution,
    layers.DepthwiseConv2D: _add_depthwise,
    layers.BatchNormalization: _add_norm,
    FusedBatchNormalization: _add_norm,
    layers.ReLU: _add_relu,
    layers.Rescaling: _add_rescaling,
    layers.Add: _add_sum,
    layers.Reshape: _add_reshape,
    layers.Concatenate: _add_concatenation,
    layers.GlobalAveragePooling2D: _add_average,
    layers.Dense: add_dense,
    layers.MaxPooling2D: _add_max_pooling,
    layers.ZeroPadding2D: _add_zero_padding,
    layers.Cropping2D: _add_cropping,
    L2Normalization: _add_l2_norm,
    ClipVision: add_clip_vision,
}
"""What adds a layer: takes the graph, the layer, the name of its weights and of its inputs."""
