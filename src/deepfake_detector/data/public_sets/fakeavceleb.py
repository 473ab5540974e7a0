"""FakeAVCeleb v1.2.

`RealVideo-RealAudio/RACE/GENDER/ID/NNNNN.mp4`, the same for `FakeVideo-RealAudio`,
`FakeVideo-FakeAudio` and `RealVideo-FakeAudio`, and `meta_data.csv` with the header
`source,target1,target2,method,category,type,race,gender,path,` over ten values: `path` is the file
name, the last one its folder (github.com/DASH-Lab/FakeAVCeleb, with the data; names of files:
issue 11). A file name begins with the number of the clip it was made from. A video with forged
sound alone shows a real face.
"""

import csv
from pathlib import Path

from deepfake_detector.data.public_sets.clip import (
    FACE_SWAP,
    LIP_SYNC,
    Clip,
    ListedSet,
    find_videos,
    make_name,
)

_TABLE = "meta_data.csv"
_TYPES = {
    "RealVideo-RealAudio": "real",
    "RealVideo-FakeAudio": "real",
    "FakeVideo-RealAudio": "fake",
    "FakeVideo-FakeAudio": "fake",
}
_ORIGINALS = "RealVideo-RealAudio"


def is_fakeavceleb(folder: Path) -> bool:
    """Tell whether a folder is laid out as FakeAVCeleb is."""
    return (folder / _TABLE).is_file() and any((folder / name).is_dir() for name in _TYPES)


def list_fakeavceleb(folder: Path) -> ListedSet:
    """List the clips; of a file with several rows the first one counts.

    Raises:
        ValueError: the table cannot be read, or has not its columns.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in _find_all(folder)}
    rows = _read_rows(folder / _TABLE)
    clips = [_make_clip(folder, paths[name], row) for name, row in rows.items() if name in paths]
    missing = [name for name in rows if name not in paths]
    unlisted = [name for name in paths if name not in rows]
    return ListedSet("FakeAVCeleb", clips, missing, unlisted)


def _find_all(folder: Path):
    for name in _TYPES:
        yield from find_videos(folder / name)


def _read_rows(path: Path) -> dict[str, dict[str, str]]:
    """Read the rows by the path of their file below the data set's folder."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text; copy it again") from error
    reader = csv.DictReader(lines)
    columns = list(reader.fieldnames or [])
    if not {"source", "method", "type", "path"} <= set(columns):
        raise ValueError(
            f"{path}: expected the columns source, method, type and path, got "
            f"{', '.join(columns)}; copy it again"
        )
    rows: dict[str, dict[str, str]] = {}
    for row in reader:
        folder = row.get("") or (row.get(None) or [""])[0]
        folder = folder.removeprefix("FakeAVCeleb/").strip("/")
        rows.setdefault(f"{folder}/{row['path'] or ''}", row)
    return rows


def _make_clip(folder: Path, path: Path, row: dict[str, str]) -> Clip:
    kind, *place = path.relative_to(folder).parts[:-1]
    number = path.stem.partition("_")[0]
    original = folder.joinpath(_ORIGINALS, *place, f"{number}{path.suffix}")
    is_fake, method = _TYPES[kind] == "fake", row["method"]
    return Clip(
        path=path,
        video=make_name("favc", kind, *place[-1:], path.name),
        label=_TYPES[kind],
        source=f"favc:{row['source']} {number}",
        identity=f"favc:{row['source']}",  # filmed; by the faces put on, all would be linked
        method=method if is_fake else "",
        method_group=_name_group(method) if is_fake else "",
        dataset="FakeAVCeleb",
        original=original if is_fake and original.is_file() and original != path else None,
    )


def _name_group(method: str) -> str:
    return FACE_SWAP if "faceswap" in method or "fsgan" in method else LIP_SYNC
