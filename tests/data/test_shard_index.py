"""The index beside a shard: where crops lie, and what they show."""

import subprocess
import sys

import numpy as np
import pytest

from code_map import SOURCE
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading.crop_index import list_crops
from deepfake_detector.data.shard_index import make_index_path, read_index

LEFT, RIGHT = [0.1, 0.2, 0.3, 0.4], [0.6, 0.2, 0.8, 0.4]
WINDOWS = np.array([[0.0, 0.0, 0.4, 0.5], [0.5, 0.0, 1.0, 0.5]])


def make_record(crops, frame=0, landmarks=None):
    count = len(crops)
    return FrameRecord(
        jpeg=b"whole" * 300,
        boxes=np.array([LEFT, RIGHT][:count]).reshape(-1, 4),
        labels=np.array([1, 2][:count], np.int64),
        crops=crops,
        windows=WINDOWS[:count],
        video="clip é.mp4",
        frame=frame,
        width_px=200,
        height_px=100,
        landmarks=landmarks,
    )


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "clip é.mp4.tfrecord"
    records = [
        make_record([b"a", b"b" * 70_000]),  # lengths of one byte and of three
        make_record([], frame=5),
        make_record([b"same", b"same"], frame=10),
        make_record([b""], frame=300),
    ]
    write_shard(path, records)
    return path


def test_each_crop_is_found_where_the_index_says(shard):
    content, index = shard.read_bytes(), read_index(shard)
    found = [content[row["position"] : row["position"] + row["length"]] for row in index.rows]
    assert found == [b"a", b"b" * 70_000, b"same", b"same", b""]
    assert index.rows[2]["position"] < index.rows[3]["position"]
    assert [row["frame"] for row in index.rows] == [0, 0, 10, 10, 300]
    assert [row["label"] for row in index.rows] == [1, 2, 1, 2, 1]
    assert index.video == "clip é.mp4"
    assert index.rows[1]["box"].tolist() == np.float32(RIGHT).tolist()
    assert index.rows[1]["window"].tolist() == [0.5, 0.0, 1.0, 0.5]
    assert index.rows[1]["size_px"].tolist() == [200, 100]


def test_landmarks_are_kept_where_a_face_has_all_of_them(tmp_path):
    points = np.full((2, 468, 2), 0.25)
    points[1, 7] = np.nan
    write_shard(tmp_path / "clip.tfrecord", [make_record([b"a", b"b"], landmarks=points)])
    known, unknown = list_crops([tmp_path / "clip.tfrecord"])
    assert known.landmarks.dtype == np.float16
    assert np.all(known.landmarks == 0.25)
    assert unknown.landmarks is None


def test_a_shard_without_faces_has_an_empty_index(tmp_path):
    write_shard(tmp_path / "clip.tfrecord", [make_record([])])
    assert read_index(tmp_path / "clip.tfrecord").rows == []
    assert list_crops([tmp_path / "clip.tfrecord"]) == []


def test_the_same_records_make_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_shard(tmp_path / f"{name}.tfrecord", [make_record([b"a", b"b"])])
    one, two = (make_index_path(tmp_path / f"{name}.tfrecord") for name in ("one", "two"))
    assert one.name == "one.crops.npz"
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"PK half of it"])
def test_a_shard_without_its_index_is_named_with_the_remedy(shard, content):
    path = make_index_path(shard)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"clip é\.mp4\.crops\.npz: .*dvc repro extract_frames"):
        list_crops([shard])


def test_crops_are_read_without_tensorflow(shard):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from deepfake_detector.data.loading.crop_index import list_crops, read_crop\n"
        "import deepfake_detector.data.loading.face_pairs\n"
        f"assert len(list_crops([Path({str(shard)!r})])) == 5\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
