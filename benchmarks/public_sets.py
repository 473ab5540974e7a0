"""Real clips laid out as each public data set, through `annotate --dataset` and `dvc repro split`.

    python benchmarks/public_sets.py DATA --keep FOLDER [--sets NAME ...] [--workers 2]

DATA is laid out as data/ is, with fakes that name their `source`. Its videos are cut to clips of
half a second, which take the places of the tests' miniatures of seven data sets; faces are found
by MTCNN, and all sets go through one pipeline in a copy of this project. Prints, for each set, its
videos, those with a wrong label or without a found face, the sources in several splits, and how
many rows without a file and files without a row `annotate` named; exits with 1 where any is not as
it was laid out.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
from itertools import count, islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.data.public_sets import set_layouts

from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).resolve().parents[1]
FRAMES = 12
SPLITS = ("train", "validation", "test")


class ClipCutter:
    """Writes clips of real and fake videos, each other frames than all before."""

    def __init__(self, data: Path):
        with (data / "videos.csv").open(newline="", encoding="utf-8") as file:
            names = [row["video"] for row in csv.DictReader(file)]
        self._paths = {
            label: [data / "videos" / name for name in names if label in name]
            for label in ("real", "fake")
        }
        self._uses = {"real": count(), "fake": count()}

    def write(self, path: Path, *faces: tuple[str, tuple]) -> Path:
        """Write a clip in place of a miniature with these faces, side by side where it has two."""
        parts = [self._cut(label) for label, _ in faces or [("real", None)]]
        height = min(part[0].shape[0] for part in parts)
        frames = [
            np.hstack([image[:height] for image in images]) for images in zip(*parts, strict=False)
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, frames, 25)
        return path

    def _cut(self, label: str) -> list[np.ndarray]:
        turn, number = divmod(next(self._uses[label]), len(self._paths[label]))
        path = self._paths[label][number]
        frames = (image for _, image in read_frames(path))
        return list(islice(frames, FRAMES * turn, FRAMES * (turn + 1)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--sets", nargs="+", choices=set_layouts.LAYOUTS, default=list(set_layouts.LAYOUTS)
    )
    parser.add_argument("--workers", default="2")
    arguments = parser.parse_args()
    keep = arguments.keep.resolve()
    shutil.rmtree(keep, ignore_errors=True)
    set_layouts.write = ClipCutter(arguments.data.resolve()).write
    project = keep / "project"
    run(keep.parent, "git", "clone", "-q", str(PROJECT), str(project))
    said = {}
    for name in arguments.sets:
        set_layouts.LAYOUTS[name](keep / name)
        words = ["--dataset", str(keep / name), "--out", "data", "--workers", arguments.workers]
        said[name] = run(project, sys.executable, "src/annotate.py", *words)
    run(project, sys.executable, "-m", "dvc", "repro", "-q", "split")
    are_right = [report(project, name, text) for name, text in said.items()]
    sys.exit(0 if all(are_right) else 1)


def run(folder: Path, *command: str) -> str:
    """Run a command, which must succeed; return what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "true"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def report(project: Path, name: str, said: str) -> bool:
    """Print what became of a data set; tell whether that is as it was laid out."""
    real, fake, unlisted, missing = set_layouts.EXPECTED[name]
    named = [count_named(r"(\d+) files are in none of its lists", said),
             count_named(r"(\d+) entries of its lists have no file", said)]  # fmt: skip
    splits = {
        row["video"]: split
        for split in SPLITS
        for row in read_rows(project / f"artifacts/split/{split}.csv")
    }
    rows = [row for row in read_rows(project / "data/videos.csv") if row["dataset"] == name]
    labels: dict[str, set[str]] = {row["video"]: set() for row in rows}
    for face in read_rows(project / "artifacts/validate/annotations.csv"):
        if face["video"] in labels:
            labels[face["video"]].add(face["label"])
    fakes = [video for video, found in labels.items() if "fake" in found]
    without = [video for video, found in labels.items() if not found]
    wrong = [
        video
        for video in labels.keys() - without
        if (video in fakes) != is_laid_out_fake(video, rows)
    ]
    by_source: dict[str, set[str]] = {}
    for row in rows:
        if row["video"] in splits:
            by_source.setdefault(row["source"], set()).add(splits[row["video"]])
    parted = [source for source, found in by_source.items() if len(found) > 1]
    print(
        f"{name}: {len(rows)} videos ({len(fakes)} fake), wrong labels {wrong}, in several splits "
        f"{parted}, in no split {sorted(labels.keys() - splits)}, without a face {without}, files "
        f"without a row {named[0]}, rows without a file {named[1]}"
    )
    return (len(rows), *named) == (real + fake, unlisted, missing) and not (wrong or parted)


def is_laid_out_fake(video: str, rows: list[dict[str, str]]) -> bool:
    """Tell whether a miniature is laid out as a fake: it has a method, or DFDC's list says so."""
    (row,) = [row for row in rows if row["video"] == video]
    dfdc_fakes = ("aagfhgtpmv", "aapnvogymq", "abofeumbvv")
    return bool(row["method"]) or any(name in video for name in dfdc_fakes)


def count_named(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
