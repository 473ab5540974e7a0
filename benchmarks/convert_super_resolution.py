"""How `forging/esrgan_slim_x*.onnx` were made of the TF.js models in UpscalerJS' package.

    npm pack @upscalerjs/esrgan-slim@1.0.0
    python benchmarks/convert_super_resolution.py upscalerjs-esrgan-slim-1.0.0.tgz OUT IMAGE [...]

The package is only read. Prints the SHA-256 of each file, and the PSNR in dB of each image scaled
down and up again by the network and by cubic interpolation.
"""

import argparse
import hashlib
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SCALES = (2, 3, 4)
OPSET, IR_VERSION = 17, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    arguments = parser.parse_args()
    for scale in SCALES:
        path = arguments.out / f"esrgan_slim_x{scale}.onnx"
        path.write_bytes(convert(*read_model(arguments.package, scale), scale))
        print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        compare(path, arguments.images, scale)


def read_model(package: Path, scale: int) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Read the layers of one network, in order, and its weights by name."""
    with tarfile.open(package) as archive:
        folder = f"package/models/x{scale}"
        model = json.load(archive.extractfile(f"{folder}/model.json"))
        (group,) = model["weightsManifest"]
        content = b"".join(archive.extractfile(f"{folder}/{n}").read() for n in group["paths"])
    numbers, weights, start = np.frombuffer(content, "<f4"), {}, 0
    for entry in group["weights"]:
        end = start + int(np.prod(entry["shape"]))
        weights[entry["name"]] = numbers[start:end].reshape(entry["shape"])
        start = end
    if start != len(numbers):
        raise ValueError(f"{package}: {len(numbers)} weights of scale {scale}, expected {start}")
    return model["modelTopology"]["model_config"]["config"]["layers"], weights


def convert(layers: list[dict], weights: dict[str, np.ndarray], scale: int) -> bytes:
    """Write the network of images uint8 [B, H, W, 3] to [B, scale H, scale W, 3]."""
    nodes = [
        helper.make_node("Cast", ["small"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["LR"], perm=[0, 3, 1, 2]),
    ]
    constants = [
        numpy_helper.from_array(np.float32([1, 1, scale, scale]), "scales"),
        numpy_helper.from_array(np.float32(0), "black"),
        numpy_helper.from_array(np.float32(255), "white"),
    ]
    for layer in layers[1:]:
        name = layer["config"]["name"]
        inputs = [node[0] for node in layer["inbound_nodes"][0]]
        if layer["class_name"] == "Conv2D":
            inputs += add_half_floats(nodes, constants, name, weights)
        nodes.append(make_layer(layer, inputs))
    nodes += [
        helper.make_node("Round", ["SR"], ["round"]),
        helper.make_node("Clip", ["round", "black", "white"], ["cut"]),
        helper.make_node("Transpose", ["cut"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["last"], ["large"], to=TensorProto.UINT8),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, ["B", f"{name}_H", f"{name}_W", 3])
        for name in ("small", "large")
    ]
    graph = helper.make_graph(nodes, f"esrgan_slim_x{scale}", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def add_half_floats(nodes: list, constants: list, name: str, weights: dict) -> list[str]:
    """Keep kernel and bias of a convolution in half precision, and name their casts."""
    names = []
    for part, axes in (("kernel", (3, 2, 0, 1)), ("bias", (0,))):
        stored, used = f"{name}/{part}", f"{name}/{part}/float"
        values = weights[stored].transpose(axes).astype(np.float16)
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), stored))
        nodes.append(helper.make_node("Cast", [stored], [used], to=TensorProto.FLOAT))
        names.append(used)
    return names


def make_layer(layer: dict, inputs: list[str]) -> onnx.NodeProto:
    """Make the node of a layer, which is named as the layer."""
    kind, config = layer["class_name"], layer["config"]
    outputs = [config["name"]]
    if kind == "Conv2D":
        return helper.make_node("Conv", inputs, outputs, auto_pad="SAME_UPPER")
    if kind == "Activation":
        return helper.make_node("Relu", inputs, outputs)
    if kind == "Concatenate":
        return helper.make_node("Concat", inputs, outputs, axis=1)
    if kind == "Add":
        return helper.make_node("Add", inputs, outputs)
    if kind == "UpSampling2D":
        modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return helper.make_node("Resize", [*inputs, "", "scales"], outputs, **modes)
    raise ValueError(f"{config['name']}: expected a layer of esrgan-slim, got {kind}")


def compare(path: Path, images: list[Path], scale: int) -> None:
    """Print the PSNR of each image through the network and through cubic interpolation."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for file in images:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
        height, width = (side // scale * scale for side in image.shape[:2])
        image = image[:height, :width]
        small = cv2.resize(image, (width // scale, height // scale), interpolation=cv2.INTER_AREA)
        (network,) = session.run(None, {"small": small[None]})[0]
        cubic = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        print(file.name, f"network {cv2.PSNR(image, network):.2f}", end=" ")
        print(f"cubic {cv2.PSNR(image, cubic):.2f}")


if __name__ == "__main__":
    main()
