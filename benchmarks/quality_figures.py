"""The figures of a recipe: mean of its seeds, with 95 % intervals, as a table.

Shapes: `S` seeds, `D` draws, `G` sources.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SHARDS = Path("artifacts/extract_frames")
SPLIT = Path("artifacts/split")
ROWS = {
    "AP real": "ap_real",
    "AP fake": "ap_fake",
    "mAP (area)": "map_50",
    "class-agnostic AP": "class_agnostic_ap_50",
    "label accuracy": "matched_label_accuracy",
    "video AUC": "video_auc",
    "video AUC, plain mean": "score_auc",
    "video log loss": "video_log_loss",
    "video calibration error": "video_ece",
    "majority vote, AUC": "majority_auc",
    "majority vote, log loss": "majority_log_loss",
    "majority vote, cal. error": "majority_ece",
    "plain mean, log loss": "plain_mean_log_loss",
    "plain mean, cal. error": "plain_mean_ece",
    "pair order": "paired_auc",
    "real videos called fake": "false_positive_rate",
    "fake videos called fake": "true_positive_rate",
    "videos without an answer": "abstention_rate",
    "mAP, SSD": "ssd_only_map_50",
    "label acc., SSD": "ssd_only_matched_label_accuracy",
    "plain AUC, SSD": "ssd_only_score_auc",
}
SIMPLER = ("majority", "plain_mean")
"""Ways to a video's probability that look at each frame alone."""
CHANCE = {
    "map_50": "map_50_random_labels",
    "matched_label_accuracy": "majority_label_accuracy",
    "video_auc": 0.5,
    "score_auc": 0.5,
    "video_log_loss": float(np.log(2)),
    "video_ece": "ece_if_calibrated",
    "majority_ece": "majority_floor",
    "paired_auc": 0.5,
}


@dataclass(frozen=True)
class Recipe:
    """Figures by folder and name: `values` [S], `n_bootstrap` [D] of the mean of the seeds."""

    values: dict[tuple[str, str], np.ndarray]
    n_bootstrap: dict[tuple[str, str], np.ndarray]
    counts: dict[str, str]
    cost: dict[str, list[float]]

    def save(self, path: Path) -> None:
        """Keep what a later call needs for the differences."""
        means = {f"mean|{'|'.join(key)}": value.mean() for key, value in self.values.items()}
        n_bootstrap = {f"draws|{'|'.join(key)}": value for key, value in self.n_bootstrap.items()}
        np.savez(path, **means, **n_bootstrap)

    @staticmethod
    def load(path: Path) -> dict[tuple[str, str], tuple[float, np.ndarray]]:
        """Give the mean and the draws of the figures of another recipe."""
        with np.load(path) as file:
            keys = [tuple(name.split("|")[1:]) for name in file if name.startswith("mean|")]
            return {
                key: (float(file[f"mean|{'|'.join(key)}"]), file[f"draws|{'|'.join(key)}"])
                for key in keys
                if f"draws|{'|'.join(key)}" in file
            }


def measure_recipe(folders: dict[str, list[str]], trained: list[Path], split: str) -> Recipe:
    """Measure the detectors of all seeds on a split, each folder's videos for themselves."""
    from deepfake_detector.config.schema import load_params
    from deepfake_detector.evaluation.detection_report import count_to_text
    from deepfake_detector.inference.model_folders.model_hashes import hash_detector
    from deepfake_detector.verdicts.fit_calibration import fit_calibration

    params = load_params()
    measured, counts = [], {}
    cost = {"minutes of training": [], "images/s": []}
    for folder in trained:
        found = {
            name: find_split(folder / "detector.keras", name, params)
            for name in dict.fromkeys(["validation", split])
        }
        calibration = fit_calibration(
            found["validation"].seen,
            params.calibrate,
            hash_detector(folder / "detector.keras"),
        )
        videos = judge_split(found[split], calibration, is_fitted_on=split == "validation")
        cost["minutes of training"].append(json.loads((folder / "minutes.json").read_text()))
        cost["images/s"].append(found[split].images_per_second)
        metrics = {}
        for name, names in folders.items():
            part = keep_videos(found[split].evaluated, names)
            if len(part.images):
                own = videos[videos["video"].isin(names)].reset_index(drop=True)
                metrics[name] = measure_part(part, own, params)
                metrics[name][0].update(measure_simpler(own, params))
                metrics[name][0].update(measure_alone(found[split], names, params))
                counts[name] = count_to_text(metrics[name][0])
        measured.append(metrics)
    return join_seeds(measured, counts, cost)


@dataclass(frozen=True)
class Found:
    """A split: found and annotated faces, the faces followed through its videos, the speed.

    `alone` is `evaluated` as the SSD saw it, None where it is the only look.
    """

    evaluated: Any
    alone: Any
    seen: list
    images_per_second: float


def find_split(detector_path: Path, split: str, params) -> Found:
    """Let a detector look at a split."""
    from deepfake_detector.common.tables import read_table
    from deepfake_detector.data.frame_records import make_shard_path
    from deepfake_detector.evaluation.evaluation_frames import make_evaluation_frames
    from deepfake_detector.evaluation.tracked_videos import track_labelled_videos
    from deepfake_detector.inference.detector import load_detector
    from deepfake_detector.inference.score_fusion import drop_classifier_scores
    from deepfake_detector.inference.shards import predict_shards, read_truth

    videos = read_table(SPLIT / f"{split}.csv")
    videos = videos[videos["frames"] > 0]
    shards = [make_shard_path(SHARDS, video) for video in videos["video"]]
    detector, truth = load_detector(detector_path), read_truth(shards)
    started = time.perf_counter()
    faces = predict_shards(detector, shards)
    seconds = time.perf_counter() - started
    frames = read_table(SHARDS / "frames.csv")
    evaluated, alone = make_evaluation_frames(faces, truth, videos, frames), None
    if faces["classifier_fake_score"].notna().any():
        alone = make_evaluation_frames(drop_classifier_scores(faces), truth, videos, frames)
    least, iou_threshold = params.calibrate.usable.min_face_score, params.evaluate.iou_threshold
    seen = track_labelled_videos(SHARDS, videos, (faces, truth), least, iou_threshold)
    return Found(evaluated, alone, seen, len(evaluated.images) / seconds)


def judge_split(found: Found, calibration, is_fitted_on: bool):
    """Give a split's videos with `score`, `probability` and `answer`.

    A source that the calibration was fitted on is judged by a model of the others.
    """
    from deepfake_detector.evaluation.verdict_tables import make_video_verdicts
    from deepfake_detector.evaluation.video_scores import answer_videos, score_videos
    from deepfake_detector.verdicts.cross_validation import cross_validate
    from deepfake_detector.verdicts.labelled_videos import list_faces

    verdicts = make_video_verdicts(found.seen, calibration)
    verdicts["answer"] = verdicts["verdict"].str.removeprefix("likely ").replace("cannot tell", "")
    if is_fitted_on and not calibration.problem:
        faces = list_faces(found.seen, calibration.usable)
        verdicts["probability"] = cross_validate(
            found.seen, faces, calibration.rule, calibration.fit
        )
        verdicts["answer"] = answer_videos(verdicts["probability"].to_numpy(), calibration)
    videos = score_videos(found.evaluated)
    kept = ["video", "probability", "answer", *SIMPLER]
    return videos.merge(verdicts[kept], on="video")


def keep_videos(evaluated, videos: list[str]):
    """Keep what concerns some videos."""
    from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
    from deepfake_detector.metrics import FoundFaces, Truth

    is_kept = evaluated.images["video"].isin(videos).to_numpy()
    number = np.cumsum(is_kept) - 1
    faces, truth = evaluated.faces, evaluated.truth
    face, true = is_kept[faces.image], is_kept[truth.image]
    return EvaluationFrames(
        FoundFaces(number[faces.image[face]], faces.boxes[face], faces.scores[face]),
        Truth(number[truth.image[true]], truth.label[true], truth.boxes[true]),
        evaluated.images[is_kept].reset_index(drop=True),
    )


def measure_part(evaluated, videos, params) -> tuple[dict, dict[str, np.ndarray]]:
    """Measure some videos: figures, and the draws [D] of those in `ROWS`."""
    from deepfake_detector.evaluation.confidence_intervals import number_sources, resample_metrics
    from deepfake_detector.evaluation.detection_report import measure
    from deepfake_detector.evaluation.video_scores import measure_videos, resample_videos
    from deepfake_detector.metrics.bootstrap import sample_weights
    from deepfake_detector.metrics.classification import compute_ece_if_calibrated

    iou_threshold, n_bootstrap = params.evaluate.iou_threshold, params.evaluate.n_bootstrap
    without_draws = params.evaluate.model_copy(update={"n_bootstrap": 0})
    metrics = measure(evaluated, without_draws, params.predict.score_threshold, params.seed)
    metrics |= measure_videos(videos)
    probabilities = videos["probability"].dropna().to_numpy(float)
    metrics["ece_if_calibrated"] = compute_ece_if_calibrated(
        probabilities, n_bootstrap, params.seed
    )
    if not metrics["faces_real"] or not metrics["faces_fake"]:
        metrics |= {
            "map_50": np.nan,
            "map_50_random_labels": np.nan,
        }  # of one label, it is no mean
    names, group = number_sources(evaluated)
    if len(names) < 2 or n_bootstrap < 1:
        return metrics, {}
    weights = sample_weights(len(names), n_bootstrap, np.random.default_rng(params.seed))
    n_bootstrap = resample_metrics(evaluated, iou_threshold, group, weights)
    return metrics, n_bootstrap | resample_videos(videos, names, weights)


def measure_simpler(videos, params) -> dict[str, float]:
    """Measure the simpler ways to a probability; a video where no face was found counts as 0.5."""
    from deepfake_detector.evaluation.verdict_metrics import MEASURES
    from deepfake_detector.evaluation.video_scores import UNDECIDED
    from deepfake_detector.metrics.classification import compute_ece_if_calibrated

    is_fake = videos["is_fake"].to_numpy(bool)
    said = {way: videos[way].fillna(UNDECIDED).to_numpy(float) for way in SIMPLER}
    metrics = {
        f"{way}_{name}": compute(is_fake, said[way])
        for way in SIMPLER
        for name, compute in MEASURES.items()
    }
    n_bootstrap, seed = params.evaluate.n_bootstrap, params.seed
    return metrics | {
        "majority_floor": compute_ece_if_calibrated(said["majority"], n_bootstrap, seed)
    }


def measure_alone(found: Found, videos: list[str], params) -> dict[str, float]:
    """Measure what the SSD says without the face classifier; NaN where it is the only one."""
    from deepfake_detector.evaluation.detection_report import measure_ssd_only
    from deepfake_detector.evaluation.video_scores import score_videos
    from deepfake_detector.metrics.classification import compute_auc

    if found.alone is None:
        return {name: np.nan for name in ROWS.values() if name.startswith("ssd_only")}
    part = keep_videos(found.alone, videos)
    scored = score_videos(part)
    auc = compute_auc(scored["is_fake"].to_numpy(bool), scored["score"].to_numpy(float))
    metrics = measure_ssd_only(part, params.evaluate.iou_threshold) | {"ssd_only_score_auc": auc}
    if scored["is_fake"].nunique() < 2:
        metrics["ssd_only_map_50"] = np.nan
    return metrics


def join_seeds(measured: list[dict], counts: dict[str, str], cost: dict) -> Recipe:
    """Put the seeds side by side; average their draws, which drew the same sources."""
    values, n_bootstrap = {}, {}
    for folder, (metrics, drawn) in measured[0].items():
        for name, value in metrics.items():
            if isinstance(value, float):
                values[folder, name] = np.array([seed[folder][0][name] for seed in measured])
        for name in drawn:
            n_bootstrap[folder, name] = np.mean(
                [seed[folder][1][name] for seed in measured], axis=0
            )
    return Recipe(values, n_bootstrap, counts, cost)


def make_table(recipe: Recipe, other: dict | None) -> str:
    """Make the table; with another recipe, a column of what this one has more."""
    from deepfake_detector.metrics.bootstrap import find_interval

    lines = []
    for folder, count in recipe.counts.items():
        lines += ["", f"{folder}: {count}"]
        head = f"{'':<26}{'mean':>7}   {'95 % interval':<17}{'chance':<9}{'each seed':<21}"
        lines.append(head + ("difference" if other else ""))
        for title, name in ROWS.items():
            seeds = recipe.values[folder, name]
            if np.isnan(seeds).all():
                lines.append(title)
                continue
            interval = find_interval(recipe.n_bootstrap.get((folder, name), np.zeros(0)))
            chance = CHANCE.get(name, np.nan)
            if isinstance(chance, str):
                chance = recipe.values[folder, chance].mean()
            line = f"{title:<26}{to_text(seeds.mean()):>7}   {to_range(interval):<17}"
            line += f"{to_text(chance):<9}{' '.join(map(to_text, seeds)):<21}"
            if other and (folder, name) in other and (folder, name) in recipe.n_bootstrap:
                mean, n_bootstrap = other[folder, name]
                more = find_interval(recipe.n_bootstrap[folder, name] - n_bootstrap)
                line += f"{seeds.mean() - mean:+.3f} ({to_range(more)})"
            lines.append(line.rstrip())
    lines.append("")
    lines += [
        f"{name}: {np.mean(values):.1f} ({' '.join(f'{value:.1f}' for value in values)})"
        for name, values in recipe.cost.items()
    ]
    return "\n".join(lines).strip()


def to_text(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def to_range(interval: tuple[float, float]) -> str:
    return "" if np.isnan(interval[0]) else f"{interval[0]:.3f} to {interval[1]:.3f}"
