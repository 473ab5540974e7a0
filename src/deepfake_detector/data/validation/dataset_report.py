"""The result of validation: accepted tables, rejections, problems, and notes for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.tables import (
    ANNOTATION_COLUMNS,
    VIDEO_COLUMNS,
    Rejection,
    sort_rejections,
)
from deepfake_detector.data.validation.acceptance import CheckResults
from deepfake_detector.data.validation.dataset import Dataset
from deepfake_detector.data.validation.gx_runner import Finding, summarize_findings


@dataclass(frozen=True)
class DatasetReport:
    """What can be used of a data set, and what cannot.

    Attributes:
        videos: accepted ones, `VIDEO_COLUMNS`.
        annotations: their usable faces, `ANNOTATION_COLUMNS`.
        ignored_frames: `video, frame` of frames that show a face which cannot be used, so that
            they are neither faces nor background.
        rejections: files and rows, in their order.
        problems: why the data cannot be trained on; empty where it can.
        findings: of all checks, as plain values.
        notes: for people.
        metadata: of videos, for the next time.
    """

    videos: pd.DataFrame
    annotations: pd.DataFrame
    ignored_frames: pd.DataFrame
    rejections: list[Rejection]
    problems: list[str]
    findings: list[dict[str, Any]]
    notes: list[str]
    metadata: dict[str, dict]


def assemble(dataset: Dataset, results: CheckResults) -> DatasetReport:
    """Put together what a data set holds and what the checks found."""
    accepted, faces = results.coverage.passed, results.annotations.passed
    faces = faces[faces["video"].isin(accepted["video"])]
    tables = {
        "videos": results.videos.findings,
        "annotations": results.annotations.findings,
        "coverage": results.coverage.findings,
        "data_set": results.data_set,
    }
    rejections = [
        *dataset.listed.rejections,
        *dataset.annotated.rejections,
        *results.videos.rejections,
        *results.lost,
        *results.annotations.rejections,
        *results.coverage.rejections,
    ]
    videos = accepted[VIDEO_COLUMNS].sort_values("video", ignore_index=True)
    return DatasetReport(
        videos=videos,
        annotations=_make_annotations(faces),
        ignored_frames=_list_ignored_frames(results, set(videos["video"])),
        rejections=sort_rejections(rejections),
        problems=_list_problems(results.data_set, has_videos=len(accepted) > 0),
        findings=[
            row for suite, found in tables.items() for row in summarize_findings(suite, found)
        ],
        notes=[
            *([f"{results.corrected} labels were corrected"] if results.corrected else []),
            *_make_notes(accepted, faces),
            *_note_pixels(accepted, dataset.metadata),
        ],
        metadata=dataset.metadata,
    )


def _make_annotations(kept: pd.DataFrame) -> pd.DataFrame:
    """Make the canonical table: boxes inside the frame."""
    table = kept.assign(**{side: kept[f"clipped_{side}"] for side in BOX})
    return table[ANNOTATION_COLUMNS].reset_index(drop=True)


def _list_ignored_frames(results: CheckResults, videos: set[str]) -> pd.DataFrame:
    hidden = [
        *results.videos.hidden,
        *results.annotations.hidden,
        *results.coverage.hidden,
        *results.doubts.frames,
    ]
    frames = pd.DataFrame(sorted(set(hidden)), columns=["video", "frame"])
    return frames[frames["video"].isin(videos)]


def _list_problems(data_set: list[Finding], has_videos: bool) -> list[str]:
    problems = [finding.check.reason for finding in data_set if not finding.success]
    return problems if has_videos else problems[:1]  # the others follow from there being none


def _make_notes(accepted: pd.DataFrame, faces: pd.DataFrame) -> Iterator[str]:
    clipped = faces[[f"clipped_{side}" for side in BOX]].to_numpy() != faces[BOX].to_numpy()
    if clipped.any():
        yield f"{clipped.any(axis=1).sum()} boxes reached over the frame and were clipped"
    negatives = accepted.loc[accepted["annotated"] == 0, "video"]
    if len(negatives):
        yield (
            f"{len(negatives)} videos without any annotation count as clips without a face: "
            + ", ".join(negatives)
        )
    alone = accepted[(accepted["fake"] > 0) & (accepted["source"] == accepted["video"])]
    if len(alone):
        yield (
            f"{len(alone)} videos with fake faces name no source in data/videos.csv; if one was "
            "made from another video of this data, both could be split apart, and results would "
            "flatter: " + ", ".join(alone["video"])
        )
    for video, frames in faces.groupby("video")["frame"]:
        step = int(pd.Series(sorted(set(frames))).diff().median() or 1) if len(frames) > 2 else 1
        if step > 1:
            yield (
                f"{video}: about one frame in {step} is annotated; the frames between count as "
                "frames without a face: annotate them too, or keep only the annotated ones by "
                "extract_frames.frame_stride"
            )


def _note_pixels(accepted: pd.DataFrame, metadata: dict[str, dict]) -> Iterator[str]:
    """Note videos whose pixels a player shows otherwise than they are stored."""
    known = [metadata[sha256] for sha256 in accepted["sha256"]]
    aspects = pd.Series([entry["pixel_aspect"] for entry in known], accepted["video"], dtype=float)
    for video, aspect in aspects[aspects != 1].items():
        yield (
            f"{video}: its pixels are not square, and its boxes are expected in pixels as stored; "
            f"where they were drawn in a player, divide left and right by {aspect:.4g}"
        )
    hdr = [v for v, entry in zip(accepted["video"], known, strict=True) if entry["transfer"]]
    if hdr:
        yield f"{len(hdr)} videos are HDR and are read with the tones of SDR: {', '.join(hdr)}"
