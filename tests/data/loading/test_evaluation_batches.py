import numpy as np
from tests.data.loading.small_shards import FACE, make_record

from deepfake_detector.data.frame_records import write_shard
from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches


def test_every_frame_is_evaluated_once_in_order(shards):
    seen = []
    for images, faces in make_evaluation_batches(shards, 4, 32):
        assert images.shape[1:] == (32, 32, 3)
        videos = [name.decode() for name in faces["video"].numpy()]
        seen += list(zip(videos, faces["frame"].numpy().tolist(), strict=True))
    assert seen == [(video, frame) for video in ("a.mp4", "b.mp4") for frame in range(3)]


def test_only_wanted_frames_are_evaluated(shards):
    wanted = np.array([False, True, False, True, False, True])
    ((_, faces),) = make_evaluation_batches(shards, 4, 32, wanted)
    assert faces["video"].numpy().tolist() == [b"a.mp4", b"b.mp4", b"b.mp4"]
    assert faces["frame"].numpy().tolist() == [1, 0, 2]


def test_evaluation_pads_faces_and_tells_the_original_size(shards):
    _, faces = next(iter(make_evaluation_batches(shards, 6, 32)))
    assert faces["labels"].numpy().tolist()[:3] == [[0, 0], [2, 0], [2, 2]]
    assert np.allclose(faces["boxes"][1], [FACE, [0, 0, 0, 0]])
    assert faces["width_px"].numpy().tolist() == [120] * 6


def test_a_batch_without_any_face_still_has_a_row_of_padding(tmp_path):
    path = tmp_path / "empty.tfrecord"
    write_shard(path, [make_record("empty.mp4", 0, 0)])
    _, faces = next(iter(make_evaluation_batches([path], 2, 32)))
    assert faces["boxes"].shape == (1, 1, 4)
    assert faces["labels"].numpy().tolist() == [[0]]
