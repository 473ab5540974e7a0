"""The same model in ONNX Runtime and in Keras, and against a script that does nothing else.

  python benchmarks/engine.py --bench FOLDER

FOLDER holds `deepfacelive/videos` (not part of this project; without it nothing is measured). One
of its clips becomes 720p with one face and with nine, every third frame analyzed. All sides take
turns; ratios are medians of the turns, of CPU seconds of all threads and of seconds. "bare" is
`judge_bare`: cv2 and onnxruntime alone, the same files, frames and crops. `start-up` is
`predict.py` on two seconds of video against a process that imports cv2, av and onnxruntime and
judges them bare. At last the verdicts of both engines on the clips are compared.
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
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--videos", type=int, default=70, help="on which verdicts are compared")
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
        for faces, across in ((1, 1), (9, 3)):
            clip = make_clip(videos[0], Path(folder), across, asked.seconds)
            compare_speed(f"{asked.seconds:g} s, {faces} faces", predictors, clip, asked)
        compare_start(make_clip(videos[0], Path(folder), 1, 2), asked)
    compare_verdicts(predictors, videos[: asked.videos])


def load_predictors(model: Path) -> dict:
    from deepfake_detector.inference.predictor import DeepfakePredictor
    from deepfake_detector.video.sampling import Sampling

    return {
        engine: DeepfakePredictor.load(model, Sampling(STRIDE), engine)
        for engine in ("onnxruntime", "keras")
    }


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
    """Print how long both engines and the bare script take for a clip, in turns."""
    graphs = find_graphs(asked.model)
    runs = {name: lambda p=p: p.analyze(clip) for name, p in predictors.items()}
    runs["bare"] = lambda: judge_bare(graphs, clip)
    times = take_turns(runs, asked.repeats)
    for other, name in (("keras", "Keras / ONNX"), ("bare", "ONNX / bare")):
        pair = (other, "onnxruntime") if other == "keras" else ("onnxruntime", other)
        ratios = np.median(times[pair[0]] / times[pair[1]], axis=0)
        print(f"{title}: {name}: {ratios[0]:.2f} CPU, {ratios[1]:.2f} seconds")
    cpu, seconds = np.median(times["onnxruntime"], axis=0)
    print(f"{title}: ONNX {cpu:.1f} CPU s, {seconds:.1f} s")


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
        predict = [str(PROJECT / "src/predict.py"), str(clip), "--out", folder]
        bare = [__file__, "--bench", ".", "--bare", str(clip)]
        commands = {
            "predict": [*predict, "--model", str(asked.model)],
            "bare": [*bare, "--model", str(find_graphs(asked.model))],
        }
        times = {name: [] for name in commands}
        for _ in range(asked.repeats):
            for name, command in commands.items():
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


def compare_verdicts(predictors: dict, videos: list[Path]) -> None:
    """Print how far the engines' verdicts on videos are apart."""
    differences, flipped = [], 0
    for video in videos:
        one, other = (predictor.analyze(video).verdict for predictor in predictors.values())
        flipped += one.answer != other.answer
        if one.probability is not None and other.probability is not None:
            differences.append(abs(one.probability - other.probability))
    largest = max(differences, default=float("nan"))
    print(
        f"verdicts on {len(videos)} videos: {flipped} answers differ, probabilities of "
        f"{len(differences)} by {largest:.2g} at most"
    )


if __name__ == "__main__":
    main()
