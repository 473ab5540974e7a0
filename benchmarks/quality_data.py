"""Several data folders in the user's layout, joined to one that a scratch copy can read."""

import csv
import shutil
from pathlib import Path

PARTS = ("videos", "annotations")


def join_folders(folders: list[Path], list_file: Path | None, out: Path) -> dict[str, list[str]]:
    """Link videos and annotations of all folders below `out`, and join their `videos.csv`.

    Args:
        list_file: rows in the form of `videos.csv` that stand in place of the folders' own.

    Returns:
        The videos of each folder, under the folder's name.

    Raises:
        ValueError: a folder is not in the user's layout, two videos have one name, or the list
            names a video that is in none.
    """
    for part in PARTS:
        (out / part).mkdir(parents=True)
    videos, rows = {}, {}
    for number, folder in enumerate(folders):
        for part in PARTS:
            if not (folder / part).is_dir():
                raise ValueError(
                    f"{folder / part}: no such folder; expected {' and '.join(PARTS)}"
                )
        name = folder.name if folder.name not in videos else f"{folder.name}_{number}"
        videos[name] = link_videos(folder, out / "videos")
        for file in sorted((folder / "annotations").iterdir()):
            (out / "annotations" / f"{number}_{file.name}").symlink_to(file.resolve())
        rows |= read_rows(folder / "videos.csv")
    for video, row in read_rows(list_file).items():
        if not (out / "videos" / video).exists():
            raise ValueError(f"{list_file}: {video} is in none of the folders")
        rows[video] = {**rows.get(video, {}), **row}
    write_rows(rows, out / "videos.csv")
    return videos


def link_videos(folder: Path, out: Path) -> list[str]:
    """Link the videos of a folder; give their names."""
    files = sorted(file for file in (folder / "videos").iterdir() if file.is_file())
    for file in files:
        if (out / file.name).exists():
            raise ValueError(f"{file}: another folder has a video of this name; rename one")
        (out / file.name).symlink_to(file.resolve())
    return [file.name for file in files]


def read_rows(path: Path | None) -> dict[str, dict[str, str]]:
    """Read the rows of a `videos.csv` by video; none where there is no such file."""
    if path is None or not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def write_rows(rows: dict[str, dict[str, str]], path: Path) -> None:
    """Write rows with all the columns that any of them has."""
    columns = list(dict.fromkeys(["video", *(key for row in rows.values() for key in row)]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def copy_code(project: Path, out: Path) -> None:
    """Copy the code and the parameters of the project, in place of an earlier copy."""
    shutil.rmtree(out / "src", ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project / "src", out / "src", ignore=ignored)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(project / name, out / name)
