"""How many crops of a face have to be classified, chosen on validation videos.

  python benchmarks/crop_cap.py --work work/release --kept FOLDER

Analyzes the validation videos of a release (`src/release.py`; not part of this project), every
`predict.frame_stride`th frame and every face in it, and keeps what was seen in FOLDER, so that the
next run takes seconds. Then leaves the scores that a cap of crops would, judges with the model's
own calibration, and prints, for the kinds of forgery that the release covers and for all, AUC and
log loss over all videos and on three draws of people; a cap is good enough where its mean
difference from "all" over the draws is less than the range of "all" over them. The last row is
`predict` as it is, which detects faces in some of the analyzed frames as well.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.config.schema import PARAMS_FILE, Params, load_params
from deepfake_detector.inference import crop_choice, detector
from deepfake_detector.inference.crop_choice import thin_videos
from deepfake_detector.inference.engine import load_onnx
from deepfake_detector.inference.model_folders.released import hash_networks
from deepfake_detector.metrics.classification import compute_auc, compute_log_loss
from deepfake_detector.training.calibration_videos import label_copies
from deepfake_detector.training.make_release import list_covered, make_analyze, read_annotated
from deepfake_detector.verdicts.calibration import Calibration, load_calibration
from deepfake_detector.verdicts.decision import decide_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.video.packets import scan_packets
from deepfake_detector.video.sampling import CropLimits

PROJECT = Path(__file__).resolve().parents[1]
CAPS = (4, 8, 16, 32)
MANY = 10**6
SEEDS = (1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=PROJECT / "work/release")
    parser.add_argument("--model", type=Path, default=PROJECT / "released")
    parser.add_argument("--kept", type=Path, required=True)
    asked = parser.parse_args()
    if not (asked.work / "artifacts/split/validation.csv").is_file():
        print(f"skipped: no validation videos in {asked.work}")
        return
    params = load_params(PROJECT / PARAMS_FILE)
    calibration = load_calibration(asked.model / "calibration.json")
    videos = read_videos(asked, params)
    frames = {
        video.video: scan_packets(asked.work / "data/videos" / video.video).frames
        for video in videos
    }
    thinned = {str(cap): thin(videos, frames, cap, params) for cap in CAPS}
    way = f"{params.predict} {crop_choice.MAX_STEP} {detector.MAX_SKIPPED_FRAMES}"
    seen = {"all": videos, **thinned, "predict": analyze(asked, params, way)}
    tables = {name: judge(own, calibration) for name, own in seen.items()}
    kinds = list_covered(asked.work)
    is_covered = np.array([video.label == "real" or video.kind in kinds for video in videos])
    for title, chosen in (("covered kinds", is_covered), ("all kinds", is_covered | True)):
        rows = {name: table[chosen] for name, table in tables.items()}
        n_fake = rows["all"]["is_fake"].sum()
        print(f"{title}: {chosen.sum()} videos, {n_fake} of them fake")
        show(rows)


def read_videos(asked: argparse.Namespace, params: Params) -> list[LabelledVideo]:
    """Analyze every face in every frame of the validation videos, or read what was seen."""
    whole = params.predict.model_copy(update={"max_crops_per_track": MANY})
    skipped, detector.MAX_SKIPPED_FRAMES = detector.MAX_SKIPPED_FRAMES, 0
    try:
        return analyze(asked, params.model_copy(update={"predict": whole}), "")
    finally:
        detector.MAX_SKIPPED_FRAMES = skipped


def analyze(asked: argparse.Namespace, params: Params, way: str) -> list[LabelledVideo]:
    """Analyze the validation videos in a way that has a name, or read what was seen."""
    networks = load_onnx(asked.model)
    model = "".join(hash_networks(asked.model))
    annotated = read_annotated(asked.work, "validation")
    asked.kept.mkdir(parents=True, exist_ok=True)
    key = f"{model}{params.predict.frame_stride}{way}"
    iou_threshold = params.evaluate.iou_threshold
    labelled = label_copies(
        annotated, (), make_analyze(networks, params), asked.kept, key, iou_threshold
    )
    return [video for video in labelled if video.label]


def thin(
    videos: list[LabelledVideo], frames: dict[str, int], cap: int, params: Params
) -> list[LabelledVideo]:
    """Leave the scores that `predict` with a cap of crops would have."""
    frame_stride = params.predict.frame_stride
    analyzed = {name: count / frame_stride for name, count in frames.items()}
    limits = CropLimits(cap, params.predict.max_crop_gap_seconds)
    return thin_videos(videos, analyzed, frame_stride, limits, params.calibrate.usable)


def judge(videos: list[LabelledVideo], calibration: Calibration) -> pd.DataFrame:
    """Return of each video with an answer `source, is_fake, probability` and crops by face."""
    rows = []
    for video in videos:
        verdict = decide_video(video.tracks, calibration)
        crops = max((count_crops(track) for track in video.tracks), default=0)
        row = (video.source, video.label == "fake", verdict.probability, crops)
        rows.append((*row, verdict.answer))
    return pd.DataFrame(rows, columns=["source", "is_fake", "probability", "crops", "answer"])


def count_crops(track: FaceTrack) -> int:
    return len(track.frames) if track.classified is None else int(track.classified.sum())


def measure(videos: pd.DataFrame) -> tuple[float, float]:
    """Return AUC, and log loss as the mean of both labels."""
    known = videos[videos["probability"].notna()]
    is_fake, probability = known["is_fake"].to_numpy(bool), known["probability"].to_numpy(float)
    losses = [compute_log_loss(is_fake[own], probability[own]) for own in (is_fake, ~is_fake)]
    return compute_auc(is_fake, probability), float(np.mean(losses))


def draw(videos: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw as many people as there are, with replacement, with their videos."""
    names = sorted(videos["source"].unique())
    drawn = np.random.default_rng(seed).choice(names, len(names))
    groups = dict(iter(videos.groupby("source")))
    return pd.concat([groups[name] for name in drawn])


def show(tables: dict[str, pd.DataFrame]) -> None:
    whole = np.array([measure(draw(tables["all"], seed)) for seed in SEEDS])  # [3, 2]
    ranges = np.ptp(whole, axis=0)
    print(f"range over three draws: AUC {ranges[0]:.3f}, log loss {ranges[1]:.3f}")
    print("    cap  crops  AUC    log loss  mean difference  largest        answers changed")
    for name, table in tables.items():
        auc, loss = measure(table)
        apart = np.array([measure(draw(table, seed)) for seed in SEEDS]) - whole
        mean, most = apart.mean(axis=0), np.abs(apart).max(axis=0)
        changed = (table["answer"] != tables["all"]["answer"]).sum()
        print(
            f"{name:>7} {table['crops'].mean():6.1f}  {auc:.3f}  {loss:.3f}     "
            f"{mean[0]:+.3f} {mean[1]:+.3f}    {most[0]:.3f} {most[1]:.3f}    {changed}"
        )


if __name__ == "__main__":
    main()
