import pytest
from tests.data.loading.small_shards import make_record

from deepfake_detector.data.frame_records import write_shard


@pytest.fixture
def shards(tmp_path):
    """Two videos of three frames, with 0, 1 and 2 faces in them."""
    paths = []
    for video in ("a.mp4", "b.mp4"):
        paths.append(tmp_path / f"{video}.tfrecord")
        write_shard(paths[-1], [make_record(video, n, n) for n in range(3)])
    return paths
