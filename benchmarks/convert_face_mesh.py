"""How `faces/face_mesh.onnx` was made of the TFLite file in MediaPipe's wheel, and how near it is.

    pip download --no-deps mediapipe==0.10.14 --python-version 311 --only-binary=:all:
    python benchmarks/convert_face_mesh.py WHEEL OUT.onnx IMAGE [IMAGE ...]

The wheel is only read, never installed. Prints the SHA-256 of both files, and the largest distance
between the landmarks of the two on the images, which are taken as squares around a face.
"""

import argparse
import hashlib
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from onnx import numpy_helper

MEMBER = "mediapipe/modules/face_landmark/face_landmark.tflite"
SIDE_PX = 192
BATCHED_SHAPES = {1404: [-1, 468, 3], 1: [-1]}  # by the numbers an output has for one image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        tflite = wheel.read(MEMBER)
    arguments.out.write_bytes(convert(tflite).SerializeToString())
    print("tflite", hashlib.sha256(tflite).hexdigest())
    print("onnx  ", hashlib.sha256(arguments.out.read_bytes()).hexdigest())
    squares = np.stack([read_square(path) for path in arguments.images])
    print("largest distance in px of 192:", compare(tflite, arguments.out, squares))


def convert(tflite: bytes) -> onnx.ModelProto:
    """Convert the model, and let it take any number of images: [B, 468, 3] and logits [B]."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face_landmark.tflite"
        path.write_bytes(tflite)
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=17)
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for constant in model.graph.initializer:
        if constant.name in shapes:
            shape = BATCHED_SHAPES[int(numpy_helper.to_array(constant).prod())]
            constant.CopyFrom(numpy_helper.from_array(np.array(shape, np.int64), constant.name))
    replace_prelu(model.graph)
    make_dimensions(model.graph.input[0], ["B", SIDE_PX, SIDE_PX, 3])
    for output in model.graph.output:
        numbers = int(np.prod([d.dim_value for d in output.type.tensor_type.shape.dim]))
        make_dimensions(output, ["B", *BATCHED_SHAPES[numbers][1:]])
    del model.graph.value_info[:]  # shapes of one image
    onnx.checker.check_model(model, full_check=True)
    return model


def replace_prelu(graph: onnx.GraphProto) -> None:
    """Write PRelu(x) as slope x + (1 - slope) Relu(x): onnxruntime's PRelu is slow on a CPU.

    It took 2.4 of 3.4 ms a face; all of it takes 1.5 ms now.
    """
    slopes = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        (x, slope), (y,) = node.input, node.output
        rest = f"{y}_rest"
        graph.initializer.append(numpy_helper.from_array(1 - slopes[slope], rest))
        nodes += [
            onnx.helper.make_node("Relu", [x], [f"{y}_relu"]),
            onnx.helper.make_node("Mul", [f"{y}_relu", rest], [f"{y}_above"]),
            onnx.helper.make_node("Mul", [x, slope], [f"{y}_linear"]),
            onnx.helper.make_node("Add", [f"{y}_above", f"{y}_linear"], [y]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def make_dimensions(value: onnx.ValueInfoProto, sizes: list) -> None:
    shape = onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, sizes)
    value.type.CopyFrom(shape)


def read_square(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    return cv2.resize(image, (SIDE_PX, SIDE_PX)).astype(np.float32) / 255


def compare(tflite: bytes, onnx_file: Path, squares: np.ndarray) -> float:
    """Find the largest distance between landmarks, and check that the logits agree."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    found, logits = session.run(None, {session.get_inputs()[0].name: squares})
    interpreter = tf.lite.Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    furthest = 0.0
    for square, points, logit in zip(squares, found, logits, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], square[None])
        interpreter.invoke()
        expected, expected_logit = (
            interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()
        )
        furthest = max(furthest, float(np.abs(expected.reshape(468, 3) - points).max()))
        np.testing.assert_allclose(logit, expected_logit.item(), atol=1e-2)
    return furthest


if __name__ == "__main__":
    main()
