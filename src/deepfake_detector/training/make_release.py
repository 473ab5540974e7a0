"""What a release is made of beside the training: heads, calibration, test, card and record.

Validation videos and their degraded copies calibrate; test videos are analyzed once, as they are.
Both are analyzed from the files, as `predict` does.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from deepfake_detector.common.artifacts import SHARDS, SPLIT_TABLES
from deepfake_detector.common.files import hash_file
from deepfake_detector.common.tables import read_numbers, read_table
from deepfake_detector.common.used_code import hash_used_code
from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.data.frame_records import make_shard_path
from deepfake_detector.data.known_videos import N_FRAMES, to_hex
from deepfake_detector.data.loading.crop_index import list_crops
from deepfake_detector.evaluation.group_metrics import (
    compute_precision,
    measure_correlations,
    measure_groups,
)
from deepfake_detector.evaluation.group_tables import name_people
from deepfake_detector.inference import analysis
from deepfake_detector.inference.analysis import FrameAnalyzer
from deepfake_detector.inference.detector import Detector
from deepfake_detector.inference.predictor import make_sampling
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.released_folder import ENCODER, SUMS
from deepfake_detector.training.calibration_videos import (
    AnnotatedVideo,
    label_copies,
)
from deepfake_detector.training.epoch_validation import choose_crops
from deepfake_detector.training.late_heads import FACES_PER_VIDEO, fit_late_heads, scale_heads
from deepfake_detector.verdicts.calibration import Calibration, ScoredBy
from deepfake_detector.verdicts.decision import decide_video
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.fit_calibration import fit_calibration
from deepfake_detector.verdicts.frame_aggregation import compute_log_odds
from deepfake_detector.verdicts.quality import measure_quality, name_group
from deepfake_detector.video.degraded_copies import COPIES
from deepfake_detector.video.frame_reader import FrameReader
from deepfake_detector.video.packets import scan_packets
from deepfake_detector.video.perceptual_hash import hash_video

COVERABLE = ("face swap", "reenactment", "lip-sync")
"""Kinds of forgery that may be covered; what was generated as a whole never is."""

MIN_VIDEOS, MIN_METHODS = 10, 3
"""Validation fakes, and methods that made them, from which a kind is calibrated on."""

RECORD = "training_record.json"

PREVALENCE = 0.01
"""At which the card tells the precision."""

VERDICT_COLUMNS = [
    *["video", "person", "label", "method", "method_group", "dataset"],
    *["answer", "probability", "quality", "face_px", "reason"],
    *["score", "sharpness", "brightness"],
]

CONDITIONS = ("face_px", "sharpness", "brightness")
"""What the scores of real faces should not follow."""


def read_annotated(work: Path, split: str) -> list[AnnotatedVideo]:
    """Read the videos of a split that have a frame, with their annotated faces."""
    names = set(read_table(work / f"artifacts/split/{split}.csv")["video"])
    videos = read_table(work / "artifacts/validate/videos.csv")
    faces = dict(iter(read_table(work / "artifacts/validate/annotations.csv").groupby("video")))
    return [
        AnnotatedVideo(
            work / "data/videos" / row.video, row.sha256, row.source, row.method_group,
            faces[row.video],
        )
        for row in videos.itertuples()
        if row.video in names and row.video in faces
    ]  # fmt: skip


def list_shards(work: Path, split: str) -> list[Path]:
    """List the shards of a split's videos that hold at least one frame."""
    videos = read_table(work / SPLIT_TABLES / f"{split}.csv")
    names = videos.loc[videos["frames"] > 0, "video"]
    return [make_shard_path(work / SHARDS, name) for name in names]


def fit_heads(work: Path, classifier: FaceClassifier) -> None:
    """Fit the heads of a face classifier to faces of train videos, in place.

    Their temperatures are those of faces of validation videos.
    """
    videos = read_table(work / SPLIT_TABLES / "train.csv")
    kinds = dict(
        zip(videos["video"], videos["dataset"] + ", " + videos["method_group"], strict=True)
    )
    train, validation = (
        choose_crops(list_crops(list_shards(work, split)), FACES_PER_VIDEO)
        for split in ("train", "validation")
    )
    fit_late_heads(classifier, train, kinds)
    scale_heads(classifier, validation)


def list_covered(work: Path) -> list[str]:
    """List the kinds of forgery that are calibrated on and that a release may cover."""
    calibrated = list_calibrated(work)
    return [kind for kind in COVERABLE if kind in calibrated]


def list_calibrated(work: Path) -> list[str]:
    """List the named kinds of forgery with enough validation videos by enough methods."""
    names = read_table(work / "artifacts/split/validation.csv")
    fakes = names[names["labels"].str.contains("fake")]
    kinds = fakes.groupby("method_group").agg(
        videos=("video", "size"), methods=("method", "nunique")
    )
    is_enough = (kinds["videos"] >= MIN_VIDEOS) & (kinds["methods"] >= MIN_METHODS)
    return [kind for kind in kinds.index[is_enough] if kind]


def make_analyze(detector: Detector, params: Params) -> Callable[[Path], list[FaceTrack]]:
    """Make what analyzes a file: every `predict.frame_stride`th frame, some of their crops."""
    frame_stride, sampling = params.predict.frame_stride, make_sampling(params.predict)

    def analyze(path: Path) -> list[FaceTrack]:
        packets = scan_packets(path)
        spacing = sampling.space_crops(packets.frames, frame_stride, packets.fps)
        analyzer = FrameAnalyzer(detector, params.calibrate.usable, spacing)
        reader = FrameReader(path, packets, None)
        for frames in reader.read(lambda number: number % frame_stride == 0):
            analyzer.analyze(frames)
        return analyzer.collect()[1]

    return analyze


def name_analysis(hashes: tuple[str, str], params: Params) -> str:
    """Name what tracks depend on beside the video: networks, sampling and the code of analysis."""
    code = hash_used_code(Path(analysis.__file__)).values()
    return "".join((*hashes, *code)) + repr(make_sampling(params.predict))


def calibrate_release(
    work: Path, detector: Detector, params: Params, hashes: tuple[str, str]
) -> Calibration:
    """Calibrate on validation videos and their degraded copies.

    Fakes of kinds with few videos or methods are left out. Those that are not covered are not:
    heads are fitted to them as well, and without them their copies were called real too often
    (docs/decisions/0035).
    """
    calibrated = list_calibrated(work)
    videos = [
        video
        for video in read_annotated(work, "validation")
        if not (video.faces["label"] == "fake").any() or video.method_group in calibrated
    ]
    labelled = label_copies(
        tqdm(videos, desc="calibrate", unit=" videos"), COPIES, make_analyze(detector, params),
        work / "tracks", name_analysis(hashes, params), params.evaluate.iou_threshold,
    )  # fmt: skip
    return fit_calibration(list(labelled), params.calibrate, ScoredBy(*hashes))


def measure_release(
    work: Path, detector: Detector, calibration: Calibration, params: Params, hashes: tuple
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide on every test video, once, and measure by kind of forgery and data set.

    Returns:
        `VERDICT_COLUMNS`, one row a video, and the columns of `measure_groups`.
    """
    about = read_table(work / "artifacts/validate/videos.csv").set_index("video")
    videos = read_annotated(work, "test")
    labelled = label_copies(
        tqdm(videos, desc="test", unit=" videos"), (), make_analyze(detector, params),
        work / "tracks", name_analysis(hashes, params), params.evaluate.iou_threshold,
    )  # fmt: skip
    rows = [_decide(video, calibration, about.loc[video.video]) for video in labelled]
    verdicts = pd.DataFrame(rows, columns=VERDICT_COLUMNS)
    return verdicts, measure_verdicts(verdicts, params)


def measure_verdicts(verdicts: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Measure verdicts by kind of forgery, by data set and label, and what real scores follow."""
    n_bootstrap, seed = params.evaluate.n_bootstrap, params.seed
    named = verdicts.assign(
        kind=np.where(verdicts["label"] == "fake", verdicts["method_group"], ""),
        set=verdicts["dataset"] + ", " + verdicts["label"],
        whole=np.where(verdicts["label"] == "real", "real videos", "fake videos"),
    )
    tables = [measure_groups(named, by, n_bootstrap, seed) for by in ("kind", "set", "whole")]
    if verdicts["score"].notna().any():
        tables.append(measure_correlations(verdicts, CONDITIONS, n_bootstrap, seed))
    return pd.concat(tables, ignore_index=True)


def _decide(video, calibration: Calibration, about: pd.Series) -> tuple:
    decision = decide_video(video.tracks, calibration)
    used = [find_usable(track, calibration.usable) for track in video.tracks]
    best = max(range(len(used)), key=lambda index: used[index].sum(), default=None)
    seen = (np.nan, "", np.nan, np.nan, np.nan)
    if best is not None:
        track = video.tracks[best]
        quality = measure_quality(track, used[best])
        group = name_group(quality) if quality.frames else ""
        log_odds = compute_log_odds(track.compute_fake_score()[used[best]])
        score = float(log_odds.mean()) if quality.frames else np.nan
        seen = (quality.face_px, group, score, quality.sharpness, quality.brightness)
    face_px, group, *measured = seen
    probability = np.nan if decision.probability is None else decision.probability
    return (
        *(video.video, about["identity"] or video.source, video.label, about["method"]),
        *(about["method_group"], about["dataset"], decision.answer, probability, group),
        *(face_px, decision.reason, *measured),
    )


def make_record(work: Path, params: Params, commit: str, kept: Path | None) -> dict[str, Any]:
    """Make the training record: parameters, seed, commit, videos by hash, metrics by epoch.

    The perceptual hashes of a few frames of each video tell copies of it.

    Args:
        kept: the release whose networks are taken as they are; their record stays, with the commit
            that their heads are fitted by.

    Raises:
        ValueError: a video that the kept networks learned from is in no train split now.
    """
    train = sorted(read_table(work / "artifacts/split/train.csv")["video"])
    videos = read_table(work / "artifacts/validate/videos.csv")
    learned = {row.video: row.sha256 for row in videos.itertuples() if row.video in set(train)}
    data = {
        "train_videos": learned,
        "train_frame_hashes": {
            video: to_hex(hash_video(work / "data/videos" / video, N_FRAMES))
            for video in tqdm(train, desc="frame hashes", unit=" videos")
        },
    }
    if kept is not None:
        record = json.loads((kept / RECORD).read_text(encoding="utf-8"))
        check_learned(record["train_videos"], learned)
        return record | data | {"heads_fitted_by": commit}
    histories = {
        "ssd": work / "artifacts/train/history.csv",
        "face_classifier": work / "artifacts/train/face_classifier/history.csv",
    }
    epochs = {
        name: json.loads(read_numbers(path).to_json(orient="records"))
        for name, path in histories.items()
    }
    return {
        "commit": commit,
        "starts_from": name_start(work, params.train.init),
        "seed": params.seed,
        "params": flatten_params(params),
        **data,
        "epochs": epochs,
    }


def check_learned(before: dict[str, str], now: dict[str, str]) -> None:
    """Check that all videos that networks learned from are in the train split, by their hashes.

    Raises:
        ValueError: one is not, and might be measured on.
    """
    strangers = sorted(video for video, sha256 in before.items() if sha256 not in now.values())
    if strangers:
        raise ValueError(
            f"the kept networks learned from {len(strangers)} videos that are in no train split "
            f"here ({strangers[0]}); name the folders of that release, or train without "
            "--keep-networks"
        )


def name_start(work: Path, init: str) -> str:
    """Name what the training started from: a release with the hash of its weights, or `init`."""
    card = work / "released/card.json"
    if init != "released":
        return init
    if not card.is_file():
        return "imagenet"  # as `choose_start` has it
    released = json.loads(card.read_text(encoding="utf-8"))
    return f"released {released['version']}, detector {released['sha256']['detector']}"


def make_card(
    version: str, date: str, commit: str, work: Path, folder: Path, hashes: tuple[str, str],
    results: pd.DataFrame, note: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Make the data of the card of what lies in a released folder.

    Args:
        note: what else a reader of the results is to know.
    """
    covered = list_covered(work)
    videos = read_table(work / "artifacts/validate/videos.csv")
    splits = {name: read_table(work / f"artifacts/split/{name}.csv") for name in ("train",)}
    train = splits["train"]
    licences = videos[videos["video"].isin(train["video"])]["licence"].replace("", "none stated")
    rates = {
        group: results[(results["group"] == group) & (results["metric"] == "called likely fake")]
        for group in ("fake videos", "real videos")
    }
    precision = compute_precision(
        *(float(rows["value"].iloc[0]) for rows in rates.values()), PREVALENCE
    )
    kinds = set(videos["method_group"]) - {"", *covered}
    return {
        "version": version,
        "date": date,
        "commit": commit,
        "covers": covered,
        "not_covered": sorted(kinds),
        "data": _count_data(train),
        "people": int(name_people(train).nunique()),
        "has_encoder": (folder / ENCODER).is_file(),
        "forgery_methods": int(train.loc[train["method"] != "", "method"].nunique()),
        "licences": {name: int(count) for name, count in licences.value_counts().items()},
        "protocol": (
            "Verdicts on the test videos, as they are; 95 % intervals by drawing "
            "people. A fake's AUC is against all real test videos. " + note
        ),
        "results": json.loads(results.round(3).to_json(orient="records")),
        "precision": {
            "prevalence": PREVALENCE,
            "value": None if np.isnan(precision) else round(precision, 3),
        },
        "sha256": {
            "detector": hashes[0],
            "classifier": hashes[1],
            "calibration": hash_file(folder / "calibration.json"),
        },
        "files": {
            path.name: hash_file(path) for path in sorted(folder.iterdir()) if path.name != SUMS
        },
    }


def _name_kinds(videos: pd.DataFrame) -> pd.Series:
    """Name the kind of forgery of videos with a fake face, `-` for the others."""
    is_fake = videos["labels"].str.contains("fake")
    return videos["method_group"].where(is_fake, "").replace("", "-")


def _count_data(train: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the videos that were learned from, by data set, label and kind of forgery."""
    kind = _name_kinds(train)
    method = train["method"].where((kind != "-") & (train["method"] != ""))
    named = train.assign(person=name_people(train), kind=kind, method=method)
    counted = named.groupby(["dataset", "labels", "kind"], as_index=False).agg(
        videos=("video", "size"), people=("person", "nunique"), methods=("method", "nunique")
    )
    return json.loads(counted.to_json(orient="records"))
