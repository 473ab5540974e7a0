"""How much faster `vgg16` is in bfloat16 than in float32, and whether it still learns the same.

    python benchmarks/precision_speed.py forward|train|loss

`forward`: `predict` on batches of 8; also how far the outputs are from each other. `train`: steps
on batches of 8. `loss`: both learn 200 steps from the same weights and batches, and so does
float32 once more from batches in another order, which tells what is noise. All sides take turns.
`--backbone efficientnet_lite0` shows why it stays float32.
`benchmarks/precision_speed.md` says what was seen.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

IMAGES = 8
PRECISIONS = ("float32", "bfloat16")
OTHER_ORDER = "float32 (other order)"
CURVES = ("float32", "bfloat16", OTHER_ORDER)
WINDOW = 20  # steps that a loss is averaged over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["forward", "train", "loss"])
    parser.add_argument("--backbone", default="vgg16", choices=["vgg16", "efficientnet_lite0"])
    parser.add_argument("--init", default="none", help="as train.init in params.yaml")
    parser.add_argument("--shards", type=Path, nargs="*", help="real frames, for `loss`")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=200, help="of `loss`")
    parser.add_argument("--batch", type=int, default=IMAGES, help="images in a step of `loss`")
    parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    arguments = parser.parse_args()
    if arguments.what == "forward":
        compare_forward(arguments)
    elif arguments.what == "train":
        compare_steps(arguments)
    else:
        compare_losses(arguments)


def build(arguments, precision: str):
    """Build the network, the same at each call but for its precision."""
    import keras

    from deepfake_detector.models.initial_weights import initialize_ssd
    from deepfake_detector.models.ssd.network import build_detector

    params = load_project_params(arguments, precision)
    keras.utils.set_random_seed(params.seed)
    network = build_detector(params.detector)
    initialize_ssd(network, params.detector, arguments.init)
    return network, params


def load_project_params(arguments, precision: str):
    """Load the project's parameters, with the backbone and precision in question."""
    from deepfake_detector.config.schema import load_params

    params = load_params(PROJECT / "params.yaml")
    asked = {"backbone": arguments.backbone, "precision": precision}
    schedule = params.train.schedule.model_copy(update={"learning_rate": arguments.rate})
    changes = {
        "detector": params.detector.model_copy(update=asked),
        "train": params.train.model_copy(update={"schedule": schedule}),
    }
    return params.model_copy(update=changes)


def build_trained(arguments, precision: str):
    """Build the network ready for training steps."""
    from deepfake_detector.training.ssd import DetectorTrainer, make_optimizer

    network, params = build(arguments, precision)
    model = DetectorTrainer(network, params)
    model.compile(optimizer=make_optimizer(params.train))
    return model


def compare_forward(arguments) -> None:
    networks = {precision: build(arguments, precision)[0] for precision in PRECISIONS}
    side = networks["float32"].input_shape[1]
    images = make_images(side)
    runs = {
        name: lambda n=network: n.predict_on_batch(images) for name, network in networks.items()
    }
    outputs = {name: run() for name, run in runs.items()}
    print_ratio("forward", take_turns(runs, arguments.repeats))
    for name in ("box", "label"):
        exact, rough = (outputs[precision][name] for precision in PRECISIONS)
        difference = np.abs(rough - exact)
        print(
            f"{name}: differs by {difference.mean():.2g} on average, {difference.max():.2g} at "
            f"most, of a spread (standard deviation) of {exact.std():.2g}"
        )


def compare_steps(arguments) -> None:
    models = {precision: build_trained(arguments, precision) for precision in PRECISIONS}
    images = make_images(models["float32"].detector.input_shape[1])
    faces = make_faces()
    runs = {
        name: lambda m=model: m.train_on_batch(images, faces) for name, model in models.items()
    }
    for run in runs.values():
        run()
    print_ratio("train step", take_turns(runs, arguments.repeats))


def compare_losses(arguments) -> None:
    """Let three learn, step by step in turn: what another order of images does is the noise."""
    models = {name: build_trained(arguments, name.split()[0]) for name in CURVES}
    streams = [make_stream(arguments, seed_shift) for seed_shift in (0, 1)]
    curves = {name: [] for name in CURVES}
    print(f"{'steps':<12}" + "".join(f"{name:>24}" for name in CURVES))
    for step in range(arguments.steps):
        same, other = (next(stream) for stream in streams)
        for name, model in models.items():
            images, faces = other if name == OTHER_ORDER else same
            model.reset_metrics()
            loss = model.train_on_batch(images, faces, return_dict=True)["loss"]
            curves[name].append(float(loss))
        if (step + 1) % WINDOW == 0:
            means = "".join(f"{np.mean(curve[-WINDOW:]):>24.3f}" for curve in curves.values())
            print(f"{step + 2 - WINDOW}-{step + 1:<9}{means}", flush=True)
    print_differences({name: np.array(curve) for name, curve in curves.items()})


def make_stream(arguments, seed_shift: int):
    """Make the endless batches of a training, in an order of its own for each shift."""
    from deepfake_detector.data.loading.training_batches import make_training_batches

    params = load_project_params(arguments, "float32")
    return iter(
        make_training_batches(
            arguments.shards,
            arguments.batch,
            params.detector.image_size_px,
            params.train.max_faces,
            params.train.augmentation,
            params.seed + seed_shift,
        )
    )


def print_differences(curves: dict[str, np.ndarray]) -> None:
    """Print how far the other curves, smoothed, are from that of float32, relative to it."""
    smooth = {
        name: np.convolve(curve, np.full(WINDOW, 1 / WINDOW), "valid")
        for name, curve in curves.items()
    }
    exact = smooth["float32"]
    for name in CURVES[1:]:
        apart = np.abs(smooth[name] - exact) / exact
        print(
            f"{name}: means of {WINDOW} steps differ from those of float32 by {apart.mean():.1%} "
            f"on average, {apart.max():.1%} at most; over all steps by "
            f"{curves[name].mean() / curves['float32'].mean() - 1:+.1%}"
        )


def take_turns(runs: dict, repeats: int) -> dict[str, list[float]]:
    """Measure seconds of every side, `repeats` times in turn."""
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return times


def print_ratio(title: str, times: dict[str, list[float]]) -> None:
    slow, fast = (times[precision] for precision in PRECISIONS)
    ratio = statistics.median(a / b for a, b in zip(slow, fast, strict=True))
    seconds = ", ".join(f"{name} {statistics.median(t):.3f} s" for name, t in times.items())
    print(f"{title}, batch of {IMAGES}: {seconds}; {ratio:.2f} times as fast")


def make_images(side: int) -> np.ndarray:
    """Make smooth random pictures, as real ones are smooth."""
    import cv2

    random = np.random.default_rng(7)
    small = random.uniform(0, 255, (IMAGES, 16, 16, 3)).astype(np.float32)
    return np.stack([cv2.resize(image, (side, side)) for image in small])


def make_faces() -> dict[str, np.ndarray]:
    """Make one face for each picture."""
    box = np.float32([[0.3, 0.2, 0.6, 0.7]])
    labels = np.arange(IMAGES).reshape(-1, 1) % 2 + 1
    return {"boxes": np.tile(box, (IMAGES, 1, 1)), "labels": labels.astype(np.int32)}


if __name__ == "__main__":
    main()
