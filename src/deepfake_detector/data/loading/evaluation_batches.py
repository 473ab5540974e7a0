"""Batches of frames for evaluation, read from shards in order, unchanged but for their size.

Shapes: `B` images, `N` most faces in the batch (at least 1), `S` side of the input in px.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from deepfake_detector.data.frame_records import parse_record


def make_evaluation_batches(
    shards: list[Path], batch_size: int, size_px: int, wanted: np.ndarray | None = None
) -> tf.data.Dataset:
    """Make batches of the frames of the shards, once, in order, unchanged but for their size.

    Args:
        wanted: which of all their frames, bool; None: all.

    Returns:
        Pairs of images float32 [B, S, S, 3] and the frames as `parse_record` reads them: `boxes`
        [B, N, 4], `labels` [B, N], `video`, `frame`, `width_px`, `height_px`, each [B], and so on.
        The last batch may be smaller.
    """

    def resize(record):
        frame = parse_record(record)
        image = tf.io.decode_jpeg(frame["image"], channels=3, dct_method="INTEGER_FAST")
        return tf.image.resize(image, [size_px, size_px]), frame

    records = tf.data.TFRecordDataset([str(path) for path in shards])
    if wanted is not None:
        numbered = tf.data.Dataset.zip(records, tf.data.Dataset.from_tensor_slices(wanted))
        records = numbered.filter(lambda _, is_wanted: is_wanted).map(lambda record, _: record)
    frames = records.map(resize, num_parallel_calls=tf.data.AUTOTUNE)
    return _pad(frames, batch_size, size_px).prefetch(2)


def _pad(frames: tf.data.Dataset, batch_size: int, size_px: int) -> tf.data.Dataset:
    """Batch frames, faces padded with zeros to the most in the batch and at least one."""

    def add_one_row(image, faces):
        empty = tf.equal(tf.shape(faces["labels"])[0], 0)
        rows = tf.cast(empty, tf.int32)
        labels = tf.cast(faces["labels"], tf.int32)  # int64 is slow on some devices
        return image, faces | {
            "boxes": tf.pad(faces["boxes"], [[0, rows], [0, 0]]),
            "labels": tf.pad(labels, [[0, rows]]),
        }

    return frames.map(add_one_row).padded_batch(batch_size)
