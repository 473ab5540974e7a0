from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading.batches import make_evaluation_batches, make_training_batches

AUGMENTATION = load_params(Path(__file__).parents[3] / "params.yaml").train.augmentation
FACE = [0.25, 0.25, 0.5, 0.75]


def make_record(video, frame, faces):
    image = np.full((40, 60, 3), 10 * frame, np.uint8)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    boxes = np.float32([FACE] * faces).reshape(-1, 4)
    labels, crops = np.full(faces, 2), [jpeg] * faces
    return FrameRecord(jpeg, boxes, labels, crops, boxes, video, frame, 120, 80)


@pytest.fixture
def shards(tmp_path):
    """Two videos of three frames, with 0, 1 and 2 faces in them."""
    paths = []
    for video in ("a.mp4", "b.mp4"):
        paths.append(tmp_path / f"{video}.tfrecord")
        write_shard(paths[-1], [make_record(video, n, n) for n in range(3)])
    return paths


def take(shards, count, **options):
    options = {"seed": 5, **options}
    batches = make_training_batches(
        shards, batch_size=4, size_px=32, max_faces=1, params=AUGMENTATION, **options
    )
    return [(images.numpy(), faces) for images, faces in batches.take(count)]


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
    _, faces = take([path], 1)[0]
    assert faces["labels"].shape == (4, 1)


def test_training_never_runs_out_and_follows_its_seed(shards):
    first, again, other = take(shards, 5), take(shards, 5), take(shards, 5, seed=6)
    for (images, faces), (images_again, faces_again) in zip(first, again, strict=True):
        assert np.array_equal(images, images_again)
        assert np.array_equal(faces["boxes"], faces_again["boxes"])
    assert not np.array_equal(first[0][0], other[0][0])


def test_a_resumed_stream_goes_on_with_the_very_batches_it_would_have_had(shards):
    whole, rest = take(shards, 5), take(shards, 2, skipped_batches=3)
    for (images, faces), (images_rest, faces_rest) in zip(whole[3:], rest, strict=True):
        assert np.array_equal(images, images_rest)
        assert np.array_equal(faces["labels"], faces_rest["labels"])


def test_the_2020_chain_makes_batches_too(shards):
    chain = AUGMENTATION.model_copy(update={"name": "ssd_2020"})
    first, again = (
        next(iter(make_training_batches(shards, 4, 32, 2, chain, seed=5))) for _ in range(2)
    )
    assert first[0].shape == (4, 32, 32, 3)
    assert np.array_equal(first[0], again[0])
    assert set(np.unique(first[1]["labels"])) <= {0, 2}


def test_training_looks_at_most_faces_only(shards):
    assert all(faces["labels"].shape[1] == 1 for _, faces in take(shards, 3))
