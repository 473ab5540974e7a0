"""What can be said of a video without looking at a face: numbers that must not tell the label.

A row is a video together with one label of its faces (a video may hold both).
Shapes: `U` rows, `F` features of one cue, `H`, `W` px of a kept frame.
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS, FAKE
from deepfake_detector.data.frame_records import make_shard_path, parse_record
from deepfake_detector.video.images import decode_image

FRAMES_A_VIDEO = 8
"""Kept frames of which the background is analyzed; more of one video are nearly the same."""

THUMBNAIL_PX = 6
MASK_MARGIN = 0.5
"""A face is masked with this share of its box around it: hair, neck and the seam go, too."""


def list_shortcut_features(
    videos: pd.DataFrame, annotations: pd.DataFrame, folder: Path
) -> pd.DataFrame:
    """List everything but the background.

    Args:
        videos: `video, source, width_px, height_px, fps, frames, codec`.
        annotations: `video, frame, left, top, right, bottom, label`, px.
        folder: of the video files.

    Returns:
        [U] rows: `video, source, is_fake` and the features, named `feature.feature`.
    """
    faces = annotations.merge(videos[["video", "width_px", "height_px"]], on="video")
    rows = _describe_faces(faces[faces["label"].isin(FACE_LABELS)])
    files = [folder / video for video in videos["video"]]
    about = videos.assign(
        bytes=[file.stat().st_size for file in files], container=[file.suffix for file in files]
    )
    return rows.merge(_describe_files(about), on="video")


def _describe_faces(faces: pd.DataFrame) -> pd.DataFrame:
    """Describe where the faces of a video and label are, and how large, on average."""
    width = (faces["right"] - faces["left"]).clip(lower=1)
    height = (faces["bottom"] - faces["top"]).clip(lower=1)
    table = faces[["video"]].assign(
        is_fake=faces["label"] == FACE_LABELS[FAKE - 1],
        **{
            "face position.across": (faces["left"] + faces["right"]) / 2 / faces["width_px"],
            "face position.down": (faces["top"] + faces["bottom"]) / 2 / faces["height_px"],
            "face size.width": np.log(width),
            "face size.height": np.log(height),
            "face size.share": np.log(width * height / faces["width_px"] / faces["height_px"]),
        },
    )
    return table.groupby(["video", "is_fake"], as_index=False).mean()


def _describe_files(about: pd.DataFrame) -> pd.DataFrame:
    pixels = about["width_px"] * about["height_px"]
    table = about[["video", "source"]].assign(
        **{
            "file size.bytes": np.log(about["bytes"]),
            "file size.bytes a second": np.log(about["bytes"] / about["frames"] * about["fps"]),
            "file size.bytes a pixel": np.log(about["bytes"] / about["frames"] / pixels),
            "frame rate.per second": about["fps"],
            "resolution.pixels": np.log(pixels),
            "resolution.shape": np.log(about["width_px"] / about["height_px"]),
            "length.frames": np.log(about["frames"]),
            "length.seconds": np.log(about["frames"] / about["fps"].clip(lower=1)),
        }
    )
    return table.join(
        [
            _list_kinds("codec", about["codec"]),
            _list_kinds("codec", about["container"]),
            _list_kinds("frame rate", about["fps"].round(2)),
        ]
    )


def _list_kinds(feature: str, values: pd.Series) -> pd.DataFrame:
    """Make a feature of each value there is: 1 where a video has it."""
    return pd.get_dummies(values, prefix=feature, prefix_sep=".", dtype=float)


def list_backgrounds(videos: pd.DataFrame, shards: Path) -> pd.DataFrame:
    """List what is left of the frames without their faces: `video` and the features.

    Args:
        videos: `video, frames`; those without a kept frame are left out.
    """
    rows = [
        (row.video, *_describe_shard(make_shard_path(shards, row.video), row.frames))
        for row in videos[videos["frames"] > 0].itertuples()
    ]
    colors = [f"background colours.{number}" for number in range(3 * THUMBNAIL_PX**2)]
    grain = [f"background grain.{name}" for name in ("sharpness", "noise", "contrast")]
    return pd.DataFrame(rows, columns=["video", *colors, *grain])


def _describe_shard(shard: Path, frames: int) -> np.ndarray:
    """Average the descriptions of a few of a shard's frames [F]."""
    import tensorflow as tf

    chosen = set(np.linspace(0, frames - 1, FRAMES_A_VIDEO).round().astype(int).tolist())
    described = []
    for number, content in enumerate(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()):
        if number in chosen:
            record = parse_record(content)
            image = decode_image(record["image"].numpy())
            described.append(describe_background(image, record["boxes"].numpy()))
    return np.mean(described, axis=0)


def describe_background(picture: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Describe a picture, uint8 RGB [H, W, 3], without the faces in its boxes [N, 4] (0-1).

    Returns:
        [F]: the pixels of a thumbnail, then sharpness, noise and contrast of what is no face.
    """
    is_shown = ~_mask_faces(picture.shape[:2], boxes)
    if not is_shown.any():
        is_shown[:] = True
        picture = np.zeros_like(picture)  # a face fills the frame: there is no background
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shown = np.where(is_shown[..., None], picture, picture[is_shown].mean(axis=0))
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    thumbnail = cv2.resize(shown.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    edges = np.abs(cv2.Laplacian(gray, cv2.CV_32F)[is_shown])
    grain = [edges.mean(), np.median(edges), gray[is_shown].std()]
    return np.concatenate([thumbnail.reshape(-1) / 255, np.log1p(grain)])


def _mask_faces(shape: tuple[int, int], boxes: np.ndarray) -> np.ndarray:
    """Tell which pixels [H, W] belong to faces or lie close around them."""
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        across, down = MASK_MARGIN * (right - left), MASK_MARGIN * (bottom - top)
        corners = np.array([top - down, bottom + down, left - across, right + across])
        edges = np.clip(corners, 0, 1) * np.repeat(shape, 2)
        first_row, last_row, first, last = np.round(edges).astype(int)
        mask[first_row:last_row, first:last] = True
    return mask
