"""The shards of a data set: made where something has changed, kept where nothing has.

A file of fingerprints stands beside the shards. It never promises more than is there: what is to
be made again is struck out before the work begins.
"""

import json
import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from deepfake_detector.common.files import UNFINISHED_PREFIX, write_json
from deepfake_detector.common.parallel import Workers, run_tasks
from deepfake_detector.common.tables import Rejection
from deepfake_detector.config.schema import ExtractFramesParams
from deepfake_detector.data.extraction.extract_video import Extraction, extract_video
from deepfake_detector.data.frame_records import make_shard_path
from deepfake_detector.data.shard_index import SUFFIX, make_index_path

FINGERPRINTS = "fingerprints.json"

_SAVE_SECONDS = 2.0  # a killed run makes again at most what was made since the last save


def plan_extractions(
    videos: pd.DataFrame,
    annotations: pd.DataFrame,
    ignored_frames: pd.DataFrame,
    videos_folder: Path,
    params: ExtractFramesParams,
) -> list[Extraction]:
    """Make the plan for every accepted video from the tables of `validate`."""
    faces = dict(iter(annotations.groupby("video")))
    hidden = {video: frozenset(group["frame"]) for video, group in ignored_frames.groupby("video")}
    return [
        Extraction(
            path=videos_folder / row.video,
            sha256=row.sha256,
            frames=row.frames,
            width_px=row.width_px,
            height_px=row.height_px,
            faces=faces.get(row.video, annotations.iloc[:0]),
            ignored_frames=hidden.get(row.video, frozenset()),
            params=params,
        )
        for row in videos.itertuples()
    ]


def make_shards(
    plans: list[Extraction], folder: Path, workers: Workers
) -> tuple[list[Extraction], list[Rejection], int]:
    """Bring the shards of a folder up to date; remove those of other videos.

    Returns:
        The plans whose shard is there, in their order, rejections of the others, and how many
        shards were made now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fingerprints = {plan.video: plan.compute_fingerprint() for plan in plans}
    done = _find_unchanged(fingerprints, folder)
    _save(done, folder)
    _remove_others(folder, done)
    new = [plan for plan in plans if plan.video not in done]
    new.sort(key=lambda plan: plan.frames, reverse=True)  # the longest first: no long tail
    rejections, saved = [], time.monotonic()
    try:
        with tqdm(
            total=sum(plan.frames for plan in new), unit=" frames", desc="extract", disable=not new
        ) as bar:
            items = [(plan, folder) for plan in new]
            for index, problem in run_tasks(extract_video, items, workers, bar):
                plan = new[index]
                if problem:
                    reason = problem.removeprefix(f"{plan.video}: ")
                    rejections.append(Rejection(plan.path.as_posix(), None, reason))
                    continue
                done[plan.video] = _describe(fingerprints[plan.video], folder, plan.video)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    _save(done, folder)
                    saved = time.monotonic()
    finally:
        for path in folder.glob(f"{UNFINISHED_PREFIX}*"):  # first: on a full disk this makes room
            path.unlink()
        _save(done, folder)
    return [plan for plan in plans if plan.video in done], rejections, len(new) - len(rejections)


def make_frame_table(plans: list[Extraction]) -> pd.DataFrame:
    """List the kept frames: `video, frame, width_px, height_px, faces`, original size."""
    rows = [
        (plan.video, frame, plan.width_px, plan.height_px, faces)
        for plan in plans
        for frame, faces in zip(plan.list_kept(), plan.count_faces(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["video", "frame", "width_px", "height_px", "faces"])


def _find_unchanged(fingerprints: dict[str, str], folder: Path) -> dict[str, dict]:
    path = folder / FINGERPRINTS
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        video: known[video]
        for video, fingerprint in fingerprints.items()
        if video in known
        and make_shard_path(folder, video).is_file()
        and make_index_path(make_shard_path(folder, video)).is_file()
        and known[video] == _describe(fingerprint, folder, video)
    }


def _describe(fingerprint: str, folder: Path, video: str) -> dict:
    return {
        "fingerprint": fingerprint,
        "bytes": make_shard_path(folder, video).stat().st_size,
    }


def _remove_others(folder: Path, done: dict[str, dict]) -> None:
    kept = {make_shard_path(folder, video) for video in done}
    kept |= {make_index_path(path) for path in kept}
    for path in [*folder.glob("*.tfrecord*"), *folder.glob(f"*{SUFFIX}*")]:
        if path not in kept:
            path.unlink()


def _save(done: dict[str, dict], folder: Path) -> None:
    write_json(dict(sorted(done.items())), folder / FINGERPRINTS)
