"""The Deepfake Detection Challenge (DFDC).

Folders of videos with `metadata.json`, `{"aa.mp4": {"label": "FAKE", "split": "train",
"original": "bb.mp4"}}` (www.kaggle.com/c/deepfake-detection-challenge/data), or of test videos
with `labels.csv`, `filename,label` with 1 for a fake, as DeepfakeBench reads it
(preprocessing/rearrange.py); videos may lie in a folder `videos` there. Methods are not told.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.data.public_sets.clip import Clip, ListedSet, find_videos, make_name

_LABELS = {"REAL": "real", "FAKE": "fake", "0": "real", "1": "fake"}
_SPLITS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class _Row:
    """What a list says of a file."""

    label: str
    split: str
    original: str


def is_dfdc(folder: Path) -> bool:
    """Tell whether a folder, or one in it, has the lists of DFDC."""
    return any(True for _ in _find_lists(folder))


def list_dfdc(folder: Path) -> ListedSet:
    """List the clips of all parts; the original of a fake may lie in another part.

    Raises:
        ValueError: a list cannot be read, or a label is neither real nor fake.
    """
    files: dict[str, Path] = {}
    rows: dict[Path, _Row] = {}
    missing, unlisted = [], []
    for path in sorted(_find_lists(folder)):
        here = {video.name: video for video in find_videos(path.parent)}
        listed = _read_list(path)
        files |= here
        rows |= {here[name]: row for name, row in listed.items() if name in here}
        missing += [_show(path.parent / name, folder) for name in listed if name not in here]
        unlisted += [_show(video, folder) for name, video in here.items() if name not in listed]
    clips = [_make_clip(path, row, files) for path, row in rows.items()]
    return ListedSet("DFDC", clips, missing, unlisted)


def _show(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _make_clip(path: Path, row: _Row, files: dict[str, Path]) -> Clip:
    filmed = Path(row.original).stem if row.original else path.stem
    return Clip(
        path=path,
        video=make_name("dfdc", path.name),
        label=row.label,
        source=f"dfdc:{filmed}",
        split=row.split,
        dataset="DFDC",
        original=files.get(row.original) if row.label == "fake" else None,
    )


def _find_lists(folder: Path) -> Iterator[Path]:
    for depth in ("", "*/", "*/*/"):
        for path in folder.glob(f"{depth}metadata.json"):
            head = _read_head(path)
            if '"label"' in head and ("FAKE" in head or "REAL" in head):
                yield path
        for path in folder.glob(f"{depth}labels.csv"):
            if _read_head(path).startswith("filename,"):
                yield path


def _read_head(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(400)


def _read_list(path: Path) -> dict[str, _Row]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            entries = {row["filename"]: row for row in csv.DictReader(text.splitlines())}
        else:
            entries = json.loads(text)
        named = {Path(name).name: _make_row(name, entry, path) for name, entry in entries.items()}
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, TypeError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); copy it again") from error
    return named


def _make_row(name: str, entry: dict, path: Path) -> _Row:
    label = _LABELS.get(str(entry.get("label")).upper())
    if label is None:
        raise ValueError(
            f"{path}, {name}: label: expected REAL or FAKE, got {entry.get('label')!r:.40}; "
            "correct it there"
        )
    split = "test" if path.suffix == ".csv" else _SPLITS.get(str(entry.get("split")).lower(), "")
    return _Row(label, split, entry.get("original") or "")
