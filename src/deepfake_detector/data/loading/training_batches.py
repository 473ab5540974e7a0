"""Batches of augmented frames for training, read from shards.

All shards are read in turn, for ever, so an epoch is a number of steps and memory does not grow
with the data set. Everything follows from the seed, so that a resumed training goes on with the
very batches it would have had. Shapes: `B` images, `N` most faces in the batch (at least 1), `S`
side of the input in px.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from deepfake_detector.augmentation.frames import augment_frame
from deepfake_detector.augmentation.frames_2020 import augment_frame_2020
from deepfake_detector.config.schema import AugmentationParams
from deepfake_detector.video.images import decode_image


@dataclass(frozen=True)
class Share:
    """Of a batch cut into `n_parts` equal parts, those of these numbers."""

    parts: range
    n_parts: int


WHOLE = Share(range(1), 1)

_SHARDS_OPEN = 32
_FRAMES_SHUFFLED = 1024


def make_training_batches(
    shards: list[Path],
    batch_size: int,
    size_px: int,
    max_faces: int,
    params: AugmentationParams,
    seed: int,
    skipped_batches: int = 0,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Make endless batches of augmented frames.

    Args:
        shards: TFRecord files, one a video.
        max_faces: faces of a frame past this number are left out.
        skipped_batches: batches of the stream that are left out, for a training that goes on.
        share: the parts of each batch that are made, one after the other. An image is the same in
            whichever part it is.

    Returns:
        Pairs of images float32 [B, S, S, 3] in 0-255 and `{"boxes": [B, N, 4], "labels": [B, N]}`,
        padded with zeros; `B` is `batch_size` over the number of parts.
    """
    part_size = batch_size // share.n_parts

    def vary_one(number, jpeg, boxes, labels):
        generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, number]))
        faces = min(np.count_nonzero(labels), max_faces)
        frame = (decode_image(jpeg), boxes[:faces], labels[:faces], generator, size_px)
        if params.name == "ssd_2020":
            return augment_frame_2020(*frame)
        return augment_frame(*frame, params)

    def vary_all(number, *frames):
        images = np.empty((part_size, size_px, size_px, 3), np.uint8)
        faces = []
        for row, frame in enumerate(zip(*frames, strict=True)):
            images[row], *found = vary_one(number * part_size + row, *frame)
            faces.append(found)
        return images, *_pad_faces(*zip(*faces, strict=True))

    def vary(number, records):
        kinds = [tf.uint8, tf.float32, tf.int32]
        images, boxes, labels = tf.numpy_function(
            vary_all, [number, *_parse_faces(records)], kinds, stateful=False
        )
        images.set_shape([part_size, size_px, size_px, 3])
        boxes.set_shape([part_size, None, 4])
        labels.set_shape([part_size, None])
        return tf.cast(images, tf.float32), {"boxes": boxes, "labels": labels}

    cv2.setNumThreads(1)  # there are as many batches at work as there are cores
    records = _read_endlessly(shards, seed).skip(skipped_batches * batch_size)
    parts = records.batch(part_size).enumerate(start=skipped_batches * share.n_parts)
    if share != WHOLE:
        parts = parts.filter(lambda number, _: _is_in(number % share.n_parts, share.parts))
    return parts.map(vary, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _is_in(number, numbers: range):
    return (number >= numbers.start) & (number < numbers.stop)


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


def _parse_faces(records):
    """Parse what training needs of a batch of records, inside `tf.data`.

    Returns:
        JPEG strings [B], boxes float32 [B, N, 4] and labels int64 [B, N], padded with zeros; `N`
        may be 0.
    """
    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "boxes": tf.io.FixedLenSequenceFeature([4], tf.float32, allow_missing=True),
        "labels": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
    }
    content = tf.io.parse_example(records, features)
    return content["image"], content["boxes"], content["labels"]


def _pad_faces(boxes, labels) -> tuple[np.ndarray, np.ndarray]:
    """Stack the faces of B images, padded with zeros to the most and at least one."""
    most = max(1, *(len(row) for row in labels))
    padded_boxes = np.zeros((len(boxes), most, 4), np.float32)
    padded_labels = np.zeros((len(labels), most), np.int32)
    for number, (image_boxes, image_labels) in enumerate(zip(boxes, labels, strict=True)):
        padded_boxes[number, : len(image_boxes)] = image_boxes
        padded_labels[number, : len(image_labels)] = image_labels
    return padded_boxes, padded_labels
