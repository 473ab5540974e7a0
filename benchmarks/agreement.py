"""Verdicts of ONNX Runtime against Keras, on the same videos.

  python benchmarks/agreement.py FOLDER … --model released --videos 30

Analyzes that many videos of each folder (by name, spread over it; the demonstrations of
DeepFaceLive and the like are not part of this project) in both engines, frames and crops chosen as
`predict` does, and prints the largest difference of a probability and the videos whose answer
differs. A probability may differ by 0.01; an answer may where the probability is as near to a
threshold. The exit status is 1 where one does otherwise.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.config.schema import PARAMS_FILE, load_params
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Verdict

PROJECT = Path(__file__).resolve().parents[1]
MOST = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=PROJECT / "released")
    parser.add_argument("--videos", type=int, default=100, help="of each folder")
    asked = parser.parse_args()
    videos = [video for folder in asked.folders for video in choose(folder, asked.videos)]
    if not videos:
        print(f"skipped: no videos in {', '.join(map(str, asked.folders))}")
        return
    sampling = make_sampling(load_params(PROJECT / PARAMS_FILE).predict)
    predictors = [
        DeepfakePredictor.load(asked.model, sampling, engine)
        for engine in ("onnxruntime", "keras")
    ]
    pairs = [[p.analyze(video).verdict for p in predictors] for video in tqdm(videos)]
    if not show(videos, pairs, predictors[0].model.calibration):
        raise SystemExit(1)


def choose(folder: Path, count: int) -> list[Path]:
    """Choose up to `count` videos, spread over a folder."""
    videos = sorted(folder.glob("*.mp4"))
    places = np.linspace(0, len(videos) - 1, min(count, len(videos)))
    return [videos[int(place)] for place in places]


def show(videos: list[Path], pairs: list[list[Verdict]], calibration: Calibration) -> bool:
    """Print how far pairs of verdicts are apart; return whether that is near enough."""
    known = [pair for pair in pairs if None not in (pair[0].probability, pair[1].probability)]
    apart = [abs(one.probability - other.probability) for one, other in known]
    flipped = [
        (video.name, *pair)
        for video, pair in zip(videos, pairs, strict=True)
        if pair[0].answer != pair[1].answer
    ]
    wrong = [flip for flip in flipped if not is_at_threshold(*flip[1:], calibration)]
    largest = max(apart, default=0.0)
    print(
        f"{len(videos)} videos, {len(known)} with a probability: it differs by {largest:.2g} at "
        f"most, by {np.mean(apart) if apart else 0:.2g} on average; {len(flipped)} answers "
        f"differ, {len(wrong)} of them away from a threshold"
    )
    for name, one, other in flipped:
        print(f"{name}: {one.answer} ({one.reason}); {other.answer} ({other.reason})")
    return largest <= MOST and not wrong


def is_at_threshold(one: Verdict, other: Verdict, calibration: Calibration) -> bool:
    """Tell whether both probabilities are within `MOST` of a threshold."""
    if one.probability is None or other.probability is None:
        return False
    own = [calibration, *calibration.groups.values()]
    thresholds = [t for c in own for t in (c.min_fake_probability, c.max_real_probability)]
    return any(
        max(abs(one.probability - threshold), abs(other.probability - threshold)) <= MOST
        for threshold in thresholds
    )


if __name__ == "__main__":
    main()
