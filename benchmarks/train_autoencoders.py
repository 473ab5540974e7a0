"""How `forging/autoencoder_*.onnx` were trained on the sample's real videos.

    python benchmarks/train_autoencoders.py VIDEOS OUT

VIDEOS is the sample's `data/videos`; its fakes are left out by their names. The encoder is the
same, the decoder enlarges by transposed convolutions, pixel shuffle, or nearest neighbors and
convolutions. Prints the PSNR of each on a video that it was not trained on, how far ONNX is from
Keras, and the SHA-256 of each file.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from keras import layers
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deepfake_detector.video.reading import read_frames

N_STEPS = {"transposed": 1500, "shuffled": 1129, "nearest": 241}
"""By how the decoder enlarges: what 75 s of two cores allowed, the last two while others ran."""
WIDTHS, N_CODES, PATCH_PX, BATCH = (24, 48), 8, 64, 32
SCHEDULED_STEPS, LEARNING_RATE = 1500, 3e-3
HELD_OUT = "webcam_1.mp4"
OPSET, IR_VERSION = 17, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    frames = read_real_frames(arguments.videos)
    held_out = frames.pop(HELD_OUT)
    for seed, (decoder, n_steps) in enumerate(N_STEPS.items()):
        keras.utils.set_random_seed(seed)
        network = make_network(decoder)
        train(network, n_steps, list(frames.values()), np.random.default_rng(seed))
        path = arguments.out / f"autoencoder_{decoder}.onnx"
        path.write_bytes(convert(network, decoder))
        compare(network, path, held_out[0])
        print(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), flush=True)


def read_real_frames(videos: Path) -> dict[str, list[np.ndarray]]:
    """Read every tenth frame of each video that is filmed."""
    paths = [p for p in sorted(videos.glob("*.mp4")) if not p.stem.endswith(("_blend", "_swap"))]
    return {p.name: [f for n, (_, f) in enumerate(read_frames(p)) if n % 10 == 0] for p in paths}


def make_network(decoder: str) -> keras.Model:
    """Make an autoencoder of [B, H, W, 3] in 0-1 whose code is a quarter as high and wide."""
    image = x = keras.Input((None, None, 3))
    for number, width in enumerate(WIDTHS):
        x = layers.Conv2D(width, 3, 2, "same", activation="relu", name=f"encode_{number}")(x)
    x = layers.Conv2D(N_CODES, 3, padding="same", name="codes")(x)
    x = layers.Conv2D(WIDTHS[1], 3, padding="same", activation="relu", name="decode")(x)
    for number, width in enumerate((WIDTHS[0], 3)):
        name, activation = f"enlarge_{number}", "relu" if number == 0 else "linear"
        if decoder == "transposed":
            x = layers.Conv2DTranspose(width, 3, 2, "same", activation=activation, name=name)(x)
        elif decoder == "shuffled":
            x = layers.Conv2D(4 * width, 3, padding="same", activation=activation, name=name)(x)
            x = DepthToSpace(name=f"shuffle_{number}")(x)
        else:
            x = RepeatPixels(name=f"repeat_{number}")(x)
            x = layers.Conv2D(width, 3, padding="same", activation=activation, name=name)(x)
    return keras.Model(image, x)


class DepthToSpace(layers.Layer):
    """Pixel shuffle, twice as high and wide."""

    def call(self, x):
        return tf.nn.depth_to_space(x, 2)


class RepeatPixels(layers.Layer):
    """Nearest neighbors, twice as high and wide; `UpSampling2D`'s gradient is slow."""

    def call(self, x):
        return tf.nn.depth_to_space(tf.tile(x, [1, 1, 1, 4]), 2)


def train(
    network: keras.Model,
    n_steps: int,
    videos: list[list[np.ndarray]],
    generator: np.random.Generator,
) -> None:
    """Train on patches at random places, drawn by video."""
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, SCHEDULED_STEPS)
    optimizer = keras.optimizers.Adam(schedule)

    @tf.function(reduce_retracing=True)
    def step(batch):
        with tf.GradientTape() as tape:
            decoded = network(batch, training=True)
            loss = tf.reduce_mean(tf.abs(decoded - batch))
            for axis in (1, 2):  # edges, too
                loss += tf.reduce_mean(tf.abs(difference(decoded - batch, axis)))
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    for _ in range(n_steps):
        step(draw_patches(videos, generator))


def difference(batch: tf.Tensor, axis: int) -> tf.Tensor:
    """Subtract from each pixel the one before it."""
    return batch[:, 1:] - batch[:, :-1] if axis == 1 else batch[:, :, 1:] - batch[:, :, :-1]


def draw_patches(videos: list[list[np.ndarray]], generator: np.random.Generator) -> np.ndarray:
    """Draw a batch of patches, float32 [B, PATCH_PX, PATCH_PX, 3] in 0-1."""
    patches = []
    for _ in range(BATCH):
        frames = videos[generator.integers(len(videos))]
        frame = frames[generator.integers(len(frames))]
        top, left = (int(generator.integers(side - PATCH_PX + 1)) for side in frame.shape[:2])
        patches.append(frame[top : top + PATCH_PX, left : left + PATCH_PX])
    return np.float32(patches) / 255


def convert(network: keras.Model, decoder: str) -> bytes:
    """Write the network of pictures uint8 [B, H, W, 3]; 4 divides H and W."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "white"], ["unit"]),
        helper.make_node("Transpose", ["unit"], ["first"], perm=[0, 3, 1, 2]),
    ]
    constants = [
        numpy_helper.from_array(np.float32(0), "black"),
        numpy_helper.from_array(np.float32(255), "white"),
    ]
    if decoder == "nearest":
        constants.append(numpy_helper.from_array(np.float32([1, 1, 2, 2]), "scales"))
    x = "first"
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D | layers.Conv2DTranspose):
            kernel, bias = layer.get_weights()
            for part, values in (("kernel", kernel.transpose(3, 2, 0, 1)), ("bias", bias)):
                half = np.ascontiguousarray(values, np.float16)
                constants.append(numpy_helper.from_array(half, f"{layer.name}/{part}/half"))
                ends = [f"{layer.name}/{part}/half"], [f"{layer.name}/{part}"]
                nodes.append(helper.make_node("Cast", *ends, to=TensorProto.FLOAT))
        x = add_layer(nodes, layer, x)
    nodes += [
        helper.make_node("Mul", [x, "white"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["round"]),
        helper.make_node("Clip", ["round", "black", "white"], ["cut"]),
        helper.make_node("Transpose", ["cut"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["last"], ["decoded"], to=TensorProto.UINT8),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, ["B", "H", "W", 3])
        for name in ("image", "decoded")
    ]
    graph = helper.make_graph(nodes, f"autoencoder_{decoder}", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def add_layer(nodes: list[onnx.NodeProto], layer: layers.Layer, x: str) -> str:
    """Add the nodes of a layer, and name its output."""
    inputs = [x, f"{layer.name}/kernel", f"{layer.name}/bias"]
    outputs, name = [f"{layer.name}/linear"], layer.name
    if isinstance(layer, layers.Conv2DTranspose):
        shape = {"strides": [2, 2], "pads": [0, 0, 1, 1]}
        nodes.append(helper.make_node("ConvTranspose", inputs, outputs, **shape))
    elif isinstance(layer, layers.Conv2D):
        shape = {"strides": list(layer.strides), "auto_pad": "SAME_UPPER"}
        nodes.append(helper.make_node("Conv", inputs, outputs, **shape))
    elif isinstance(layer, RepeatPixels):
        modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        nodes.append(helper.make_node("Resize", [x, "", "scales"], [name], **modes))
        return name
    elif isinstance(layer, DepthToSpace):
        nodes.append(helper.make_node("DepthToSpace", [x], [name], blocksize=2, mode="DCR"))
        return name
    else:
        return x
    if layer.activation is keras.activations.relu:
        nodes.append(helper.make_node("Relu", outputs, [name]))
        return name
    return outputs[0]


def compare(network: keras.Model, path: Path, frame: np.ndarray) -> None:
    """Print how near ONNX is to Keras, and the PSNR of a frame."""
    height, width = (side // 4 * 4 for side in frame.shape[:2])
    frame = frame[:height, :width]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (decoded,) = session.run(None, {"image": frame[None]})[0]
    expected = np.clip(network(frame[None] / np.float32(255))[0].numpy() * 255, 0, 255)
    error = np.mean((decoded.astype(float) - frame) ** 2)
    print(f"from Keras {np.abs(decoded - expected).max():.2f}", end=" ")
    print(f"PSNR {10 * np.log10(255**2 / error):.2f}")


if __name__ == "__main__":
    main()
