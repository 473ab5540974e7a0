"""A clip of a public data set: its file, its label and what it was made from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

VIDEO_ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")

FACE_SWAP, REENACTMENT, LIP_SYNC = "face swap", "reenactment", "lip-sync"
"""Kinds of forgery, `method_group` in `videos.csv`."""


@dataclass(frozen=True)
class Clip:
    """A clip, and what `videos.csv` says about it.

    Attributes:
        path: of its file.
        video: its name below `data/videos`, unique among all data sets.
        label: that of the clip, `real` or `fake`.
        source: the filmed clip; that of a fake is its original's.
        identity: whose face is seen, or whose body where that keeps people apart; may be empty.
        split: by the data set, a name of a split; empty where it says nothing.
        original: the file a fake was made from; None where it is not there.
    """

    path: Path
    video: str
    label: str
    source: str
    identity: str = ""
    split: str = ""
    method: str = ""
    method_group: str = ""
    dataset: str = ""
    original: Path | None = None


@dataclass(frozen=True)
class ListedSet:
    """The clips of a data set, and where its files and its lists do not agree.

    Attributes:
        name: of the data set.
        clips: those whose label is known.
        missing: what a list of the data set names and no file is there for.
        unlisted: files that no list of the data set names.
    """

    name: str
    clips: list[Clip]
    missing: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def find_videos(folder: Path) -> Iterator[Path]:
    """Find the videos below a folder, which need not be there, in the order of their paths."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in VIDEO_ENDINGS and not path.name.startswith("."):
            yield path


def make_name(*parts: str) -> str:
    """Make a plain name of the parts of a path."""
    return "_".join(re.sub(r"[^\w.+-]+", "-", part).strip("-_") for part in parts if part)
