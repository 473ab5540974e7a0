import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.shortcuts.shortcut_features import (
    describe_background,
    list_shortcut_features,
)

VIDEOS = pd.DataFrame(
    {
        "video": ["a.mp4", "b.mkv"],
        "source": ["one", "two"],
        "width_px": [400, 200],
        "height_px": [200, 200],
        "fps": [25.0, 30.0],
        "frames": [50, 60],
        "codec": ["h264", "vp9"],
    }
)
ANNOTATIONS = pd.DataFrame(
    [
        ("a.mp4", 0, 0, 0, 100, 100, "real"),
        ("a.mp4", 1, 100, 0, 200, 100, "real"),
        ("a.mp4", 0, 300, 100, 400, 200, "fake"),
        ("b.mkv", 0, 50, 50, 150, 150, "fake"),
        ("other.mp4", 0, 50, 50, 150, 150, "fake"),
    ],
    columns=["video", "frame", "left", "top", "right", "bottom", "label"],
)


@pytest.fixture
def feature_names(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x" * 1000)
    (tmp_path / "b.mkv").write_bytes(b"x" * 2000)
    return list_shortcut_features(VIDEOS, ANNOTATIONS, tmp_path).set_index(["video", "is_fake"])


def test_a_video_with_faces_of_both_labels_has_a_row_for_each(feature_names):
    assert set(feature_names.index) == {("a.mp4", False), ("a.mp4", True), ("b.mkv", True)}


def test_faces_are_described_on_average_in_shares_of_the_frame(feature_names):
    real = feature_names.loc[("a.mp4", False)]
    assert real["face position.across"] == pytest.approx((50 + 150) / 2 / 400)
    assert real["face position.down"] == pytest.approx(0.25)
    assert real["face size.width"] == pytest.approx(np.log(100))
    assert real["face size.share"] == pytest.approx(np.log(1 / 8))


def test_files_are_described_by_what_they_hold(feature_names):
    row = feature_names.loc[("a.mp4", True)]
    assert row["source"] == "one"
    assert row["file size.bytes"] == pytest.approx(np.log(1000))
    assert row["file size.bytes a second"] == pytest.approx(np.log(500))
    assert row["length.seconds"] == pytest.approx(np.log(2))
    assert (row["codec.h264"], row["codec.vp9"], row["codec..mp4"]) == (1, 0, 1)
    assert (row["frame rate.25.0"], row["frame rate.30.0"]) == (1, 0)


def test_a_background_is_described_without_the_face_in_it():
    gray = np.full((60, 90, 3), 100, np.uint8)
    with_face = gray.copy()
    with_face[20:40, 30:60] = np.random.default_rng(0).integers(0, 255, (20, 30, 3))
    box = np.array([[30 / 90, 20 / 60, 60 / 90, 40 / 60]])
    without = describe_background(gray, np.zeros((0, 4)))
    assert describe_background(with_face, box) == pytest.approx(without)
    assert describe_background(with_face, np.zeros((0, 4))) != pytest.approx(without)


def test_a_face_that_fills_the_frame_leaves_nothing():
    picture = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    assert not describe_background(picture, np.array([[0.0, 0, 1, 1]])).any()
