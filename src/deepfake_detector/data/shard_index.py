"""The index of the crops in a shard: an .npz file beside it, from which crops are found and read.

So a face is read by itself, in any order, and without TensorFlow. Shapes: `N` crops of a shard.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SUFFIX = ".crops.npz"
COLUMNS = {
    "position": np.int64,
    "length": np.int64,
    "box": np.float32,
    "window": np.float32,
    "label": np.int64,
    "frame": np.int64,
    "size_px": np.int64,
    "landmarks": np.float16,
}
SHAPES = {"box": (4,), "window": (4,), "size_px": (2,), "landmarks": (468, 2)}
"""Of one row; the others are numbers."""


@dataclass
class ShardIndex:
    """One row per crop of a shard, in its order.

    Attributes:
        video: name of the video; empty where there is no crop.
        rows: `position`, `length` of the JPEG in bytes, in the shard; `box` and `window` (what the
            crop shows), fractions of the frame; `label`; `frame`; `size_px`, width and height of
            the original frame; `landmarks` [468, 2], fractions of the crop, NaN where not known.
    """

    video: str = ""
    rows: list[dict] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the index; the same rows make the same bytes."""
        columns = {
            name: np.array([row[name] for row in self.rows], kind).reshape(
                -1, *SHAPES.get(name, ())
            )
            for name, kind in COLUMNS.items()
        }
        with path.open("wb") as file:  # given a path, NumPy would add a suffix
            np.savez(file, video=np.array(self.video), **columns)


def make_index_path(shard: Path) -> Path:
    """Return the path of the index of a shard, `NAME.tfrecord`."""
    return shard.with_name(shard.name.removesuffix(".tfrecord") + SUFFIX)


def read_index(shard: Path) -> ShardIndex:
    """Read the index beside a shard.

    Raises:
        ValueError: there is none, or it is no such index; the message names the command.
    """
    path = make_index_path(shard)
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = {name: file[name] for name in COLUMNS}
            video = str(file["video"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: no index of the crops in {shard.name} ({error}); run `dvc repro "
            "extract_frames`"
        ) from error
    rows = zip(*columns.values(), strict=True)
    return ShardIndex(video, [dict(zip(columns, row, strict=True)) for row in rows])
