"""All annotated videos compared with the faces in them, over processes."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from deepfake_detector.common.parallel import Workers, run_tasks
from deepfake_detector.data.annotation_timing.video_alignment import (
    SHIFTED,
    VideoAlignment,
    check_video,
    make_task,
)
from deepfake_detector.data.validation.video_list import VideoEntry

_COLUMNS = ["video", "status", "shift", "sureness", "frame_offset", "uncovered", "reason"]


def check_videos(
    folder: Path,
    videos: pd.DataFrame,
    annotations: pd.DataFrame,
    min_face_px: int,
    cache: Path,
    workers: int,
) -> list[VideoAlignment]:
    """Check every annotated video, in the order of their names.

    Args:
        videos: accepted ones, `video, frames, sha256`.
        annotations: accepted ones, `video, frame`, box in px, `face`.
        cache: folder of what is found.
    """
    faces = dict(iter(annotations.groupby("video")))
    tasks = [
        make_task(folder / row.video, row, faces[row.video], min_face_px, cache)
        for row in videos.sort_values("video").itertuples()
        if row.video in faces
    ]
    found: list[VideoAlignment | None] = [None] * len(tasks)
    with tqdm(total=len(tasks), unit=" videos", desc="align") as bar:
        for index, alignment in run_tasks(check_video, tasks, Workers(workers), bar):
            found[index] = alignment
    return [alignment for alignment in found if alignment is not None]


def propose_offsets(
    found: list[VideoAlignment], entries: Mapping[str, VideoEntry]
) -> dict[str, int]:
    """Propose the `frame_offset` of each shifted video: what it has, and the shift."""
    return {
        alignment.video: entries[alignment.video].frame_offset + alignment.shift
        for alignment in found
        if alignment.status == SHIFTED
    }


def make_table(found: list[VideoAlignment], offsets: Mapping[str, int]) -> pd.DataFrame:
    """Make the table of all videos; `uncovered` are stretches of frames, as `40-59`."""
    rows = [
        [
            *(alignment.video, alignment.status, alignment.shift, round(alignment.sureness, 1)),
            offsets.get(alignment.video, ""),
            " ".join(f"{stretch.first}-{stretch.last}" for stretch in alignment.uncovered),
            alignment.problem or alignment.reason,
        ]
        for alignment in found
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)
