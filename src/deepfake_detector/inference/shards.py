"""Faces in the frames of shards, and what is annotated in them.

Shapes: `B` frames of a batch, `S` side of the SSD's input.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import label_to_name
from deepfake_detector.data.frame_records import read_records
from deepfake_detector.data.loading.crop_index import cut_from_record
from deepfake_detector.inference.detector import (
    Detector,
    outputs_to_boxes,
    scale_to_px,
)
from deepfake_detector.inference.score_fusion import fuse_scores


def predict_shards(detector: Detector, shards: list[Path], batch_size: int = 16) -> pd.DataFrame:
    """Detect and classify the faces in all frames of shards.

    Returns:
        `video, frame`, `FACE_COLUMNS` and `score_fusion.FAKE_SCORE_COLUMNS`, one row for each
        face; px of the original frame.
    """
    from tqdm import tqdm

    from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches

    tables = []
    with tqdm(desc="predict", unit=" images") as progress:
        for images, frames in make_evaluation_batches(shards, batch_size, detector.image_size_px):
            tables.append(detect_in_batch(detector, images, split_batch(frames)))
            progress.update(len(images))
    return join_tables(tables)


def detect_in_batch(detector: Detector, images, records: list[dict]) -> pd.DataFrame:
    """Detect and classify the faces in the frames of records.

    Args:
        images: the frames as the SSD sees them [B, S, S, 3].
        records: what each was made of, as `read_records` gives them.
    """
    boxes = scale_to_px(detector.detect(images), [_get_size_px(record) for record in records])
    classified = detector.choose_classified(boxes)
    crops = crop_faces_from_records(records, classified, *detector.crop_shape)
    logits = pd.Series(detector.classify(crops), classified.index)
    faces = fuse_scores(boxes, logits, detector.fusion_weight)
    return _name_frames(faces, {name: [r[name] for r in records] for name in ("video", "frame")})


def crop_faces_from_records(
    records: list[dict], boxes: pd.DataFrame, scale: float, size_px: int
) -> list[np.ndarray]:
    """Cut faces as `detector.crop_faces` does, out of the crops that records hold."""
    places = zip(boxes["image"], boxes[BOX].to_numpy(), strict=True)
    return [cut_from_record(records[number], box, scale, size_px) for number, box in places]


def split_batch(frames: dict) -> list[dict]:
    """Turn what `make_evaluation_batches` gives beside images, each [B, ...], into B records.

    The rows that pad the faces of a frame to the most in the batch are left out.
    """
    columns = {name: np.asarray(values) for name, values in frames.items()}
    records = []
    for number, crops in enumerate(columns["crops"]):
        record = {name: values[number] for name, values in columns.items()}
        faces = sum(1 for crop in crops if crop)
        kept = {name: record[name][:faces] for name in ("crops", "windows")}
        records.append(record | kept)
    return records


def batch_to_table(outputs, frames: dict) -> pd.DataFrame:
    """Turn the SSD's outputs for an evaluation batch into a table.

    Args:
        outputs: `{"boxes": [B, most, 4], "scores": [B, most, 2]}`.
        frames: `video`, `frame`, `width_px`, `height_px`, each [B].

    Returns:
        `video, frame` and `FACE_COLUMNS`, one row for each face; px of the original frame.
    """
    sizes_px = np.stack([frames["width_px"], frames["height_px"]], axis=1)  # [B, 2]
    return _name_frames(scale_to_px(outputs_to_boxes(outputs), sizes_px), frames)


def _name_frames(faces: pd.DataFrame, frames: dict) -> pd.DataFrame:
    """Put `video` and `frame` in place of the number of the image in a batch."""
    image = faces["image"].to_numpy()
    named = faces.drop(columns="image")
    named.insert(0, "video", np.asarray(frames["video"]).astype(str)[image])
    named.insert(1, "frame", np.asarray(frames["frame"])[image])
    return named


def read_truth(shards: list[Path]) -> pd.DataFrame:
    """Read the annotated faces of all frames of shards.

    Returns:
        `video, frame, left, top, right, bottom, label`, px of the original frame. A frame without
        a face is one row with an empty label and NaN for its box.
    """
    rows = [row for record in read_records(shards) for row in _record_to_rows(record)]
    return pd.DataFrame(rows, columns=["video", "frame", *BOX, "label"])


def _record_to_rows(record):
    video, frame = record["video"].decode(), int(record["frame"])
    boxes = record["boxes"] * np.array(_get_size_px(record) * 2)
    labels = record["labels"]
    if len(labels) == 0:
        yield (video, frame, *[np.nan] * 4, "")
    for box, label in zip(boxes, labels, strict=True):
        yield (video, frame, *box, label_to_name(int(label)))


def _get_size_px(record) -> tuple[int, int]:
    return int(record["width_px"]), int(record["height_px"])


def join_tables(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of batches; a table without rows where nothing was detected."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
