"""How a trained detector bears what happens to videos: AP and video AUC, as CSV and as a figure.

    python benchmarks/robustness.py [--project FOLDER] [--detector FILE] [--out FOLDER]

The test videos of a finished pipeline are changed one way at a time: encoded again as H.264 (CRF
18 to 40), shrunk, blurred, made noisy, analyzed less often. `--project` is the folder that holds
`params.yaml`, `data/` and `artifacts/` (default: this project). Looked at are the frames that
`extract_frames` kept. 95 % intervals draw sources, the same ones for every change. The video AUC
is that of the mean share of fake, which needs no calibration; with the project's own detector,
the share of videos without an answer is that of its verdicts (stage `calibrate`).
"""

import argparse
import functools
import itertools
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from quality_figures import measure_part  # noqa: E402

from deepfake_detector.common.boxes import BOX  # noqa: E402
from deepfake_detector.common.tables import read_table, write_table  # noqa: E402
from deepfake_detector.config.schema import load_params  # noqa: E402
from deepfake_detector.evaluation.evaluation_frames import make_evaluation_frames  # noqa: E402
from deepfake_detector.evaluation.video_scores import score_videos  # noqa: E402
from deepfake_detector.inference.shards import join_tables  # noqa: E402
from deepfake_detector.metrics.bootstrap import find_interval  # noqa: E402
from deepfake_detector.plots.style import make_figure, save_figure, set_title  # noqa: E402
from deepfake_detector.verdicts.calibration import load_calibration  # noqa: E402
from deepfake_detector.verdicts.decision import decide_video  # noqa: E402
from deepfake_detector.video.reading import read_frames  # noqa: E402
from deepfake_detector.video.writing import write_video  # noqa: E402

DETECTOR = Path("artifacts/train/detector.keras")
CALIBRATION = Path("artifacts/calibrate/calibration.json")
VIDEOS = Path("data/videos")
BATCH = 16
LINES = {"map_50": "mAP", "class_agnostic_ap_50": "class-agnostic AP", "score_auc": "video AUC",
         "abstention_rate": "videos without an answer"}  # fmt: skip
LINE_COLORS = ("#d62f2f", "#555555", "#1f6fd0", "#2a9d3a")

logger = logging.getLogger("robustness")


@dataclass(frozen=True)
class Change:
    """One way and strength of changing a video.

    `picture` changes a frame, uint8 RGB; `crf` encodes the video again; `apart` looks at every
    n-th of the frames.
    """

    name: str
    value: float
    picture: Callable[[np.ndarray, int], np.ndarray] | None = None
    crf: int | None = None
    apart: int = 1


def list_changes() -> list[Change]:
    """List the changes, the mildest of each kind first."""
    strengths = {
        ("scale", shrink): (0.71, 0.5, 0.35, 0.25),
        ("blur, sigma in px", blur): (1, 2, 4),
        ("noise, sigma of 255", add_noise): (5, 10, 20),
    }
    return [
        Change("none", 0),
        *(Change("H.264 CRF", crf, crf=crf) for crf in (18, 23, 28, 34, 40)),
        *(
            Change(name, value, picture=functools.partial(picture, strength=value))
            for (name, picture), values in strengths.items()
            for value in values
        ),
        *(Change("one look in n frames", n, apart=n) for n in (2, 4, 10)),
    ]


def shrink(image: np.ndarray, frame: int, strength: float) -> np.ndarray:
    """Shrink to this share of each side."""
    size_px = [max(1, round(side * strength)) for side in image.shape[1::-1]]
    return cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)


def blur(image: np.ndarray, frame: int, strength: float) -> np.ndarray:
    """Blur with a Gaussian of this sigma in px."""
    return cv2.GaussianBlur(image, (0, 0), strength)


def add_noise(image: np.ndarray, frame: int, strength: float) -> np.ndarray:
    """Add noise of this sigma, of 255 levels, which is another one in each frame."""
    noise = np.random.default_rng(frame).normal(0, strength, image.shape)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=PROJECT, metavar="FOLDER")
    parser.add_argument("--detector", type=Path, default=DETECTOR, metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("artifacts/robustness"), metavar="FOLDER")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    out = arguments.out.resolve()
    detector = (
        arguments.detector if arguments.detector == DETECTOR else arguments.detector.resolve()
    )
    os.chdir(arguments.project)
    try:
        table = measure_changes(detector)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"robustness: {error}") from error
    write_table(table.round(4), out / "robustness.csv")
    save_figure(draw_changes(table), out / "robustness.png")
    print(table.to_string(index=False, float_format="%.3f", na_rep=""))


def measure_changes(detector_path: Path) -> pd.DataFrame:
    """Measure every change: `change, value, frames`, and `LINES` each with its 95 % interval."""
    from deepfake_detector.inference.detector import load_detector

    params = load_params()
    names = ("split/test", "validate/videos", "validate/annotations", "extract_frames/frames")
    test, videos, annotations, frames = (
        read_table(Path("artifacts", f"{name}.csv")) for name in names
    )
    videos = videos[videos["video"].isin(test["video"])]
    frames = frames[frames["video"].isin(test["video"])]
    detector = load_detector(detector_path)
    calibration = load_calibration(CALIBRATION) if detector_path == DETECTOR else None
    rows = []
    for change in list_changes():
        seen = frames[frames.groupby("video").cumcount() % change.apart == 0]
        wanted = {video: set(kept["frame"]) for video, kept in seen.groupby("video")}
        found = {
            video.video: find_changed(detector, video, change, wanted[video.video])
            for video in videos[videos["video"].isin(wanted)].itertuples()
        }
        truth = seen[["video", "frame"]].merge(annotations, on=["video", "frame"], how="left")
        truth["label"] = truth["label"].fillna("")
        faces = join_tables([faces for faces, _ in found.values()])
        evaluated = make_evaluation_frames(faces, truth, videos, seen)
        tracks = {video: tracks for video, (_, tracks) in found.items()}
        row = measure_change(evaluated, answer(evaluated, tracks, calibration), params)
        rows.append({"change": change.name, "value": change.value, **row})
        metrics = ", ".join(f"{LINES[name]} {row[name]:.3f}" for name in row if name in LINES)
        logger.info("%s %g: %s", change.name, change.value, metrics)
    return pd.DataFrame(rows)


def find_changed(detector, video, change: Change, wanted: set[int]) -> tuple[pd.DataFrame, list]:
    """Find and follow the faces of a changed video, px of the original: a table and the tracks."""
    from deepfake_detector.inference.detector import FACE_COLUMNS, detect_faces
    from deepfake_detector.verdicts.track_collector import TrackCollector

    tables = [pd.DataFrame(columns=["video", "frame", *FACE_COLUMNS])]
    collector = TrackCollector(load_params().calibrate.usable.min_face_score)
    frames = read_changed(video, change, wanted)
    while batch := list(itertools.islice(frames, BATCH)):
        found = detect_faces(detector, [image for _, image in batch])
        for (number, image), faces in zip(batch, found, strict=True):
            scale = image.shape[1] / video.width_px
            faces[BOX] = faces[BOX] / scale
            tables.append(faces.assign(video=video.video, frame=number))
            collector.add(number, image, faces[FACE_COLUMNS].to_numpy(float), scale)
    return join_tables(tables), collector.collect()


def answer(evaluated, tracks: dict[str, list], calibration) -> pd.DataFrame:
    """Give the videos with `score`, and with `probability` and `answer` where there are any."""
    videos = score_videos(evaluated)
    if calibration is None:
        return videos.assign(probability=np.nan, answer="")
    judged = [decide_video(tracks[video], calibration) for video in videos["video"]]
    words = {"likely fake": "fake", "likely real": "real", "cannot tell": ""}
    return videos.assign(
        probability=[np.nan if j.probability is None else j.probability for j in judged],
        answer=[words[j.answer] for j in judged],
    )


def read_changed(video, change: Change, wanted: set[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Give the wanted frames, changed, each with its number."""
    path = VIDEOS / video.video
    with tempfile.TemporaryDirectory() as folder:
        if change.crf is not None:
            copy = Path(folder) / "copy.mp4"
            write_video(copy, (image for _, image in read_frames(path)), video.fps, change.crf)
            path = copy
        for number, image in read_frames(path):
            if number in wanted:
                image = image[: video.height_px, : video.width_px]  # H.264 pads odd sizes
                yield number, image if change.picture is None else change.picture(image, number)


def measure_change(evaluated, videos: pd.DataFrame, params) -> dict[str, float]:
    """Measure `LINES`, each with the ends of its interval, and count the frames."""
    metrics, n_bootstrap = measure_part(evaluated, videos, params)
    row = {
        "frames": len(evaluated.images),
        "map_50_random_labels": metrics["map_50_random_labels"],
    }
    for name in list_lines(videos):
        low, high = find_interval(n_bootstrap.get(name, np.zeros(0)))
        row |= {name: metrics[name], f"{name}_ci95_low": low, f"{name}_ci95_high": high}
    return row


def list_lines(videos: pd.DataFrame) -> list[str]:
    """List what can be measured: without a calibration, no video has an answer."""
    return [
        name for name in LINES if name != "abstention_rate" or videos["probability"].notna().any()
    ]


def draw_changes(table: pd.DataFrame):
    """Draw a panel for each kind of change, the unchanged videos as the first point of all."""
    plain, changed = table[table["change"] == "none"], table[table["change"] != "none"]
    kinds = list(changed["change"].unique())
    figure, [row] = make_figure(1, len(kinds), (3.2 * len(kinds), 3.8))
    for axes, kind in zip(row, kinds, strict=True):
        points = pd.concat([plain, changed[changed["change"] == kind]])
        places = np.arange(len(points))
        for color, (name, text) in zip(LINE_COLORS, LINES.items(), strict=True):
            if name not in points:
                continue
            axes.plot(places, points[name], "o-", color=color, label=text)
            axes.fill_between(
                places,
                points[f"{name}_ci95_low"],
                points[f"{name}_ci95_high"],
                color=color,
                alpha=0.12,
            )
        axes.plot(
            places, points["map_50_random_labels"], ":", color="black", label="mAP by chance"
        )
        axes.set_xticks(places, ["as it is", *(f"{v:g}" for v in points["value"][1:])])
        axes.set(ylim=(0, 1.02), xlabel=kind)
    lines = row[0].get_legend_handles_labels()
    figure.legend(*lines, frameon=False, loc="outside lower left", ncols=len(LINES) + 1)
    set_title(figure, "What the detector bears (bands: 95 % intervals by source)",
              f"{int(plain['frames'].iloc[0]):,} frames of the test videos")  # fmt: skip
    return figure


if __name__ == "__main__":
    main()
