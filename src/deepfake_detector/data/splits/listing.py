"""Which shards belong to a split, and the faces in them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.artifacts import SHARDS, SPLIT_TABLES
from deepfake_detector.common.tables import read_table
from deepfake_detector.data.frame_records import make_shard_path, parse_record

_FRAMES_AT_ONCE = 512


@dataclass(frozen=True)
class Shards:
    """What a training reads: TFRecord files, one a video."""

    train: list[Path]
    validation: list[Path]


def list_shards(split: str) -> list[Path]:
    """List the shards of a split that hold at least one frame.

    Args:
        split: `train`, `validation` or `test`. No other split's table or shards are touched.

    Raises:
        FileNotFoundError: the stage `split` has not run yet.
    """
    videos = _read_table(split)
    return [make_shard_path(SHARDS, video) for video in videos.loc[videos["frames"] > 0, "video"]]


def read_sources(split: str) -> dict[str, str]:
    """Read the source of each video of a split, by the video's name.

    Raises:
        FileNotFoundError: the stage `split` has not run yet.
    """
    videos = _read_table(split)
    return dict(zip(videos["video"], videos["source"], strict=True))


def _read_table(split: str) -> pd.DataFrame:
    table = SPLIT_TABLES / f"{split}.csv"
    if not table.is_file():
        raise FileNotFoundError(f"{table} is not there; run `dvc repro split` first")
    return read_table(table)


def read_boxes(shards: list[Path]) -> np.ndarray:
    """Read the boxes of all faces in shards: float32 [N, 4], fractions of the frame."""
    import tensorflow as tf

    if not shards:
        return np.zeros((0, 4), np.float32)
    records = tf.data.TFRecordDataset([str(path) for path in shards])
    boxes = records.map(lambda record: parse_record(record)["boxes"]).ragged_batch(_FRAMES_AT_ONCE)
    return np.concatenate([batch.flat_values.numpy() for batch in boxes])  # [N, 4]
