"""The crops of faces in shards, read one at a time and in any order, without TensorFlow.

Where a crop lies in its file stands in the index beside the shard (`data/shard_index`). Only that
and its landmarks, 2 KB a face, are kept in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.data.shard_index import read_index
from deepfake_detector.faces.crops import cut_face, cut_window, make_window, resize
from deepfake_detector.video.images import decode_image


@dataclass(frozen=True)
class Crop:
    """Where the crop of an annotated face lies, and what it shows.

    `box` [4] is the face's in fractions of the crop, `frame_box` [4] in fractions of the frame;
    `landmarks` float16 [468, 2] are in fractions of the crop, None where they are not known;
    `aspect` is the crop's width over its height.
    """

    path: Path
    position: int
    length: int
    box: np.ndarray
    frame_box: np.ndarray
    label: int
    video: str
    frame: int
    landmarks: np.ndarray | None
    aspect: float


def list_crops(shards: list[Path]) -> list[Crop]:
    """List the crops of all faces in shards, in their order.

    Raises:
        ValueError: a shard has no index beside it.
    """
    return [crop for path in shards for crop in _list_shard(path)]


def _list_shard(path: Path) -> Iterator[Crop]:
    index = read_index(path)
    for row in index.rows:
        box, window, landmarks = row["box"], row["window"], row["landmarks"]
        size = window[2:] - window[:2]
        width_px, height_px = (int(side) for side in row["size_px"])
        yield Crop(
            path,
            int(row["position"]),
            int(row["length"]),
            box=(box - np.tile(window[:2], 2)) / np.tile(size, 2),
            frame_box=box,
            label=int(row["label"]),
            video=index.video,
            frame=int(row["frame"]),
            landmarks=None if np.isnan(landmarks[0, 0]) else landmarks,
            aspect=float(size[0] * width_px / (size[1] * height_px)),
        )


def read_crop(crop: Crop) -> np.ndarray:
    """Read the picture of a crop, uint8 RGB [height, width, 3]."""
    with crop.path.open("rb") as file:
        file.seek(crop.position)
        jpeg = file.read(crop.length)
    return decode_image(jpeg)


def read_face(crop: Crop, crop_scale: float, size_px: int) -> np.ndarray:
    """Read a face as a face classifier sees it: [size, size, 3], as `cut_face` cuts it."""
    picture = read_crop(crop)
    return cut_face(picture, find_box_px(crop, picture), crop_scale, size_px)


def find_box_px(crop: Crop, picture: np.ndarray) -> np.ndarray:
    """Give the face's box [4] in px of the crop's picture."""
    height, width = picture.shape[:2]
    return crop.box * [width, height, width, height]


def find_landmarks_px(crop: Crop, picture: np.ndarray) -> np.ndarray | None:
    """Give the face's landmarks float64 [468, 2] in px of the crop's picture; None: not known."""
    if crop.landmarks is None:
        return None
    height, width = picture.shape[:2]
    return crop.landmarks.astype(float) * [width, height]


def cut_from_record(
    record: dict, box_px: np.ndarray, crop_scale: float, size_px: int
) -> np.ndarray:
    """Cut a face out of a record: of the crop that shows all of it, else of the shrunk frame.

    Args:
        record: of `read_records`.
        box_px: [4], in px of the original frame.

    Returns:
        [size, size, 3], as `cut_face` would of the original frame but for what shrinking took.
    """
    frame_px = np.array([record["width_px"], record["height_px"]] * 2, float)
    window = make_window(box_px, crop_scale)
    inside = np.clip(window, 0, frame_px)
    jpeg, part_px = record["image"], np.concatenate([np.zeros(2), frame_px[:2]])
    for crop, part in zip(record["crops"], record["windows"] * frame_px, strict=True):
        if np.all(part[:2] <= inside[:2] + 1) and np.all(part[2:] >= inside[2:] - 1):
            jpeg, part_px = crop, part
            break
    picture = decode_image(jpeg)
    scale_jitter = picture.shape[1] / (part_px[2] - part_px[0])
    window_px = (window - np.tile(part_px[:2], 2)) * scale_jitter
    return resize(cut_window(picture, window_px, size_px), size_px)
