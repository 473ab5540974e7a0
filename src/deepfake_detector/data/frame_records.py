"""Shards: the kept frames of one video as JPEG in a TFRecord file, with their faces.

A record is a `tf.train.Example` with the features `image` (JPEG), `boxes` (fractions, 4 a face),
`labels`, `crops` (JPEG, each face with its surroundings at the resolution it was filmed in),
`windows` (fractions, 4 a crop: what a crop shows), `landmarks` (float16 fractions of the crop, as
bytes, none where they are not known), `video`, `frame`, `width_px`, `height_px` (size of the
original frame). Written without TensorFlow, whose import takes each worker 8-20 s, always
to the same bytes. Beside a shard stands an index of its crops (`shard_index`). Shapes: `N` faces.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from deepfake_detector.common.files import replace_file
from deepfake_detector.data.shard_index import ShardIndex, make_index_path
from deepfake_detector.video.names import check_video_name

FORMAT_VERSION = 3
"""Raised when shards made before no longer fit."""

_HEADER_BYTES = 12  # before a record's content: its length and a checksum


@dataclass(frozen=True)
class FrameRecord:
    """One frame of a video: boxes [N, 4] in fractions, labels [N], size of the original frame.

    `crops` are N JPEG files, and `windows` [N, 4] say what part of the frame each shows.
    `landmarks` [N, 468, 2] are in fractions of the crop, NaN where a face has none; None: no face
    has any.
    """

    jpeg: bytes
    boxes: np.ndarray
    labels: np.ndarray
    crops: list[bytes]
    windows: np.ndarray
    video: str
    frame: int
    width_px: int
    height_px: int
    landmarks: np.ndarray | None = None


def make_shard_path(folder: Path, video: str) -> Path:
    """Give the path of a video's shard.

    Raises:
        ValueError: the name is not a plain file name.
    """
    check_video_name(video)
    return Path(folder) / f"{video}.tfrecord"


def write_shard(path: Path, records: Iterable[FrameRecord]) -> None:
    """Write records to a shard and the index of its crops; both appear when they are complete."""
    index = ShardIndex()
    with replace_file(path) as unfinished, replace_file(make_index_path(path)) as unfinished_index:
        with unfinished.open("wb") as file:
            for record in records:
                content, crops_end = _encode(record)
                index.video = record.video
                index.rows += _list_index_rows(record, file.tell() + _HEADER_BYTES + crops_end)
                file.write(_frame_content(content))
        index.write(unfinished_index)


def _list_index_rows(record: FrameRecord, crops_end: int) -> list[dict]:
    """List the index's rows of a record, whose crops end at this byte of the shard."""
    end, rows = crops_end, []
    landmarks = [decode_landmarks(points) for points in _encode_landmarks(record)]
    unknown = np.full((468, 2), np.nan, np.float16)
    for number, jpeg in reversed(list(enumerate(record.crops))):
        points = landmarks[number]
        row = {
            "position": end - len(jpeg),
            "length": len(jpeg),
            "box": record.boxes[number],
            "window": record.windows[number],
            "label": record.labels[number],
            "frame": record.frame,
            "size_px": (record.width_px, record.height_px),
            "landmarks": unknown if points is None else points,
        }
        rows.append(row)
        end -= len(_field(1, jpeg))
    return rows[::-1]


def parse_record(serialized):
    """Parse one record, inside `tf.data`.

    Returns:
        Tensors by name: `image` JPEG string, `boxes` float32 [N, 4], `labels` int64 [N], `crops`
        JPEG strings [N], `windows` float32 [N, 4], `landmarks` strings [N] for `decode_landmarks`,
        `video` string, `frame`, `width_px`, `height_px` int64.
    """
    import tensorflow as tf

    def many(kind):
        return tf.io.FixedLenSequenceFeature([], kind, allow_missing=True)

    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "boxes": many(tf.float32),
        "labels": many(tf.int64),
        "crops": many(tf.string),
        "landmarks": many(tf.string),
        "windows": many(tf.float32),
        "video": tf.io.FixedLenFeature([], tf.string),
        "frame": tf.io.FixedLenFeature([], tf.int64),
        "width_px": tf.io.FixedLenFeature([], tf.int64),
        "height_px": tf.io.FixedLenFeature([], tf.int64),
    }
    record = tf.io.parse_single_example(serialized, features)
    corners = {name: tf.reshape(record[name], [-1, 4]) for name in ("boxes", "windows")}  # [N, 4]
    return record | corners


def read_records(shards: list[Path]) -> Iterator[dict]:
    """Read the records of shards in order: NumPy values by the names of `parse_record`."""
    import tensorflow as tf

    paths = [str(path) for path in shards]
    return tf.data.TFRecordDataset(paths).map(parse_record).prefetch(4).as_numpy_iterator()


def decode_landmarks(content: bytes) -> np.ndarray | None:
    """Read the landmarks of a face: float16 [468, 2] in fractions of its crop, or None."""
    return np.frombuffer(content, "<f2").reshape(-1, 2) if content else None


def _encode_landmarks(record: FrameRecord) -> list[bytes]:
    if record.landmarks is None:
        return [b""] * len(record.crops)
    return [
        b"" if np.isnan(points).any() else np.asarray(points, "<f2").tobytes()
        for points in record.landmarks
    ]


def _encode(record: FrameRecord) -> tuple[bytes, int]:
    """Encode a `tf.train.Example` (tensorflow/core/example/feature.proto).

    Returns:
        Its bytes, and where in them the last crop ends.
    """
    features = {
        "boxes": _floats(record.boxes),
        "crops": _strings(record.crops),
        "frame": _integers(record.frame),
        "height_px": _integers(record.height_px),
        "image": _strings([record.jpeg]),
        "labels": _integers(*record.labels),
        "landmarks": _strings(_encode_landmarks(record)),
        "video": _strings([record.video.encode()]),
        "width_px": _integers(record.width_px),
        "windows": _floats(record.windows),
    }
    entries = {
        name: _field(1, _field(1, name.encode()) + _field(2, feature))
        for name, feature in features.items()
    }
    content = _field(1, b"".join(entries.values()))
    after = list(entries)[list(entries).index("crops") + 1 :]  # a field's content is its end
    return content, len(content) - sum(len(entries[name]) for name in after)


def _strings(strings: list[bytes]) -> bytes:
    return _field(1, b"".join(_field(1, string) for string in strings))


def _floats(numbers: np.ndarray) -> bytes:
    return _field(2, _field(1, np.asarray(numbers, "<f4").tobytes()))


def _integers(*numbers: int) -> bytes:
    return _field(3, _field(1, b"".join(_varint(int(number)) for number in numbers)))


def _field(number: int, content: bytes) -> bytes:
    """Encode a length-delimited field of a protocol buffer."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Encode a number, 0 or more, in 7 bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(encoded) + bytes([number])


def _frame_content(content: bytes) -> bytes:
    """Put length and checksums around a record (tensorflow/core/lib/io/record_writer.h)."""
    length = struct.pack("<Q", len(content))
    return length + _masked_checksum(length) + content + _masked_checksum(content)


def _masked_checksum(content: bytes) -> bytes:
    checksum = google_crc32c.value(content)
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)
