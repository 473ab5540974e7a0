"""FaceForensics++ and DeepFakeDetection, which lie in one folder.

`original_sequences/youtube|actors/COMPRESSION/videos/` and
`manipulated_sequences/METHOD/COMPRESSION/videos/`, masks beside them. A fake of FaceForensics++ is
named TARGET_SOURCE (sequences), one of DeepFakeDetection TARGET_SOURCE__SCENE__ID (actors), as
github.com/ondyari/FaceForensics, dataset/README.md, says. Its `dataset/splits/*.json` are lists of
pairs; DeepfakeBench (github.com/SCLBD/DeepfakeBench, README) keeps them in the data set's folder.
"""

import json
import re
from pathlib import Path

from deepfake_detector.data.public_sets.clip import (
    FACE_SWAP,
    REENACTMENT,
    Clip,
    ListedSet,
    find_videos,
    make_name,
)

_COMPRESSIONS = ("raw", "c0", "c23", "c40")
_GROUPS = {"Face2Face": REENACTMENT, "NeuralTextures": REENACTMENT}
_SPLITS = {"train.json": "train", "val.json": "validation", "test.json": "test"}
_ACTORS = re.compile(r"(?P<target>\d+)_(?P<donor>\d+)__(?P<scene>.+)__\w+")
_FF, _DFD = "FaceForensics++", "DeepFakeDetection"


def is_faceforensics(folder: Path) -> bool:
    """Tell whether a folder is laid out as FaceForensics++ is."""
    return any((folder / f"{kind}_sequences").is_dir() for kind in ("original", "manipulated"))


def list_faceforensics(folder: Path) -> ListedSet:
    """List the clips of every method and compression.

    Raises:
        ValueError: a list of pairs cannot be read.
    """
    splits = _read_splits(folder)
    clips, seen, unlisted = [], set(), []
    for path in find_videos(folder):
        parts = path.relative_to(folder).parts
        if len(parts) != 5 or parts[2] not in _COMPRESSIONS or parts[3] != "videos":
            continue  # masks, models, videos as they were downloaded
        clip = _make_clip(folder, path, parts, splits)
        clips.append(clip)
        if clip.dataset == _FF:
            seen |= {path.stem} | set(path.stem.split("_"))
            if splits and not clip.split:
                unlisted.append(str(path.relative_to(folder)))
    missing = sorted(name for name in splits if "_" not in name and name not in seen)
    is_only_dfd = all(clip.dataset == _DFD for clip in clips)
    return ListedSet(_DFD if is_only_dfd else _FF, clips, missing if seen else [], unlisted)


def _make_clip(folder: Path, path: Path, parts: tuple, splits: dict[str, str]) -> Clip:
    kind, method, compression = parts[:3]
    is_dfd = method in ("actors", _DFD)
    target, identity = _name_source(path.stem, is_dfd)
    prefix, owner = ("dfd", "actors") if is_dfd else ("ff", "youtube")
    original = folder / "original_sequences" / owner / compression / "videos"
    original = original / f"{target}{path.suffix}"
    is_fake = kind == "manipulated_sequences"
    return Clip(
        path=path,
        video=make_name(prefix, method, compression, path.name),
        label="fake" if is_fake else "real",
        source=f"{prefix}:{target}",
        identity=f"{prefix}:{identity}" if identity else "",
        split="" if is_dfd else splits.get(path.stem, ""),
        method=method if is_fake else "",
        method_group=_GROUPS.get(method, FACE_SWAP) if is_fake else "",
        dataset=_DFD if is_dfd else _FF,
        original=original if is_fake and original.is_file() else None,
    )


def _name_source(stem: str, is_dfd: bool) -> tuple[str, str]:
    """Name the filmed clip, and whose face it shows; of an actor, who was filmed.

    Each of the 28 actors wears the face of many others: by the faces put on, all would be linked.
    """
    if not is_dfd:
        target, _, donor = stem.partition("_")
        return target, donor or target
    found = _ACTORS.fullmatch(stem)
    target = found["target"] if found else stem.partition("__")[0]
    return f"{target}__{found['scene']}" if found else stem, f"actor {target}"


def _read_splits(folder: Path) -> dict[str, str]:
    """Read the split of each sequence and of each pair; empty where there are no lists."""
    splits = {}
    for name, split in _SPLITS.items():
        for path in (folder / name, folder / "splits" / name):
            if not path.is_file():
                continue
            try:
                pairs = [(str(one), str(two)) for one, two in json.loads(path.read_text("utf-8"))]
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{path}: expected a list of pairs of sequences ({error}); copy it again"
                ) from error
            for one, two in pairs:
                splits |= dict.fromkeys((one, two, f"{one}_{two}", f"{two}_{one}"), split)
    return splits
