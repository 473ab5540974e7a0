"""A data set checked: which rows pass, and which are rejected and why.

What a single file shows comes from reading it (`dataset`); all that a table can show comes from
these checks. `dataset_report` puts the results together.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.common.tables import Rejection
from deepfake_detector.config.schema import ValidateParams
from deepfake_detector.data.splits.assignment import find_components, find_leaking_pins
from deepfake_detector.data.validation.annotation_table import (
    Doubts,
    find_doubts,
    make_annotation_table,
    match_videos,
)
from deepfake_detector.data.validation.checks import (
    make_annotation_checks,
    make_coverage_checks,
    make_data_set_checks,
    make_video_checks,
)
from deepfake_detector.data.validation.corrected_labels import correct_labels, number_faces
from deepfake_detector.data.validation.dataset import Dataset
from deepfake_detector.data.validation.gx_runner import Check, Finding, TableChecker
from deepfake_detector.data.validation.video_list import make_video_table

_SIZES = ["width_px", "height_px", "frames", "frame_offset"]


@dataclass(frozen=True)
class CheckedTable:
    """A table after its checks.

    Attributes:
        passed: the rows that pass all checks.
        findings: of every check.
        rejections: one for each other row, by the first check it fails.
        hidden: `video, frame` of rejected rows that are a face which cannot be used.
    """

    passed: pd.DataFrame
    findings: list[Finding]
    rejections: list[Rejection]
    hidden: list[tuple[str, int]]


@dataclass(frozen=True)
class CheckResults:
    """What the checks found, table by table.

    Attributes:
        lost: annotations of no accepted video, and corrections of no accepted face.
        corrected: how many faces have a corrected label.
        doubts: where rejected rows may hide a face.
    """

    videos: CheckedTable
    lost: list[Rejection]
    annotations: CheckedTable
    coverage: CheckedTable
    data_set: list[Finding]
    doubts: Doubts
    corrected: int


def check(dataset: Dataset, params: ValidateParams, docs: Path) -> CheckResults:
    """Check all tables of a data set; write Data Docs into a folder, which is emptied."""
    checker = TableChecker(docs)
    named = dataset.named
    files = make_video_table(
        dataset.probes, dataset.listed, dataset.videos_folder, set(named.found.values())
    )
    checked_files = _check_table(checker, "videos", files, make_video_checks())
    videos = checked_files.passed.astype(dict.fromkeys(_SIZES, "int64"))
    faces, lost = match_videos(dataset.annotated.faces, named, set(videos["video"]))
    faces = make_annotation_table(faces, videos, params.same_face_iou)
    annotations = _check_table(checker, "annotations", faces, make_annotation_checks(params))
    kept, corrected, without_face = correct_labels(
        number_faces(annotations.passed), dataset.annotated.corrections, named.found
    )
    annotations = replace(annotations, passed=kept)
    doubts = find_doubts(dataset.annotated, named, videos)
    covered = _add_coverage(videos, faces, annotations.passed, doubts)
    coverage = _check_table(checker, "coverage", covered, make_coverage_checks(params))
    data_set = _check_data_set(checker, coverage.passed, params)
    checker.finish()
    lost = [*lost, *without_face]
    return CheckResults(checked_files, lost, annotations, coverage, data_set, doubts, corrected)


def _check_table(
    checker: TableChecker, suite: str, table: pd.DataFrame, checks: list[Check]
) -> CheckedTable:
    findings = checker.run(suite, table, checks, shown=["file", "row"])
    failed: dict[int, Check] = {}
    for finding in findings:
        for row in finding.rows:
            failed.setdefault(row, finding.check)
    rejections, hidden = [], []
    for row, failed_check in sorted(failed.items()):
        values = table.loc[row].to_dict()
        line = None if pd.isna(values["row"]) else int(values["row"])
        rejections.append(Rejection(values["file"], line, failed_check.reason.format(**values)))
        if failed_check.hides_face:
            hidden.append((values["video"], values["frame"]))
    return CheckedTable(table.drop(index=list(failed)), findings, rejections, hidden)


def _add_coverage(
    videos: pd.DataFrame, faces: pd.DataFrame, kept: pd.DataFrame, doubts: Doubts
) -> pd.DataFrame:
    """Count, for each video, the faces it was given and those that are kept, by label too."""
    given = videos["video"].map(faces["video"].value_counts()).fillna(0).astype(int)
    counts = {
        label: videos["video"].map(kept.loc[kept["label"] == label, "video"].value_counts())
        for label in FACE_LABELS
    }
    counts = {label: count.fillna(0).astype(int) for label, count in counts.items()}
    doubt = ", ".join(doubts.files) or None
    return videos.assign(
        lost=pd.Series(
            [doubts.videos.get(video) for video in videos["video"]],
            index=videos.index,
            dtype=object,
        ),
        annotated=given,
        kept_of_annotated=sum(counts.values()).where(given > 0),
        doubt=pd.Series(doubt, index=videos.index, dtype=object).where(given == 0, None),
        **counts,
    )


def _check_data_set(
    checker: TableChecker, accepted: pd.DataFrame, params: ValidateParams
) -> list[Finding]:
    leaks = find_leaking_pins(accepted)
    components = find_components(accepted)
    pins = accepted["split"].where(accepted["split"] != "")
    table = accepted.assign(
        component=components,
        pinned_splits=pins.groupby(components).transform("nunique"),
    )
    return checker.run("data_set", table, make_data_set_checks(leaks, params), shown=["video"])
