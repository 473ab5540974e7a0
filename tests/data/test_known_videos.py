import json

import numpy as np
import pytest

from deepfake_detector.data.known_videos import (
    FrameHasher,
    KnownVideo,
    TrainingVideos,
    find_known,
    from_hex,
    read_training_videos,
    to_hex,
)
from deepfake_detector.video.perceptual_hash import hash_frame

TRAINING = TrainingVideos(
    {"a" * 64: "ann.mp4"}, {"ann.mp4": [0b0, 0b1 << 40], "bob.mp4": [2**64 - 1]}
)


def never():
    raise AssertionError


def test_the_same_file_is_known_by_its_hash_alone():
    known = find_known(TRAINING, "a" * 64, never)
    assert known == KnownVideo("ann.mp4", True)
    assert str(known) == "is the same file as ann.mp4, which the released model learned from"


def test_a_copy_is_known_by_its_frames():
    near = [0b111111, 0xFFFF << 20]  # six bits from ann's first; sixteen from any
    assert find_known(TRAINING, "b" * 64, lambda: near) == KnownVideo("ann.mp4", False)
    far = [0b1111111, 0xFFFF << 20]
    assert find_known(TRAINING, "b" * 64, lambda: far) is None


def test_a_video_without_contrast_is_like_no_other():
    assert find_known(TRAINING, "b" * 64, list) is None


def test_a_record_without_frame_hashes_knows_files_alone(tmp_path):
    (tmp_path / "training_record.json").write_text(json.dumps({"train_videos": {"a.mp4": "1"}}))
    training = read_training_videos(tmp_path)
    assert find_known(training, "2", never) is None
    assert find_known(training, "1", never).name == "a.mp4"


def test_frame_hashes_come_back_from_the_record(tmp_path):
    record = {"train_videos": {}, "train_frame_hashes": {"a.mp4": to_hex([5, 2**63])}}
    (tmp_path / "training_record.json").write_text(json.dumps(record))
    assert read_training_videos(tmp_path).frame_hashes == {"a.mp4": [5, 2**63]}
    assert from_hex(to_hex([0, 2**64 - 1])) == [0, 2**64 - 1]


def test_a_folder_without_a_record_says_nothing_and_a_damaged_one_is_named(tmp_path):
    assert read_training_videos(tmp_path) is None
    for content in (
        "{",
        "[]",
        '{"train_videos": []}',
        '{"train_videos": {}, "train_frame_hashes": {"a": ["x"]}}',
    ):
        (tmp_path / "training_record.json").write_text(content)
        with pytest.raises(ValueError, match=r"record\.json: no training record; run `dvc pull"):
            read_training_videos(tmp_path)


def test_frames_that_are_read_anyway_are_hashed_evenly():
    images = np.random.default_rng(1).integers(0, 255, (80, 40, 40, 3), np.uint8)
    hasher = FrameHasher(80)
    for number in range(0, 80, 3):
        hasher.add(number, images[number])
    expected = [6, 15, 27, 36, 45, 57, 66, 75]  # the first read from 5, 15, 25, ... on
    assert hasher.hashes == [hash_frame(images[number]) for number in expected]


def test_frames_without_contrast_are_not_hashed():
    hasher = FrameHasher(8)
    for number in range(8):
        hasher.add(number, np.zeros((40, 40, 3), np.uint8))
    assert hasher.hashes == []
