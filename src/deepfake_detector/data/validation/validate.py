"""A whole data set, checked: what is accepted, what is rejected and why, and if it can be trained
on.

Problems of a file come from reading it; everything a table can show comes from the quality checks.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.common.tables import (
    ANNOTATION_COLUMNS,
    VIDEO_COLUMNS,
    Rejection,
    sort_rejections,
)
from deepfake_detector.config.schema import ValidateParams
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.splits.assignment import find_components, find_leaking_pins
from deepfake_detector.data.validation.annotation_table import (
    find_named_videos,
    make_annotation_table,
    match_videos,
)
from deepfake_detector.data.validation.checks import (
    make_annotation_checks,
    make_coverage_checks,
    make_data_set_checks,
    make_video_checks,
)
from deepfake_detector.data.validation.gx_runner import (
    Check,
    TableChecker,
    summarize_findings,
)
from deepfake_detector.data.validation.probing import list_videos, probe_videos
from deepfake_detector.data.validation.video_list import make_video_table, read_video_list

_SIZES = ["width_px", "height_px", "frames", "frame_offset"]


@dataclass
class Validation:
    """The result of checking a data set.

    `ignored_frames` are frames `video, frame` that show a face which cannot be used, so that they are
    neither faces nor background; `problems` say why it cannot be trained on; `notes` are for
    people; `metadata` are to be given back the next time.
    """

    videos: pd.DataFrame = field(default_factory=pd.DataFrame)
    annotations: pd.DataFrame = field(default_factory=pd.DataFrame)
    ignored_frames: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejections: list[Rejection] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, dict] = field(default_factory=dict)
    hidden: list[tuple[str, int]] = field(default_factory=list)


def validate_data(
    folder: Path, params: ValidateParams, docs: Path, metadata: dict[str, dict], workers: int
) -> Validation:
    """Check videos, annotations and list below a folder, and write Data Docs.

    Args:
        metadata: of videos that were probed before, by the hash of their content.

    Raises:
        ValueError: there is no folder of videos, or the list of videos cannot be read.
    """
    paths = list_videos(folder / "videos")
    names = [path.name for path in paths]
    listed = read_video_list(folder / "videos.csv", names)
    probes, kept_facts = probe_videos(paths, metadata, workers)
    annotated = read_annotation_folder(folder / "annotations")
    result = Validation(metadata=kept_facts, rejections=listed.rejections + annotated.rejections)
    checker = TableChecker(docs)

    named = find_named_videos(annotated.faces, names)
    annotated_videos = set(named.found.values())
    files = make_video_table(probes, listed, folder / "videos", annotated_videos)
    videos = _check(checker, "videos", files, make_video_checks(), result)
    videos = videos.astype(dict.fromkeys(_SIZES, "int64"))
    faces, lost = match_videos(annotated.faces, named, set(videos["video"]))
    result.rejections.extend(lost)
    candidates = make_annotation_table(faces, videos)
    checks = make_annotation_checks(params)
    kept = _check(checker, "annotations", candidates, checks, result)
    covered = _add_coverage(videos, candidates, kept, annotated.unreadable)
    accepted = _check(checker, "coverage", covered, make_coverage_checks(), result)
    _check_data_set(checker, accepted, result)
    checker.finish()

    result.videos = accepted[VIDEO_COLUMNS].sort_values("video", ignore_index=True)
    result.annotations = _make_annotations(kept)
    result.ignored_frames = _list_ignored_frames(result)
    result.notes.extend(_make_notes(accepted, kept))
    result.rejections = sort_rejections(result.rejections)
    return result


def _check(
    checker: TableChecker, suite: str, table: pd.DataFrame, checks: list[Check], result: Validation
) -> pd.DataFrame:
    """Check a table, note rejections and findings, and give the rows that pass."""
    findings = checker.run(suite, table, checks, shown=["file", "row"])
    result.findings.extend(summarize_findings(suite, findings))
    rejected: dict[int, Check] = {}
    for finding in findings:
        for row in finding.rows:
            rejected.setdefault(row, finding.check)
    for row, check in sorted(rejected.items()):
        values = table.loc[row].to_dict()
        line = None if pd.isna(values["row"]) else int(values["row"])
        result.rejections.append(Rejection(values["file"], line, check.reason.format(**values)))
        if check.hides_face:
            result.hidden.append((values["video"], values["frame"]))
    return table.drop(index=list(rejected))


def _add_coverage(
    videos: pd.DataFrame, candidates: pd.DataFrame, kept: pd.DataFrame, unreadable: list[str]
) -> pd.DataFrame:
    """Count, for each video, the faces it was given and those that are kept, by label too."""
    given = videos["video"].map(candidates["video"].value_counts()).fillna(0).astype(int)
    counts = {
        label: videos["video"].map(kept.loc[kept["label"] == label, "video"].value_counts())
        for label in FACE_LABELS
    }
    counts = {label: count.fillna(0).astype(int) for label, count in counts.items()}
    doubt = ", ".join(unreadable) or None
    return videos.assign(
        annotated=given,
        kept_of_annotated=sum(counts.values()).where(given > 0),
        doubt=pd.Series(doubt, index=videos.index, dtype=object).where(given == 0, None),
        **counts,
    )


def _check_data_set(checker: TableChecker, accepted: pd.DataFrame, result: Validation) -> None:
    leaks = find_leaking_pins(accepted)
    components = find_components(accepted)
    pins = accepted["split"].where(accepted["split"] != "")
    table = accepted.assign(
        component=components,
        pinned_splits=pins.groupby(components).transform("nunique"),
    )
    findings = checker.run("data_set", table, make_data_set_checks(leaks), shown=["video"])
    result.findings.extend(summarize_findings("data_set", findings))
    problems = [finding.check.reason for finding in findings if not finding.success]
    result.problems = problems if len(accepted) else problems[:1]


def _make_annotations(kept: pd.DataFrame) -> pd.DataFrame:
    """Give the canonical table: boxes inside the frame, a face key where none was given."""
    table = kept.assign(**{side: kept[f"clipped_{side}"] for side in BOX})
    table = table.sort_values(["video", "frame"], kind="stable", ignore_index=True)
    number = table.groupby(["video", "frame"]).cumcount().astype(str)
    table["face"] = table["face"].where(table["face"] != "", number)
    return table[ANNOTATION_COLUMNS]


def _list_ignored_frames(result: Validation) -> pd.DataFrame:
    hidden = pd.DataFrame(sorted(set(result.hidden)), columns=["video", "frame"])
    return hidden[hidden["video"].isin(result.videos["video"])]


def _make_notes(accepted: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    notes = []
    clipped = kept[[f"clipped_{side}" for side in BOX]].to_numpy() != kept[BOX].to_numpy()
    if clipped.any():
        notes.append(f"{clipped.any(axis=1).sum()} boxes reached over the frame and were clipped")
    negatives = accepted.loc[accepted["annotated"] == 0, "video"]
    if len(negatives):
        notes.append(
            f"{len(negatives)} videos without any annotation count as clips without a face: "
            + ", ".join(negatives)
        )
    alone = accepted[(accepted["fake"] > 0) & (accepted["source"] == accepted["video"])]
    if len(alone):
        notes.append(
            f"{len(alone)} videos with fake faces name no source in data/videos.csv; if one was "
            "made from another video of this data, both could be split apart, and results would "
            "flatter: " + ", ".join(alone["video"])
        )
    for video, frames in kept.groupby("video")["frame"]:
        step = int(pd.Series(sorted(set(frames))).diff().median() or 1) if len(frames) > 2 else 1
        if step > 1:
            notes.append(
                f"{video}: about one frame in {step} is annotated; the frames between count as "
                "frames without a face: annotate them too, or keep only the annotated ones by "
                "extract_frames.every"
            )
    return notes
