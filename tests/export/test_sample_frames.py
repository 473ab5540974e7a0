from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.export.sample_frames import (
    choose_shards,
    make_tables,
    read_crops,
    read_frames,
)

LEFT_HALF = np.float32([[0, 0, 0.5, 1]])
SHARDS = [Path(str(number)) for number in range(10)]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Two videos: three frames of 20 x 10 px with one real face, two without a face."""
    folder = tmp_path_factory.mktemp("shards")
    jpeg = cv2.imencode(".jpg", np.full((10, 20, 3), 90, np.uint8))[1].tobytes()
    empty, whole = np.zeros((0, 4), np.float32), np.float32([[0, 0, 1, 1]])
    faces = [
        FrameRecord(jpeg, LEFT_HALF, np.array([1]), [jpeg], whole, "a.mp4", frame, 20, 10)
        for frame in range(3)
    ]
    none = [
        FrameRecord(jpeg, empty, np.zeros(0, int), [], empty, "b.mp4", frame, 20, 10)
        for frame in range(2)
    ]
    paths = [folder / "a.mp4.tfrecord", folder / "b.mp4.tfrecord"]
    for path, records in zip(paths, (faces, none), strict=True):
        write_shard(path, records)
    return paths


def test_frames_come_from_as_many_videos_as_can_be():
    assert choose_shards(SHARDS, 20) == (SHARDS, 2)
    assert choose_shards(SHARDS, 25) == (SHARDS, 3)
    assert choose_shards(SHARDS, 5) == (SHARDS[::2], 1)
    assert choose_shards(SHARDS, 1) == (SHARDS[:1], 1)


def test_no_videos_are_told():
    with pytest.raises(ValueError, match="no video with frames"):
        choose_shards([], 5)


def test_frames_are_the_first_ones_of_each_video_with_their_origin(shards):
    images, sources = read_frames(shards, 4, 6)
    assert images.shape == (4, 6, 6, 3)
    assert images == pytest.approx(90, abs=2)
    assert sources["video"].tolist() == ["a.mp4", "a.mp4", "b.mp4", "b.mp4"]
    assert sources["frame"].tolist() == [0, 1, 0, 1]
    assert sources["width_px"].tolist() == [20] * 4


def test_tables_hold_what_was_found_and_what_is_there(shards):
    _, sources = read_frames(shards, 2, 6)
    boxes, scores = np.zeros((2, 3, 4)), np.zeros((2, 3, 2))
    boxes[0, 0], scores[0, 0] = LEFT_HALF, [0.9, 0.1]
    found, truth = make_tables({"boxes": boxes, "scores": scores}, sources, shards)
    assert found[["video", "frame", "right", "bottom"]].to_numpy().tolist() == [
        ["a.mp4", 0, 10, 10]
    ]
    assert truth[["video", "frame", "label"]].to_numpy().tolist() == [
        ["a.mp4", 0, "real"],
        ["b.mp4", 0, ""],
    ]


def test_crops_are_the_annotated_faces(shards):
    assert read_crops(shards, 4, 1.0, 8).shape == (2, 8, 8, 3)
    assert read_crops(shards[1:], 4, 1.0, 8).shape == (0, 8, 8, 3)
