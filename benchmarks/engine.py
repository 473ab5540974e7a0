"""The same model in ONNX Runtime and in Keras, and against a script that does nothing else.

  python benchmarks/engine.py --bench FOLDER

FOLDER holds `deepfacelive/videos` (not part of this project; without it nothing is measured). One
of its clips becomes 720p with one face and with nine, every third frame analyzed. All sides take
turns; ratios are medians of the turns, of CPU seconds of all threads and of seconds. "predict" is
`predict` as it is; "ONNX" and "Keras" are the engines without what it saves: every face of every
analyzed frame is detected and classified. "bare" is `judge_bare`: cv2 and onnxruntime alone, the
same files, frames and crops as "ONNX". `start-up` is `predict.py` on two seconds of video against
a process that imports cv2, av and onnxruntime and judges them bare.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "src")]
STRIDE, AT_ONCE, MIN_SCORE = 3, 16, 0.1


def judge_bare(folder: Path, clip: Path) -> np.ndarray:
    """Judge every third frame of a clip with two ONNX files; return the logits of its faces."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    ssd, classifier = (
        onnxruntime.InferenceSession(folder / f"{name}.onnx", options)
        for name in ("detector", "face_classifier")
    )
    scale = float(classifier.get_modelmeta().custom_metadata_map["crop_scale"])
    size_px = classifier.get_inputs()[0].shape[1]
    capture, number, frames, logits = cv2.VideoCapture(str(clip)), 0, [], []

    def judge() -> None:
        images = np.stack([cv2.resize(frame, (300, 300)) for frame in frames])
        boxes, scores = ssd.run(["boxes", "scores"], {"image": images.astype(np.float32)})
        crops = []
        for frame, row in zip(*np.nonzero(scores.sum(axis=2) >= MIN_SCORE), strict=True):
            height, width = frames[frame].shape[:2]
            left, top, right, bottom = boxes[frame, row].clip(0, 1) * ([width, height] * 2)
            half = max(right - left, bottom - top) * scale / 2
            x, y = (left + right) / 2, (top + bottom) / 2
            place = [slice(max(int(c - half), 0), int(c + half)) for c in (y, x)]
            crops.append(cv2.resize(frames[frame][*place], (size_px, size_px)))
        for start in range(0, len(crops), 4):
            batch = np.stack(crops[start : start + 4]).astype(np.float32)
            logits.extend(classifier.run(None, {"crop": batch})[0])

    while capture.grab():
        if number % STRIDE == 0:
            frames.append(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB))
        number += 1
        if len(frames) == AT_ONCE:
            judge()
            frames.clear()
    if frames:
        judge()
    return np.array(logits)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=PROJECT / "released")
    parser.add_argument(
        "--seconds", type=float, nargs=2, default=[60, 30], help="of the clips with one and nine"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)  # in a process of its own
    asked = parser.parse_args()
    if asked.bare:
        judge_bare(asked.model, asked.bare)
        return
    videos = sorted((asked.bench / "deepfacelive/videos").glob("*.mp4"))
    if not videos:
        print(f"skipped: no videos in {asked.bench / 'deepfacelive/videos'}")
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    predictors = load_predictors(asked.model)
    with tempfile.TemporaryDirectory() as folder:
        for across, seconds in zip((1, 3), asked.seconds, strict=True):
            clip = make_clip(videos[0], Path(folder), across, seconds)
            compare_speed(f"{seconds:g} s, {across**2} faces", predictors, clip, asked)
        compare_start(make_clip(videos[0], Path(folder), 1, 2), asked)


def load_predictors(model: Path) -> dict:
    """Load `predict` as it is, and in both engines one that classifies every face."""
    from deepfake_detector.config.schema import PARAMS_FILE, load_params
    from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
    from deepfake_detector.video.sampling import Sampling

    params = load_params(PROJECT / PARAMS_FILE).predict
    whole = Sampling(STRIDE)
    return {
        "predict": DeepfakePredictor.load(model, make_sampling(params), "onnxruntime"),
        "onnxruntime": DeepfakePredictor.load(model, whole, "onnxruntime"),
        "keras": DeepfakePredictor.load(model, whole, "keras"),
    }


def analyze_all(predictor, clip: Path) -> None:
    """Analyze a clip with faces detected in every analyzed frame."""
    from deepfake_detector.inference import detector

    skipped, detector.MAX_SKIPPED_FRAMES = detector.MAX_SKIPPED_FRAMES, 0
    try:
        predictor.analyze(clip)
    finally:
        detector.MAX_SKIPPED_FRAMES = skipped


def make_clip(source: Path, folder: Path, across: int, seconds: float) -> Path:
    from benchmarks import judge_speed

    clip = folder / f"{across}_across_{seconds:g}_seconds.mp4"
    asked = argparse.Namespace(clip=source, across=across)
    judge_speed.make_clip(asked, clip, round(judge_speed.FPS * seconds))
    return clip


def find_graphs(model: Path) -> Path:
    """Find the folder with the ONNX files of a model."""
    return next(p.parent for p in sorted(model.rglob("detector.onnx")))


def compare_speed(title: str, predictors: dict, clip: Path, asked: argparse.Namespace) -> None:
    """Print how long all sides take for a clip, in turns."""
    graphs = find_graphs(asked.model)
    runs = {
        "predict": lambda: predictors["predict"].analyze(clip),
        "ONNX": lambda: analyze_all(predictors["onnxruntime"], clip),
        "Keras": lambda: analyze_all(predictors["keras"], clip),
        "bare": lambda: judge_bare(graphs, clip),
    }
    times = take_turns(runs, asked.repeats)
    for pair in (("Keras", "predict"), ("Keras", "ONNX"), ("ONNX", "bare")):
        ratios = np.median(times[pair[0]] / times[pair[1]], axis=0)
        print(f"{title}: {' / '.join(pair)}: {ratios[0]:.2f} CPU, {ratios[1]:.2f} seconds")
    cpu, seconds = np.median(times["predict"], axis=0)
    print(f"{title}: predict {cpu:.1f} CPU s, {seconds:.1f} s", flush=True)


def take_turns(runs: dict, repeats: int) -> dict[str, np.ndarray]:
    """Run all by turns, once before to warm up: CPU seconds and seconds [repeats, 2], by name."""
    times = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            cpu, begun = process_time(), perf_counter()
            run()
            if turn:
                times[name].append((process_time() - cpu, perf_counter() - begun))
    return {name: np.array(values) for name, values in times.items()}


def compare_start(clip: Path, asked: argparse.Namespace) -> None:
    """Print what `predict` on a short clip costs against a bare process."""
    with tempfile.TemporaryDirectory() as folder:
        predict = [str(PROJECT / "src/predict.py"), str(clip), "--no-video"]
        bare = [__file__, "--bench", ".", "--bare", str(clip)]
        commands = {
            "predict": [*predict, "--model", str(asked.model)],
            "bare": [*bare, "--model", str(find_graphs(asked.model))],
        }
        times = {name: [] for name in commands}
        for turn in range(asked.repeats):
            for name, command in commands.items():
                if name == "predict":  # else it would find its verdict there
                    command = [*command, "--out", f"{folder}/{turn}"]
                before, begun = os.times(), perf_counter()
                subprocess.run(
                    [sys.executable, *command], check=True, cwd=PROJECT, capture_output=True
                )
                after = os.times()
                cpu = sum(after[2:4]) - sum(before[2:4])
                times[name].append((cpu, perf_counter() - begun))
    ratios = np.median(np.array(times["predict"]) / np.array(times["bare"]), axis=0)
    medians = {name: np.median(values, axis=0) for name, values in times.items()}
    print(f"start-up: predict / bare: {ratios[0]:.2f} CPU, {ratios[1]:.2f} seconds")
    print(f"start-up: predict {medians['predict'][0]:.1f} CPU s, {medians['predict'][1]:.1f} s")


if __name__ == "__main__":
    main()
