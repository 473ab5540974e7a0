"""How fast and how exact exported detectors are, against Keras `predict` on the same frames.

    python benchmarks/export_speed.py --project FOLDER

FOLDER is a copy of this project in which `dvc repro` and `src/export.py` have run. All sides take
turns, batch by batch, with their own decoding and suppression; ratios are of medians. mAP is
measured on all frames of the test split. OpenVINO is a peer (benchmarks/requirements-export.in):
where it is missing its rows are left out. `benchmarks/export_speed.md` says what was seen.
"""

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

LEAST = {"float": 2.0, "int8": 3.0}
MAX_LOST = 0.01  # of mAP, in 8-bit integers
MEAN_BEST_IOU = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--speed-only", action="store_true", help="measure no mAP")
    arguments = parser.parse_args()
    from deepfake_detector.export.sample_frames import read_frames

    shards = list_test_shards(arguments.project)
    sides, size_px = load_sides(arguments.project)
    images, _ = read_frames(shards, arguments.batch, size_px)
    images = images[: arguments.batch]
    times = take_turns(sides, images, arguments.repeats)
    maps = {} if arguments.speed_only else measure_maps(sides, shards, size_px, arguments.batch)
    print_table(times, maps, len(images))


def list_test_shards(project: Path) -> list[Path]:
    """List the shards of the test split."""
    import pandas as pd

    videos = pd.read_csv(project / "artifacts/split/test.csv")
    names = videos.loc[videos["frames"] > 0, "video"]
    return [project / f"artifacts/extract_frames/{name}.tfrecord" for name in names]


def load_sides(project: Path) -> tuple[dict[str, Callable], int]:
    """Load Keras and every exported file that can be run here: functions of images, by name."""
    from deepfake_detector.inference.detector import load_detector

    detector = load_detector(project / "artifacts/train/detector.keras").ssd
    exported = project / "artifacts/export"

    def keras(images):
        return detector.predict(images, batch_size=len(images), verbose=0)

    sides = {"Keras predict": keras}
    for kind, name in (("float", "detector.onnx"), ("int8", "detector_int8.onnx")):
        sides[f"ONNX Runtime {kind}"] = load_onnx(exported / name)
        if importlib.util.find_spec("openvino"):
            sides[f"OpenVINO {kind}"] = load_openvino(exported / name)
        sides[f"LiteRT {kind}"] = load_litert(exported / Path(name).with_suffix(".tflite"))
    return sides, detector.input_shape[1]


def load_onnx(path: Path) -> Callable:
    """Load an ONNX file in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(
        zip(names, session.run(names, {session.get_inputs()[0].name: images}), strict=True)
    )


def load_openvino(path: Path) -> Callable:
    """Load an ONNX file in OpenVINO, in the precision that it chooses for this CPU."""
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU")

    def find(images):
        found = compiled(images)
        return {name: found[name] for name in ("boxes", "scores")}

    return find


def load_litert(path: Path) -> Callable:
    """Load a LiteRT file, which takes images one by one, with a thread for each core."""
    import numpy as np
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path), num_threads=len(os.sched_getaffinity(0)))
    find = interpreter.get_signature_runner()

    def find_all(images):
        found = [find(image=image[None]) for image in images]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    return find_all


def take_turns(sides: dict[str, Callable], images, repeats: int) -> dict[str, list[float]]:
    """Measure seconds a batch of every side, `repeats` times in turn."""
    for find in sides.values():
        find(images)
    times = {name: [] for name in sides}
    for _ in range(repeats):
        for name, find in sides.items():
            started = time.perf_counter()
            find(images)
            times[name].append(time.perf_counter() - started)
    return times


def measure_maps(sides: dict[str, Callable], shards, size_px: int, batch: int) -> dict:
    """Measure each side's mAP on all frames of the shards."""
    from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches
    from deepfake_detector.inference.shards import batch_to_table, join_tables, read_truth
    from deepfake_detector.metrics import mean_average_precision

    tables = {name: [] for name in sides}
    for images, faces in make_evaluation_batches(shards, batch, size_px):
        for name, find in sides.items():
            tables[name].append(batch_to_table(find(images.numpy()), faces))
    truth = read_truth(shards)
    return {
        name: mean_average_precision(join_tables(parts), truth, MEAN_BEST_IOU)["map_50"]
        for name, parts in tables.items()
    }


def print_table(times: dict[str, list[float]], maps: dict, images: int) -> None:
    """Print a row for each side; the ratio is the median over turns."""
    reference = times["Keras predict"]
    print(f"{'':<22}{'ms an image':>12}{'ratio':>8}{'at least':>10}{'mAP':>9}{'lost':>9}")
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(reference, seconds, strict=True))
        least = next((f"{n:g}" for kind, n in LEAST.items() if name.endswith(kind)), "")
        row = (
            f"{name:<22}{statistics.median(seconds) / images * 1e3:>12.1f}{ratio:>8.2f}{least:>10}"
        )
        if maps:
            lost = maps["Keras predict"] - maps[name]
            too_much = "  too much" if lost > MAX_LOST and name.endswith("int8") else ""
            row += f"{maps[name]:>9.4f}{lost:>9.4f}{too_much}"
        print(row)


if __name__ == "__main__":
    main()
