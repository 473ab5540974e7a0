from pathlib import Path

import numpy as np
from tests.data.loading.small_shards import make_record

from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import write_shard
from deepfake_detector.data.loading.training_batches import Share, make_training_batches

AUGMENTATION = load_params(Path(__file__).parents[3] / "params.yaml").train.augmentation


def take(shards, count, **options):
    options = {"seed": 5, **options}
    batches = make_training_batches(
        shards, batch_size=4, size_px=32, max_faces=1, params=AUGMENTATION, **options
    )
    return [(images.numpy(), faces) for images, faces in batches.take(count)]


def test_a_batch_without_any_face_still_has_a_row_of_padding(tmp_path):
    path = tmp_path / "empty.tfrecord"
    write_shard(path, [make_record("empty.mp4", 0, 0)])
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


def test_parts_of_a_batch_are_cut_from_the_whole_one(shards):
    """Two machines, the second one with both of its replicas; augmented by place in the batch."""
    whole = take(shards, 3, skipped_batches=2)
    first = take(shards, 3, skipped_batches=2, share=Share(range(1), 4))
    rest = take(shards, 9, skipped_batches=2, share=Share(range(1, 4), 4))
    for number, (images, faces) in enumerate(whole):
        parts = [first[number], *rest[3 * number : 3 * number + 3]]
        assert np.array_equal(np.concatenate([images for images, _ in parts]), images)
        for name in ("boxes", "labels"):
            together = np.concatenate([part[name] for _, part in parts])
            assert np.array_equal(together, faces[name])
