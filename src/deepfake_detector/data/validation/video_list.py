"""`data/videos.csv`: what the user says about the videos.

Columns `video, source, identity, split, frame_offset, licence, method, method_group, dataset`, all
but `video` optional; labels stay in the annotations. A row that cannot be read leaves its video
out: without its source, the video could leak into another split.
"""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from deepfake_detector.common.tables import METHOD_COLUMNS, VIDEO_COLUMNS, Rejection
from deepfake_detector.data.annotations.fields import parse_frame
from deepfake_detector.data.splits.split_names import SPLITS
from deepfake_detector.data.validation.probing import Probe
from deepfake_detector.video.names import VideoNames

_SURPLUS = "surplus"  # no column has this name
_COLUMNS = ("video", "source", "identity", "split", "frame_offset", "licence", *METHOD_COLUMNS)


@dataclass(frozen=True)
class VideoEntry:
    """What is said about one video.

    `frame_offset` is added to the frames of its annotations; `method` and `method_group` say how a
    fake was made, `dataset` where the video is from.
    """

    source: str
    identity: str = ""
    split: str = ""
    frame_offset: int = 0
    licence: str = ""
    method: str = ""
    method_group: str = ""
    dataset: str = ""


@dataclass(frozen=True)
class VideoList:
    """An entry for every video, but for those whose row cannot be used: `problems`."""

    entries: dict[str, VideoEntry]
    problems: dict[str, str]
    rejections: list[Rejection]


def read_video_list(path: Path, videos: list[str]) -> VideoList:
    """Read the list, which need not be there; videos it does not name are their own source.

    Raises:
        ValueError: the table cannot be used at all: its text, its columns.
    """
    listed = VideoList({video: VideoEntry(video) for video in videos}, {}, [])
    if not path.is_file():
        return listed
    names, lines = VideoNames(videos), {}
    for line, row in _read_rows(path):
        try:
            video = names.find(row["video"])
        except ValueError as error:
            listed.rejections.append(Rejection(path.as_posix(), line, str(error)))
            continue
        try:
            _check_repeat(lines.setdefault(video, (line, row)), row)
            listed.entries[video] = _row_to_entry(row, video)
        except ValueError as error:
            listed.rejections.append(Rejection(path.as_posix(), line, str(error)))
            listed.problems[video] = f"its row in {path.name} (line {line}) is rejected: {error}"
    return listed


def make_video_table(
    probes: list[Probe], listed: VideoList, folder: Path, annotated: set[str]
) -> pd.DataFrame:
    """Put what the user says about each file beside what is in it.

    Args:
        annotated: videos with annotations; of files with the same content these are preferred.

    Returns:
        `VIDEO_COLUMNS`, `frame_offset`, `file`, an empty `row`, and, missing where there is none,
        the `problem` of a file and another video with the `same_content`.
    """
    first_with: dict[str, str] = {}
    rows = []
    for probe in sorted(probes, key=lambda probe: (probe.video not in annotated, probe.video)):
        video = probe.video
        problem = probe.problem.removeprefix(f"{video}: ") or listed.problems.get(video)
        same = first_with.setdefault(probe.sha256, video) if probe.metadata else video
        metadata = asdict(probe.metadata) if probe.metadata else {}
        rows.append(
            asdict(listed.entries[video])
            | metadata
            | {"video": video, "sha256": probe.sha256, "problem": problem}
            | {"same_content": None if same == video else same}
            | {"file": (folder / video).as_posix(), "row": None}
        )
    columns = [*VIDEO_COLUMNS, "frame_offset", "problem", "same_content", "file", "row"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(["problem", "same_content"], object))


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text; save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    columns = [(column or "").strip() for column in reader.fieldnames or []]
    unknown = [column for column in columns if column not in _COLUMNS]
    if "video" not in columns or unknown or len(set(columns)) < len(columns):
        raise ValueError(
            f"{path}: expected the columns video and, as you wish, {', '.join(_COLUMNS[1:])}; "
            f"got {', '.join(columns) or 'nothing'}; {_name_problem(columns, unknown)}"
        )
    reader.fieldnames = columns
    try:
        return [(reader.line_num, _strip(row)) for row in reader]
    except csv.Error as error:
        raise ValueError(f"{path}: not valid CSV ({error}); save it again") from error


def _name_problem(columns: list[str], unknown: list[str]) -> str:
    """Say which columns of the first line are the trouble, and what to do."""
    if unknown:
        names = ", ".join(repr(column) for column in unknown)
        return f"rename or remove {names:.200}"
    if "video" not in columns:
        return "add the column video"
    twice = sorted({column for column in columns if columns.count(column) > 1})
    return f"{', '.join(twice)} is there twice; remove one"


def _strip(row: dict) -> dict[str, str]:
    """Strip the cells of a row; those that no column has are under `_SURPLUS`."""
    surplus = ",".join(row.get(None) or []).strip(" ,")
    cells = {key: (value or "").strip() for key, value in row.items() if key is not None}
    return cells | ({_SURPLUS: surplus} if surplus else {})


def _check_repeat(first: tuple[int, dict], row: dict[str, str]) -> None:
    line, first_row = first
    if first_row is not row and first_row != row:
        raise ValueError(f"{row['video']} is listed again, differing from line {line}; keep one")


def _row_to_entry(row: dict[str, str], video: str) -> VideoEntry:
    if _SURPLUS in row:
        raise ValueError(
            f"more cells than the first line has columns: {row[_SURPLUS]!r:.60}; put a text with "
            "commas in quotes, or name the column"
        )
    split, offset = row.get("split", ""), row.get("frame_offset", "") or "0"
    if split and split not in SPLITS:
        raise ValueError(f"split: expected {', '.join(SPLITS)} or nothing, got {split!r}")
    try:
        frame_offset = parse_frame(offset)
    except ValueError as error:
        raise ValueError(f"frame_offset: expected a whole number, got {offset!r:.40}") from error
    return VideoEntry(
        source=row.get("source", "") or video,
        identity=row.get("identity", ""),
        split=split,
        frame_offset=frame_offset,
        licence=row.get("licence", ""),
        **{column: row.get(column, "") for column in METHOD_COLUMNS},
    )
