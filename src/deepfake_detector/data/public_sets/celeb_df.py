"""Celeb-DF v1 and v2.

`Celeb-real/idA_N.mp4`, `YouTube-real/N.mp4`, `Celeb-synthesis/idA_idB_N.mp4` (A the original
person, B the one put on: github.com/yuezunli/celeb-deepfakeforensics, README and issue 6) and
`List_of_testing_videos.txt` with lines like `1 YouTube-real/00170.mp4`. DeepfakeBench has a folder
`videos` in each.
"""

import re
from pathlib import Path

from deepfake_detector.data.public_sets.clip import (
    FACE_SWAP,
    Clip,
    ListedSet,
    find_videos,
    make_name,
)

_FOLDERS = ("Celeb-real", "YouTube-real", "Celeb-synthesis")
_LIST = "List_of_testing_videos.txt"
_SYNTHESIS = re.compile(r"(id\d+)_(id\d+)_(\d+)")


def is_celeb_df(folder: Path) -> bool:
    """Tell whether a folder is laid out as Celeb-DF is."""
    return (folder / "Celeb-synthesis").is_dir() or (folder / "Celeb-real").is_dir()


def list_celeb_df(folder: Path) -> ListedSet:
    """List the clips; with the list of test videos, all others are for training.

    Raises:
        ValueError: the list is not text.
    """
    version = re.search(r"v([12])\b", folder.resolve().name, re.I)
    dataset = f"Celeb-DF-v{version[1]}" if version else "Celeb-DF"
    tested = _read_test_list(folder / _LIST)
    clips, found = [], set()
    for kind in _FOLDERS:
        for path in find_videos(folder / kind):
            if path.parent.name not in (kind, "videos"):
                continue
            listed = f"{kind}/{path.stem}"
            found.add(listed)
            split = ("test" if listed in tested else "train") if tested else ""
            clips.append(_make_clip(path, kind, dataset, split))
    return ListedSet(dataset, clips, missing=sorted(tested - found))


def _make_clip(path: Path, kind: str, dataset: str, split: str) -> Clip:
    swapped = _SYNTHESIS.fullmatch(path.stem) if kind == "Celeb-synthesis" else None
    filmed = f"{swapped[1]}_{swapped[3]}" if swapped else path.stem
    original = None
    if kind == "Celeb-synthesis":
        folder = Path(str(path.parent).replace("Celeb-synthesis", "Celeb-real"))
        original = folder / f"{filmed}{path.suffix}"
    is_fake = original is not None
    return Clip(
        path=path,
        video=make_name(dataset.lower(), kind, path.name),
        label="fake" if is_fake else "real",
        source=f"celebdf:{'youtube ' if kind == 'YouTube-real' else ''}{filmed}",
        # of a fake the person filmed: by the faces put on, all 59 people would be linked
        identity="" if kind == "YouTube-real" else f"celebdf:{filmed.partition('_')[0]}",
        split=split,
        method="Celeb-synthesis" if is_fake else "",
        method_group=FACE_SWAP if is_fake else "",
        dataset=dataset,
        original=original if original and original.is_file() else None,
    )


def _read_test_list(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not text; copy it again") from error
    names = [line.split()[-1] for line in lines if line.strip()]
    return {str(Path(name).with_suffix("")) for name in names}
