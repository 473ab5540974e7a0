import dataclasses

import numpy as np
import pytest

from deepfake_detector.data.frame_records import (
    FrameRecord,
    decode_landmarks,
    make_shard_path,
    parse_record,
    write_shard,
)

LEFT_HALF = [0.0, 0.0, 0.5, 1.0]
TOP_HALF = [0.0, 0.0, 1.0, 0.5]


def make_record(frame=7, boxes=(LEFT_HALF, TOP_HALF), labels=(1, 2)):
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    crops = [b"crop" * number for number in range(1, len(boxes) + 1)]
    windows = np.clip(boxes * 2, 0, 1)
    return FrameRecord(
        b"jpeg" * 50_000, boxes, np.array(labels), crops, windows, "clip é.mp4", frame, 1920, 300
    )


@pytest.fixture(scope="module")
def tensorflow():
    return pytest.importorskip("tensorflow")


def read_shard(tensorflow, path):
    return list(tensorflow.data.TFRecordDataset(str(path)).map(parse_record))


def test_records_come_back_as_they_were_written(tmp_path, tensorflow):
    path = make_shard_path(tmp_path, "clip é.mp4")
    write_shard(path, [make_record(frame=0), make_record(frame=300)])
    first, second = read_shard(tensorflow, path)
    assert first["image"].numpy() == b"jpeg" * 50_000
    assert first["boxes"].numpy().tolist() == [LEFT_HALF, TOP_HALF]
    assert first["labels"].numpy().tolist() == [1, 2]
    assert first["crops"].numpy().tolist() == [b"crop", b"cropcrop"]
    assert first["windows"].numpy().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert first["video"].numpy().decode() == "clip é.mp4"
    assert (int(first["width_px"]), int(first["height_px"])) == (1920, 300)
    assert (int(first["frame"]), int(second["frame"])) == (0, 300)


def test_frame_without_faces_has_no_boxes(tmp_path, tensorflow):
    write_shard(tmp_path / "clip.tfrecord", [make_record(boxes=(), labels=())])
    (record,) = read_shard(tensorflow, tmp_path / "clip.tfrecord")
    assert record["boxes"].shape == (0, 4)
    assert record["labels"].shape == (0,)
    assert record["crops"].shape == (0,)
    assert record["windows"].shape == (0, 4)
    assert record["landmarks"].shape == (0,)


def test_landmarks_come_back_in_half_precision_and_only_where_they_are_known(tmp_path, tensorflow):
    points = np.full((2, 468, 2), 0.25)
    points[0, 0] = [-0.125, 1.5]  # beyond the crop
    points[1] = np.nan
    record = dataclasses.replace(make_record(), landmarks=points)
    write_shard(tmp_path / "clip.tfrecord", [record])
    (read,) = read_shard(tensorflow, tmp_path / "clip.tfrecord")
    known, unknown = [decode_landmarks(content) for content in read["landmarks"].numpy()]
    assert known.dtype == np.float16
    assert np.array_equal(known, points[0])
    assert unknown is None


def test_a_record_made_without_landmarks_has_none_for_each_face(tmp_path, tensorflow):
    write_shard(tmp_path / "clip.tfrecord", [make_record()])
    (record,) = read_shard(tensorflow, tmp_path / "clip.tfrecord")
    assert record["landmarks"].numpy().tolist() == [b"", b""]


def test_tensorflow_writes_an_equal_message(tmp_path, tensorflow):
    write_shard(tmp_path / "clip.tfrecord", [make_record()])
    (serialized,) = tensorflow.data.TFRecordDataset(str(tmp_path / "clip.tfrecord"))
    example = tensorflow.train.Example.FromString(serialized.numpy())
    assert example.SerializeToString(deterministic=True) == serialized.numpy()


def test_shard_appears_only_when_complete(tmp_path):
    def broken():
        yield make_record()
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        write_shard(tmp_path / "clip.tfrecord", broken())
    assert list(tmp_path.iterdir()) == []


def test_shard_of_an_unsafe_name_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="unsafe video name"):
        make_shard_path(tmp_path, "../clip.mp4")
