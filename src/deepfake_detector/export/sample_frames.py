"""Frames of shards as the detector sees them, to measure and to check exported files with.

Shapes: `B` frames, `N` faces, `S` side of an image or a crop in px.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.data.frame_records import read_records
from deepfake_detector.data.loading.crop_index import cut_from_record
from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches
from deepfake_detector.inference.shards import batch_to_table, join_tables, read_truth


def choose_shards(shards: list[Path], count: int) -> tuple[list[Path], int]:
    """Choose which shards give `count` frames, and how many each: as many shards as can be.

    Raises:
        ValueError: there are no shards.
    """
    if not shards:
        raise ValueError("no video with frames to check exported files with")
    chosen = shards[:: math.ceil(len(shards) / count)]
    return chosen, math.ceil(count / len(chosen))


def read_frames(shards: list[Path], count: int, size_px: int) -> tuple[np.ndarray, dict]:
    """Read about `count` frames, the first ones of each shard.

    Returns:
        Images float32 [B, S, S, 3], and `video`, `frame`, `width_px`, `height_px`, each [B].
    """
    chosen, per_shard = choose_shards(shards, count)
    images, sources = [], []
    for shard in chosen:
        for batch, faces in make_evaluation_batches([shard], per_shard, size_px).take(1):
            images.append(batch.numpy())
            sources.append({name: faces[name].numpy() for name in ("video", "frame")})
            sources[-1] |= {name: faces[name].numpy() for name in ("width_px", "height_px")}
    joined = {name: np.concatenate([part[name] for part in sources]) for name in sources[0]}
    joined["video"] = np.char.decode(joined["video"].astype(bytes))
    return np.concatenate(images), joined


def read_crops(shards: list[Path], count: int, crop_scale: float, size_px: int) -> np.ndarray:
    """Read about `count` faces as the face classifier sees them: uint8 [B, S, S, 3]."""
    chosen, per_shard = choose_shards(shards, count)
    crops = [
        cut_from_record(record, box_px, crop_scale, size_px)
        for shard in chosen
        for record, box_px in _list_faces(shard, per_shard)
    ]
    return np.stack(crops) if crops else np.zeros((0, size_px, size_px, 3), np.uint8)


def _list_faces(shard: Path, count: int):
    """Give the first faces of a shard: their record and box [4] in px."""
    for number, record in enumerate(read_records([shard])):
        if number == count:
            return
        for box in record["boxes"]:
            yield record, box * np.array([record["width_px"], record["height_px"]] * 2)


def make_tables(found: dict, sources: dict, shards: list[Path]) -> tuple[pd.DataFrame, ...]:
    """Make tables of what was found in the frames of `read_frames`, and of what is there.

    Returns:
        Found faces and annotated ones, as `metrics.mean_average_precision` takes them.
    """
    names = set(sources["video"])
    truth = read_truth([shard for shard in shards if shard.stem in names])
    seen = pd.DataFrame({name: sources[name] for name in ("video", "frame")})
    return join_tables([batch_to_table(found, sources)]), truth.merge(seen)
