"""Stage `evaluate`: measure the detector on the test videos, once.

Writes figures, every found face, curves and example frames, and prints a table of results.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import pandas as pd

from deepfake_detector import mlflow_tracking, plots
from deepfake_detector.common.tables import read_table, write_json, write_table
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.frame_records import make_shard_path
from deepfake_detector.evaluation.by_face_size import make_size_table, size_table_to_text
from deepfake_detector.evaluation.curve_tables import (
    make_confusion,
    make_over_threshold,
    make_precision_recall,
)
from deepfake_detector.evaluation.detection_report import (
    count_to_text,
    figures_to_json,
    figures_to_text,
    measure,
    measure_single_shot,
)
from deepfake_detector.evaluation.evaluation_frames import HeldOut, make_held_out
from deepfake_detector.evaluation.examples import choose_examples, rate_images, read_examples
from deepfake_detector.evaluation.shortcut_features import list_backgrounds, list_cues
from deepfake_detector.evaluation.shortcut_probes import probe_shortcuts, shortcuts_to_figures
from deepfake_detector.inference.score_fusion import forget_second_look
from deepfake_detector.training.model_selection import find_objective

VIDEOS = Path("data/videos")
VALIDATED = Path("artifacts/validate")
SHARDS = Path("artifacts/extract_frames")
TRAIN = Path("artifacts/split/train.csv")
TEST = Path("artifacts/split/test.csv")
TRAINED = Path("artifacts/train")
OUT = Path("artifacts/evaluate")
PLOTS = OUT / "plots"

logger = logging.getLogger("evaluate")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        evaluate(load_params())
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"evaluate: {error}") from error


def evaluate(params: Params) -> None:
    """Measure `artifacts/train/detector.keras` on `artifacts/split/test.csv`."""
    faces, truth, images_per_second = find_test_faces(params)
    write_table(faces, OUT / "detections.csv")
    videos, frames = read_table(TEST), read_table(SHARDS / "frames.csv")
    held_out = make_held_out(faces, truth, videos, frames)
    threshold = params.predict.score_threshold
    values = measure(held_out, params.evaluate, threshold, params.seed)
    if faces["second_look"].notna().any():
        alone = make_held_out(forget_second_look(faces), truth, videos, frames)
        values |= measure_single_shot(alone, params.evaluate.overlap)
    values["images_per_second"] = images_per_second
    values |= probe_data(params.seed)
    write_json({"test": figures_to_json(values)}, OUT / "metrics.json")
    draw_charts(held_out, values, params)
    draw_examples(held_out, params)
    print(figures_to_text(values, params.evaluate.overlap))
    print(f"\n{size_table_to_text(write_sizes(held_out, params.evaluate.overlap))}")
    track(values)


def find_test_faces(params: Params) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Give the found faces, the annotated ones, and how many images a second were looked at."""
    from deepfake_detector.inference.detector import load_detector, predict_shards, read_truth

    videos = read_table(TEST)
    videos = videos[videos["frames"] > 0]
    if videos.empty:
        raise ValueError(f"{TEST}: no test video with frames; give split.test a larger share")
    shards = [make_shard_path(SHARDS, video) for video in videos["video"]]
    truth = read_truth(shards)
    detector = load_detector(TRAINED / "detector.keras")
    started = time.perf_counter()
    faces = predict_shards(detector, shards, params.train.batch_size)
    seconds = time.perf_counter() - started
    return faces, truth, len(truth[["video", "frame"]].drop_duplicates()) / seconds


def probe_data(seed: int) -> dict[str, float]:
    """Measure, and write as a table, what tells fakes from real ones without any face."""
    train, test = read_table(TRAIN), read_table(TEST)
    videos, annotations = (read_table(VALIDATED / f"{n}.csv") for n in ("videos", "annotations"))
    kept = pd.concat([train, test])
    cues = list_cues(videos[videos["video"].isin(kept["video"])], annotations, VIDEOS)
    cues = cues.merge(list_backgrounds(kept, SHARDS), on="video")
    of_train, of_test = (cues[cues["video"].isin(split["video"])] for split in (train, test))
    probes = probe_shortcuts(of_train, of_test, seed)
    write_table(probes, PLOTS / "shortcuts.csv")
    return shortcuts_to_figures(probes)


def write_sizes(held_out: HeldOut, overlap: float) -> pd.DataFrame:
    """Write, and give, the figures by size of face in px of the original frame."""
    table = make_size_table(held_out, overlap)
    write_table(table, PLOTS / "face_sizes.csv")
    return table


def draw_charts(held_out: HeldOut, values: dict, params: Params) -> None:
    """Write the curves as tables and as pictures."""
    overlap, threshold = params.evaluate.overlap, params.predict.score_threshold
    subject = count_to_text(values)
    precision_recall = make_precision_recall(held_out, overlap)
    over_threshold = make_over_threshold(held_out, overlap)
    confusion = make_confusion(held_out, overlap, threshold)
    write_table(precision_recall, PLOTS / "precision_recall.csv")
    write_table(over_threshold, PLOTS / "f1.csv")
    write_table(confusion, PLOTS / "confusion.csv")
    history = pd.read_csv(TRAINED / "history.csv")
    charts = {
        "precision_recall": plots.draw_precision_recall(precision_recall, values, subject),
        "f1": plots.draw_over_threshold(over_threshold, threshold, subject),
        "confusion": plots.draw_confusion(confusion, threshold, subject),
        "training": plots.draw_training(history, find_objective(params)),
    }
    for name, chart in charts.items():
        plots.save_figure(chart, PLOTS / f"{name}.png")


def draw_examples(held_out: HeldOut, params: Params) -> None:
    """Write the sheets of best and worst frames."""
    threshold = params.predict.score_threshold
    rated = rate_images(held_out, params.evaluate.overlap, threshold)
    best, worst = choose_examples(rated, params.evaluate.examples)
    for name, chosen in (("best", best), ("worst", worst)):
        examples = read_examples(chosen, held_out, SHARDS, threshold)
        pictures = [plots.draw_faces(e.picture, e.faces, e.truth) for e in examples]
        title = f"{len(examples)} of the {name} test frames, of every video about as many"
        sheet = plots.draw_sheet(pictures, [e.caption for e in examples], title)
        plots.save_figure(sheet, PLOTS / f"examples_{name}.png")


def track(values: dict) -> None:
    """Tell MLflow, in the run that trained the detector."""
    run_id = json.loads((TRAINED / "run.json").read_text())["mlflow_run_id"]
    numbers = {key: value for key, value in figures_to_json(values).items() if key != "intervals"}
    with mlflow_tracking.continued_run(run_id):
        mlflow_tracking.log_evaluation(
            {f"test_{key}": value for key, value in numbers.items()}, OUT
        )


if __name__ == "__main__":
    main()
