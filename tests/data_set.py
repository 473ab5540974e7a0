"""A tiny data set in a user's layout, to be damaged by tests: clips of noise with annotations."""

import copy
import csv
import json
import shutil
from pathlib import Path

import numpy as np

from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).resolve().parents[1]
FACE = (16.0, 8.0, 48.0, 40.0)
"""A box in px inside every clip."""


def make_frames(
    count: int, seed: int, width_px: int = 64, height_px: int = 48
) -> list[np.ndarray]:
    """Make frames of a pattern that moves: uint8 RGB [H, W, 3]."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (height_px // 8, width_px // 8, 3), dtype=np.uint8)
    image = coarse.repeat(8, axis=0).repeat(8, axis=1)
    return [np.roll(image, number, axis=1) for number in range(count)]


class DataSet:
    """A folder with `data/` and `params.yaml`; three people, each real and as a fake."""

    def __init__(self, folder: Path, people: int = 3, frames: int = 6):
        self.folder, self.frames = folder, frames
        self.videos, self.annotations = folder / "data/videos", folder / "data/annotations"
        self.videos.mkdir(parents=True)
        self.annotations.mkdir()
        shutil.copy(PROJECT / "params.yaml", folder)
        self.rows: list[tuple] = []
        self.listed: list[tuple] = []
        for person in range(people):
            for label in ("real", "fake"):
                video = f"p{person}_{label}.mp4"
                self.add_clip(video, seed=2 * person + (label == "fake"))
                self.annotate(video, label)
                self.listed.append((video, f"p{person}"))
        self.write()

    def copy_to(self, folder: Path) -> "DataSet":
        """Copy the folder, with what stages made of it, into an empty one."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = copy.deepcopy(self)
        other.folder = folder
        other.videos, other.annotations = folder / "data/videos", folder / "data/annotations"
        return other

    def add_clip(self, video: str, seed: int) -> Path:
        """Write a clip without annotations."""
        write_video(self.videos / video, make_frames(self.frames, seed), fps=25)
        return self.videos / video

    def annotate(self, video: str, label: str, box=FACE) -> None:
        """Annotate every frame of a clip; `write` puts it on disk."""
        self.rows += [(video, frame, *box, label) for frame in range(self.frames)]

    def write(self) -> None:
        """Write `videos.csv` and the annotations in the project's own form."""
        write_csv(self.folder / "data/videos.csv", ["video", "source"], self.listed)
        columns = ["video", "frame", "left", "top", "right", "bottom", "label"]
        write_csv(self.annotations / "faces.csv", columns, self.rows)


def write_csv(path: Path, columns: list[str], rows: list[tuple]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def write_clay(path: Path, entries: list[tuple[str, int, list[tuple]]]) -> None:
    """Write a Clay Sciences export: URL, frame from 1, and (geometry, attributes) of each face."""
    content = [
        {
            "ID": f"id-{number}",
            "Labeled Data": url,
            "Frame": str(frame),
            "Label": {
                str(key): {"class": "Face", "geometry": geometry, "attributes": attributes}
                for key, (geometry, attributes) in enumerate(faces)
            },
        }
        for number, (url, frame, faces) in enumerate(entries)
    ]
    path.write_text(json.dumps(content), encoding="utf-8")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
