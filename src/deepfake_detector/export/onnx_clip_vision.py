"""A `ClipVision` layer as ONNX nodes. Shapes are named as in its module."""

import numpy as np

from deepfake_detector.models.backbones.clip_vision import (
    EPSILON,
    GELU_SLOPE,
    HEADS,
    PATCH_PX,
    WIDTH,
)


def add_clip_vision(graph, layer, name: str, x: str) -> str:
    """Add a layer on maps [B, 3, 224, 224]; return the name of its output [B, 2 C].

    Args:
        graph: an `onnx_graph.OnnxGraph`.
        name: of its weights.
    """
    names = {id(weight): f"{name}/{number}" for number, weight in layer.name_weights().items()}

    def weigh(weight, axes=None) -> str:
        if isinstance(weight, tuple):
            return graph.add("Mul", *(weigh(part) for part in weight))
        return graph.add_weight(names[id(weight)], weight, axes)

    kernel, *others = layer.embedding
    patches = graph.add("Conv", x, weigh(kernel, (3, 2, 0, 1)), strides=(PATCH_PX, PATCH_PX))
    class_token, positions, scale, shift = [weigh(variable) for variable in others]
    tokens = graph.add("Transpose", _reshape(graph, patches, (0, WIDTH, -1)), perm=(0, 2, 1))
    count = graph.add("Slice", graph.add("Shape", tokens), *_integers(graph, [0], [1]))
    shape = graph.add("Concat", count, *_integers(graph, [1, WIDTH]), axis=0)
    tokens = graph.add("Concat", graph.add("Expand", class_token, shape), tokens, axis=1)
    tokens = _normalize(graph, graph.add("Add", tokens, positions), scale, shift)
    for variables in layer.blocks:
        weights = [weigh(variable) for variable in variables]
        tokens = graph.add("Add", tokens, _attend(graph, tokens, *weights[:6]))
        tokens = graph.add("Add", tokens, _perceive(graph, tokens, *weights[6:]))
    end = layer.embedding[2].shape[1]
    parts = [_slice(graph, tokens, *span, axis=1) for span in ((0, 1), (1, end))]
    means = [graph.add("ReduceMean", part, axes=(1,), keepdims=0) for part in parts]
    return graph.add("Concat", *means, axis=1)


def _attend(graph, x: str, scale, shift, qkv_kernel, qkv_bias, out_kernel, out_bias) -> str:
    size = WIDTH // HEADS
    qkv = _add_dense(graph, _normalize(graph, x, scale, shift), qkv_kernel, qkv_bias)
    parts = []
    for number, axes in enumerate([(0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)]):
        part = _slice(graph, qkv, number * WIDTH, (number + 1) * WIDTH, axis=2)
        part = _reshape(graph, part, (0, 0, HEADS, size))
        parts.append(graph.add("Transpose", part, perm=axes))
    queries, keys, values = parts
    queries = graph.add("Mul", queries, graph.add_constant(size**-0.5))
    shares = graph.add("Softmax", graph.add("MatMul", queries, keys), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, values), perm=(0, 2, 1, 3))
    return _add_dense(graph, _reshape(graph, mixed, (0, 0, WIDTH)), out_kernel, out_bias)


def _perceive(graph, x: str, scale, shift, fc1_kernel, fc1_bias, fc2_kernel, fc2_bias) -> str:
    wide = _add_dense(graph, _normalize(graph, x, scale, shift), fc1_kernel, fc1_bias)
    steep = graph.add("Mul", wide, graph.add_constant(GELU_SLOPE))
    gelu = graph.add("Mul", wide, graph.add("Sigmoid", steep))
    return _add_dense(graph, gelu, fc2_kernel, fc2_bias)


def _normalize(graph, x: str, scale: str, shift: str) -> str:
    return graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=EPSILON)


def _add_dense(graph, x: str, kernel: str, bias: str) -> str:
    return graph.add("Add", graph.add("MatMul", x, kernel), bias)


def _slice(graph, x: str, start: int, end: int, axis: int) -> str:
    return graph.add("Slice", x, *_integers(graph, [start], [end], [axis]))


def _reshape(graph, x: str, shape: tuple) -> str:
    return graph.add("Reshape", x, *_integers(graph, shape))


def _integers(graph, *values) -> list[str]:
    return [graph.add_constant(value, np.int64) for value in values]
