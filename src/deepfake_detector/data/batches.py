"""Batches of frames for training and evaluation, read from shards.

Training reads all its shards in turn, for ever, so an epoch is a number of steps and memory does
not grow with the data set. Everything follows from the seed, so that a resumed training goes on
with the very batches it would have had. Shapes: `B` images, `N` most faces in the batch (at least
1), `S` side of the input in px.
"""

from pathlib import Path

import tensorflow as tf

from deepfake_detector.data.augmentation import vary_colours, vary_frame
from deepfake_detector.data.records import parse_record
from deepfake_detector.params import AugmentationParams

_SHARDS_OPEN = 32
_FRAMES_SHUFFLED = 1024


def make_training_batches(
    shards: list[Path],
    batch_size: int,
    size_px: int,
    most_faces: int,
    params: AugmentationParams,
    seed: int,
    skipped_batches: int = 0,
) -> tf.data.Dataset:
    """Make endless batches of augmented frames.

    Args:
        shards: TFRecord files, one a video.
        most_faces: faces of a frame past this number are left out.
        skipped_batches: batches of the stream that are left out, for a training that goes on.

    Returns:
        Pairs of images float32 [B, S, S, 3] in 0-255 and `{"boxes": [B, N, 4], "labels": [B, N]}`,
        padded with zeros.
    """

    def vary(number, record):
        frame = parse_record(record)
        image = tf.io.decode_jpeg(frame["image"], channels=3, dct_method="INTEGER_FAST")
        image, boxes, labels = vary_frame(
            image,
            frame["boxes"][:most_faces],
            frame["labels"][:most_faces],
            tf.stack([tf.cast(seed, tf.int64), number]),
            size_px,
            params,
        )
        return image, {"boxes": boxes, "labels": labels}

    def vary_batch(number, batch):
        images, faces = batch
        seed_pair = tf.stack([tf.cast(seed + 1, tf.int64), number])
        return vary_colours(images, seed_pair, params), faces

    records = _read_endlessly(shards, seed).skip(skipped_batches * batch_size)
    frames = records.enumerate(start=skipped_batches * batch_size)
    frames = frames.map(vary, num_parallel_calls=tf.data.AUTOTUNE)
    batches = _pad(frames, batch_size, size_px).enumerate(start=skipped_batches)
    batches = batches.map(vary_batch, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(2)


def make_evaluation_batches(shards: list[Path], batch_size: int, size_px: int) -> tf.data.Dataset:
    """Make batches of all frames of the shards, once, in order, unchanged but for their size.

    Returns:
        Pairs of images float32 [B, S, S, 3] and faces: `boxes` [B, N, 4], `labels` [B, N], and
        `video`, `frame`, `width_px`, `height_px`, each [B]. The last batch may be smaller.
    """

    def resize(record):
        frame = parse_record(record)
        image = tf.io.decode_jpeg(frame.pop("image"), channels=3, dct_method="INTEGER_FAST")
        return tf.image.resize(image, [size_px, size_px]), frame

    records = tf.data.TFRecordDataset([str(path) for path in shards])
    frames = records.map(resize, num_parallel_calls=tf.data.AUTOTUNE)
    return _pad(frames, batch_size, size_px).prefetch(2)


def _read_endlessly(shards: list[Path], seed: int) -> tf.data.Dataset:
    paths = tf.data.Dataset.from_tensor_slices([str(path) for path in shards])
    paths = paths.shuffle(len(shards), seed=seed).repeat()
    records = paths.interleave(
        tf.data.TFRecordDataset,
        cycle_length=min(len(shards), _SHARDS_OPEN),
        num_parallel_calls=1,
        deterministic=True,
    )
    return records.shuffle(_FRAMES_SHUFFLED, seed=seed)


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
