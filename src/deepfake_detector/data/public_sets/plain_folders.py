"""Videos sorted by hand: `real/` and `fake/`, perhaps with a folder of each method in `fake/`.

A fake belongs to the real video whose name it has, or begins with: `fake/swap/anna_2.mp4` to
`real/anna.mp4`.
"""

import re
from pathlib import Path

from deepfake_detector.data.public_sets.clip import Clip, ListedSet, find_videos, make_name

_REAL, _FAKE = ("real", "original", "originals"), ("fake", "fakes")


def is_plain(folder: Path) -> bool:
    """Tell whether a folder has `real` or `fake` in it, in any case."""
    return bool(_find(folder, _REAL) or _find(folder, _FAKE))


def list_plain(folder: Path) -> ListedSet:
    """List the videos of both folders; videos beside them are unlisted."""
    dataset = folder.resolve().name
    real = [path for parent in _find(folder, _REAL) for path in find_videos(parent)]
    originals = {path.stem: path for path in real}
    clips = [
        Clip(path, make_name("real", path.name), "real", path.stem, dataset=dataset)
        for path in real
    ]
    for parent in _find(folder, _FAKE):
        clips += [_make_fake(path, parent, originals, dataset) for path in find_videos(parent)]
    known = {clip.path for clip in clips}
    others = [path.name for path in find_videos(folder) if path not in known]
    return ListedSet(dataset, clips, unlisted=others)


def _find(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and path.name.lower() in names
    )


def _make_fake(path: Path, parent: Path, originals: dict[str, Path], dataset: str) -> Clip:
    folders = path.relative_to(parent).parts[:-1]
    source = _find_source(path.stem, originals)
    return Clip(
        path=path,
        video=make_name("fake", *folders, path.name),
        label="fake",
        source=source or path.stem,
        method=folders[0] if folders else "",
        dataset=dataset,
        original=originals.get(source),
    )


def _find_source(stem: str, originals: dict[str, Path]) -> str:
    """Find the longest name of an original that a name is, or begins with; empty: none."""
    parts = re.split(r"(?<=[^_.\s-])(?=[_.\s-])", stem)
    for end in range(len(parts), 0, -1):
        name = "".join(parts[:end])
        if name in originals:
            return name
    return ""
