import json

import numpy as np
import pandas as pd
import pytest

from clips import write_clip
from deepfake_detector.common.files import hash_file
from deepfake_detector.data import known_data
from deepfake_detector.data.known_data import find_known_in_data, known_to_text
from deepfake_detector.data.known_videos import KnownVideo, to_hex
from deepfake_detector.video.perceptual_hash import hash_video


def make_frames(seed):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (8, 6, 8, 3), np.uint8)
    return [np.kron(frame, np.ones((16, 16, 1), np.uint8)) for frame in coarse]


@pytest.fixture
def data(tmp_path):
    """A trained clip as it is, a smaller copy of it, and another; and a record of the training."""
    frames = make_frames(1)
    write_clip(tmp_path / "same.mp4", frames)
    write_clip(tmp_path / "copy.mp4", [frame[::2, ::2].copy() for frame in frames])
    write_clip(tmp_path / "other.mp4", make_frames(2))
    names = ["same.mp4", "copy.mp4", "other.mp4"]
    videos = pd.DataFrame({"video": names, "sha256": [hash_file(tmp_path / n) for n in names]})
    released = tmp_path / "released"
    released.mkdir()
    record = {
        "train_videos": {"ann.mp4": videos["sha256"][0]},
        "train_frame_hashes": {"ann.mp4": to_hex(hash_video(tmp_path / "same.mp4"))},
    }
    (released / "training_record.json").write_text(json.dumps(record))
    return released, videos, tmp_path


def test_files_and_copies_of_the_training_are_found_by_name(data):
    released, videos, folder = data
    known = find_known_in_data(released, videos, folder, folder)
    assert known == {
        "same.mp4": KnownVideo("ann.mp4", True),
        "copy.mp4": KnownVideo("ann.mp4", False),
    }


def test_no_video_is_hashed_twice(data, monkeypatch):
    released, videos, folder = data
    first = find_known_in_data(released, videos, folder, folder)
    monkeypatch.setattr(known_data, "hash_video", None)
    assert find_known_in_data(released, videos, folder, folder) == first


def test_without_a_released_model_nothing_is_known(data):
    _, videos, folder = data
    assert find_known_in_data(folder / "none", videos, folder, folder) == {}


def test_the_first_are_named_and_the_others_counted():
    known = {f"{n}.mp4": KnownVideo("ann.mp4", True) for n in range(7)}
    text = known_to_text(known)
    assert text.startswith("0.mp4 is the same file as ann.mp4, which the released model learned")
    assert text.endswith("; and 2 more")
