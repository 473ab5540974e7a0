"""A public data set made into a folder laid out as `data/` is; what was done is not done again."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from deepfake_detector.common.files import write_text
from deepfake_detector.common.parallel import Workers, run_tasks
from deepfake_detector.config.schema import AnnotateParams
from deepfake_detector.data.annotations.annotation_writer import add_video_rows
from deepfake_detector.data.public_sets.clip import Clip, ListedSet, make_name
from deepfake_detector.data.public_sets.clip_faces import (
    ClipResult,
    ClipTask,
    annotate_clip,
    make_part_path,
    read_part,
)

_PARTS = ".parts"
"""Folder in `annotations/` of what was found in each clip; hidden, so that no one reads it."""

_CLIPS_PER_FILE = 1000  # of 10 seconds and two faces: 600,000 faces

_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} videos{postfix}, {remaining} left"


@dataclass(frozen=True)
class AnnotatedSet:
    """What was made of a data set: the clips that are in the folder now, and what was found."""

    clips: list[Clip]
    results: list[ClipResult]


def annotate_set(
    listed: ListedSet, clips: list[Clip], out: Path, params: AnnotateParams, workers: Workers
) -> AnnotatedSet:
    """Link the clips into `out/videos`, annotate them, and write `videos.csv`.

    A clip that cannot be read is left out, with its `problem`. Other data sets in `out` stay.
    """
    parts = out / "annotations" / _PARTS
    tasks = [ClipTask(clip, make_part_path(parts, clip, params), params) for clip in clips]
    results = list(_run(tasks, workers))
    readable = {result.video for result in results if not result.problem}
    kept = [task for task in tasks if task.clip.video in readable]
    (out / "videos").mkdir(parents=True, exist_ok=True)
    for task in kept:
        _link(task.clip.path, out / "videos" / task.clip.video)
    _write_annotations([task.part for task in kept], out / "annotations", make_name(listed.name))
    add_video_rows(out / "videos.csv", [_make_row(task.clip) for task in kept])
    return AnnotatedSet([task.clip for task in kept], results)


def _run(tasks: list[ClipTask], workers: Workers) -> Iterator[ClipResult]:
    """Annotate clips in parallel, in the order of their tasks, and show how fast that goes."""
    results: dict[int, ClipResult] = {}
    is_done = [task.part.is_file() for task in tasks]
    for index, task in enumerate(tasks):
        if is_done[index]:
            results[index] = annotate_clip(task)
    waiting = [index for index, done in enumerate(is_done) if not done]
    started = time.monotonic()
    with tqdm(total=len(waiting), bar_format=_BAR, disable=not waiting) as bar:
        todo = [tasks[index] for index in waiting]
        for count, (index, result) in enumerate(run_tasks(annotate_clip, todo, workers, bar), 1):
            results[waiting[index]] = result
            hours = (time.monotonic() - started) / 3600
            bar.set_postfix_str(f"{count / hours:.0f} videos/h")
    return iter(results[index] for index in range(len(tasks)))


def _link(source: Path, target: Path) -> None:
    if target.exists() or target.is_symlink():
        target.unlink()
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system
        try:
            target.symlink_to(source.resolve())
        except OSError:  # or one without links
            shutil.copyfile(source, target)


def _write_annotations(parts: list[Path], folder: Path, name: str) -> None:
    """Write the faces of all clips, so many clips a file that it can be read and opened."""
    for path in folder.glob(f"{name}_[0-9][0-9][0-9][0-9].csv"):
        path.unlink()
    for number, start in enumerate(range(0, len(parts), _CLIPS_PER_FILE), 1):
        tables = [read_part(part) for part in parts[start : start + _CLIPS_PER_FILE]]
        filled = [table for table in tables if len(table)]
        if filled:
            text = pd.concat(filled).to_csv(index=False, lineterminator="\n")
            write_text(text, folder / f"{name}_{number:04d}.csv")


def _make_row(clip: Clip) -> dict[str, str]:
    names = ("video", "source", "identity", "split", "method", "method_group", "dataset")
    return {name: getattr(clip, name) for name in names}
