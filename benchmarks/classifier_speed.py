"""What the face classifier costs: detecting faces with it and without it, frame by frame.

    python benchmarks/classifier_speed.py [--detector artifacts/train/detector.keras] VIDEO

Interleaved repeats on the same frames; the ratio of the medians, and the time per looked-at face.
"""

import argparse
import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepfake_detector.inference.detector import detect_faces, load_detector
from deepfake_detector.video.reading import read_frames

FRAMES = 16
REPEATS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--detector", type=Path, default=Path("artifacts/train/detector.keras"))
    arguments = parser.parse_args()
    twice = load_detector(arguments.detector)
    if twice.face_classifier is None:
        raise SystemExit(f"{arguments.detector}: no face classifier beside it")
    frames = [image for _, image in itertools.islice(read_frames(arguments.video), FRAMES)]
    seconds, faces = measure(
        {"once": replace(twice, face_classifier=None), "twice": twice}, frames
    )
    once, both = (np.median(seconds[name]) for name in ("once", "twice"))
    print(f"{len(frames)} frames of {arguments.video.name}, {faces} faces analyzed again")
    once_rate, both_rate = len(frames) / once, len(frames) / both
    print(f"frames/s: {once_rate:.1f} without the face classifier, {both_rate:.1f} with it")
    print(f"ratio {both / once:.2f}; {(both - once) / max(faces, 1) * 1000:.0f} ms per face")


def measure(detectors: dict, frames: list[np.ndarray]) -> tuple[dict[str, list[float]], int]:
    """Measure each detector in turn, again and again; count the faces that are analyzed twice."""
    seconds = {name: [] for name in detectors}
    for repeat in range(REPEATS + 1):  # the first one builds the graphs
        for name, detector in detectors.items():
            started = time.perf_counter()
            tables = detect_faces(detector, frames)
            if repeat:
                seconds[name].append(time.perf_counter() - started)
    return seconds, sum(int(table["classifier_fake_score"].notna().sum()) for table in tables)


if __name__ == "__main__":
    main()
