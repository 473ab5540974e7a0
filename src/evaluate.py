"""Stage `evaluate`: measure the detector on the test videos, once.

Writes figures, every found face, curves and example frames, and prints a table of results.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import (
    DETECTOR,
    EVALUATED,
    SHARDS,
    SPLIT_TABLES,
    START,
    TRAINED,
    VALIDATED,
    VIDEOS,
)
from deepfake_detector.common.files import write_json
from deepfake_detector.common.tables import read_numbers, read_table, write_table
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.frame_records import make_shard_path
from deepfake_detector.data.known_data import find_known_in_data, known_to_text
from deepfake_detector.evaluation.by_face_size import make_size_table, size_table_to_text
from deepfake_detector.evaluation.curve_tables import (
    make_confusion,
    make_over_threshold,
    make_precision_recall,
)
from deepfake_detector.evaluation.detection_report import (
    count_to_text,
    measure,
    measure_ssd_only,
    metrics_to_json,
    metrics_to_text,
)
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames, make_evaluation_frames
from deepfake_detector.evaluation.examples import choose_examples, rate_images, read_examples
from deepfake_detector.evaluation.group_tables import (
    describe_videos,
    groups_to_text,
    measure_methods_and_sets,
)
from deepfake_detector.evaluation.shortcuts.shortcut_features import (
    list_backgrounds,
    list_shortcut_features,
)
from deepfake_detector.evaluation.shortcuts.shortcut_probes import (
    probe_shortcuts,
    shortcuts_to_metrics,
)
from deepfake_detector.evaluation.video_scores import score_videos
from deepfake_detector.inference.score_fusion import drop_classifier_scores
from deepfake_detector.plots.charts import (
    draw_confusion,
    draw_over_threshold,
    draw_precision_recall,
)
from deepfake_detector.plots.example_sheet import draw_sheet
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.plots.style import save_figure
from deepfake_detector.plots.training_curves import draw_training
from deepfake_detector.training.model_selection import find_objective

TRAIN, TEST = SPLIT_TABLES / "train.csv", SPLIT_TABLES / "test.csv"
PLOTS = EVALUATED / "plots"

logger = logging.getLogger("evaluate")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("evaluate", lambda: evaluate(load_params()))


def evaluate(params: Params) -> None:
    """Measure `artifacts/train/detector.keras` on `artifacts/split/test.csv`."""
    faces, truth, images_per_second = detect_test_faces(params)
    write_table(faces, EVALUATED / "detections.csv")
    videos, frames = read_table(TEST), read_table(SHARDS / "frames.csv")
    evaluated = make_evaluation_frames(faces, truth, videos, frames)
    threshold = params.predict.score_threshold
    values = measure(evaluated, params.evaluate, threshold, params.seed)
    if faces["classifier_fake_score"].notna().any():
        alone = make_evaluation_frames(drop_classifier_scores(faces), truth, videos, frames)
        values |= measure_ssd_only(alone, params.evaluate.iou_threshold)
    values["images_per_second"] = images_per_second
    values |= probe_data(params.seed)
    write_json({"test": metrics_to_json(values)}, EVALUATED / "metrics.json")
    draw_charts(evaluated, values, params)
    draw_examples(evaluated, params)
    print(metrics_to_text(values, params.evaluate.iou_threshold))
    print(f"\n{size_table_to_text(write_sizes(evaluated, params.evaluate.iou_threshold))}")
    print(f"\n{groups_to_text(write_scores(evaluated, videos, params))}".rstrip())
    warn_of_known_videos(videos)
    log_to_mlflow(values)


def warn_of_known_videos(test: pd.DataFrame) -> None:
    """Warn of test videos that the released model learned from, where the training began there."""
    released = json.loads(START.read_text(encoding="utf-8"))["released"]
    if released is None:
        return
    videos = read_table(VALIDATED / "videos.csv")
    tested = videos[videos["video"].isin(test["video"])]
    known = find_known_in_data(Path(released), tested, VIDEOS, VALIDATED)
    if known:
        logger.warning(
            "these metrics are too good: the training began with the released model, which "
            "learned from %d of the test videos: %s", len(known), known_to_text(known),
        )  # fmt: skip


def detect_test_faces(params: Params) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Give the found faces, the annotated ones, and how many images a second were analyzed."""
    from deepfake_detector.inference.engine import load_networks
    from deepfake_detector.inference.shards import predict_shards, read_truth

    videos = read_table(TEST)
    videos = videos[videos["frames"] > 0]
    if videos.empty:
        raise ValueError(f"{TEST}: no test video with frames; give split.test a larger share")
    shards = [make_shard_path(SHARDS, video) for video in videos["video"]]
    truth = read_truth(shards)
    detector = load_networks(DETECTOR, params.inference.engine)
    started = time.perf_counter()
    faces = predict_shards(detector, shards, params.train.batch_size)
    seconds = time.perf_counter() - started
    return faces, truth, len(truth[["video", "frame"]].drop_duplicates()) / seconds


def probe_data(seed: int) -> dict[str, float]:
    """Measure, and write as a table, what tells fakes from real ones without any face."""
    train, test = read_table(TRAIN), read_table(TEST)
    videos, annotations = (read_table(VALIDATED / f"{n}.csv") for n in ("videos", "annotations"))
    kept = pd.concat([train, test])
    cues = list_shortcut_features(videos[videos["video"].isin(kept["video"])], annotations, VIDEOS)
    cues = cues.merge(list_backgrounds(kept, SHARDS), on="video")
    of_train, of_test = (cues[cues["video"].isin(split["video"])] for split in (train, test))
    probes = probe_shortcuts(of_train, of_test, seed)
    write_table(probes, PLOTS / "shortcuts.csv")
    return shortcuts_to_metrics(probes)


def write_sizes(evaluated: EvaluationFrames, iou_threshold: float) -> pd.DataFrame:
    """Write, and give, the figures by size of face in px of the original frame."""
    table = make_size_table(evaluated, iou_threshold)
    write_table(table, PLOTS / "face_sizes.csv")
    return table


def write_scores(
    evaluated: EvaluationFrames, videos: pd.DataFrame, params: Params
) -> pd.DataFrame:
    """Write the score of every test video; write, and return, their AUC by method and data set."""
    scores = score_videos(evaluated).drop(columns=["source", "wins"])
    label = np.where(scores.pop("is_fake"), "fake", "real")
    scores = scores.assign(label=label).join(describe_videos(videos), on="video")
    write_table(scores.round({"score": 6}), EVALUATED / "videos.csv")
    groups = measure_methods_and_sets(
        scores.rename(columns={"score": "probability"}),
        params.evaluate.n_bootstrap,
        params.seed,
        rates={},
    )
    write_table(groups, PLOTS / "groups.csv")
    return groups


def draw_charts(evaluated: EvaluationFrames, values: dict, params: Params) -> None:
    """Write the curves as tables and as pictures."""
    iou_threshold, threshold = params.evaluate.iou_threshold, params.predict.score_threshold
    subject = count_to_text(values)
    precision_recall = make_precision_recall(evaluated, iou_threshold)
    over_threshold = make_over_threshold(evaluated, iou_threshold)
    confusion = make_confusion(evaluated, iou_threshold, threshold)
    write_table(precision_recall, PLOTS / "precision_recall.csv")
    write_table(over_threshold, PLOTS / "f1.csv")
    write_table(confusion, PLOTS / "confusion.csv")
    history = read_numbers(TRAINED / "history.csv")
    charts = {
        "precision_recall": draw_precision_recall(precision_recall, values, subject),
        "f1": draw_over_threshold(over_threshold, threshold, subject),
        "confusion": draw_confusion(confusion, threshold, subject),
        "training": draw_training(history, find_objective(params)),
    }
    for name, chart in charts.items():
        save_figure(chart, PLOTS / f"{name}.png")


def draw_examples(evaluated: EvaluationFrames, params: Params) -> None:
    """Write the sheets of best and worst frames."""
    threshold = params.predict.score_threshold
    rated = rate_images(evaluated, params.evaluate.iou_threshold, threshold)
    best, worst = choose_examples(rated, params.evaluate.examples)
    for name, chosen in (("best", best), ("worst", worst)):
        examples = read_examples(chosen, evaluated, SHARDS, threshold)
        pictures = [draw_faces(e.picture, e.faces, e.truth) for e in examples]
        title = f"{len(examples)} of the {name} test frames, of every video about as many"
        sheet = draw_sheet(pictures, [e.caption for e in examples], title)
        save_figure(sheet, PLOTS / f"examples_{name}.png")


def log_to_mlflow(values: dict) -> None:
    """Tell MLflow, in the run that trained the detector."""
    run_id = json.loads((TRAINED / "run.json").read_text())["mlflow_run_id"]
    numbers = {key: value for key, value in metrics_to_json(values).items() if key != "intervals"}
    with mlflow_tracking.continued_run(run_id):
        mlflow_tracking.log_evaluation(
            {f"test_{key}": value for key, value in numbers.items()}, EVALUATED
        )


if __name__ == "__main__":
    main()
