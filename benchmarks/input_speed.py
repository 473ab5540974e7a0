"""How fast training images are made, on one core, against decoding and resizing alone.

Ours: JPEG shards to augmented 300 x 300 batches with their faces. The other side: `cv2` decodes
the same JPEGs and resizes them, nothing else. Needs the shards of a data set: run
`dvc repro extract_frames` before. `benchmarks/README.md` says what bounds it.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

MIN_RATIO = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--batches", type=int, default=20)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before TensorFlow counts cores

    import cv2

    from deepfake_detector.config.schema import load_params

    cv2.setNumThreads(1)
    params = load_params(PROJECT / "params.yaml")
    shards = sorted((PROJECT / "artifacts/extract_frames").glob("*.tfrecord"))
    if not shards:
        raise SystemExit("no shards in artifacts/; run `dvc repro extract_frames` before")
    batches, jpegs = make_batches(shards, params), read_jpegs(shards)
    images = arguments.batches * params.train.batch_size
    jpegs = jpegs[:: max(1, len(jpegs) // images)]
    next(batches)
    ours, bare = [], []
    for _ in range(arguments.repeats):
        bare.append(measure_bare(jpegs, params.detector.image_size_px))
        ours.append(measure_ours(batches, arguments.batches, params.train.batch_size))
    ratio = statistics.median(mine / peer for mine, peer in zip(ours, bare, strict=True))
    print(f"decode and resize alone {statistics.median(bare):.0f} images/s")
    print(f"training images         {statistics.median(ours):.0f} images/s")
    print(f"ratio {ratio:.2f}, at least {MIN_RATIO}")


def make_batches(shards: list[Path], params):
    """Give the endless batches that a training gets."""
    from deepfake_detector.data.loading.training_batches import make_training_batches

    return iter(
        make_training_batches(
            shards,
            params.train.batch_size,
            params.detector.image_size_px,
            params.train.max_faces,
            params.train.augmentation,
            params.seed,
        )
    )


def read_jpegs(shards: list[Path]) -> list:
    """Read all JPEGs of the shards into memory."""
    import numpy as np
    import tensorflow as tf

    from deepfake_detector.data.frame_records import parse_record

    records = tf.data.TFRecordDataset([str(path) for path in shards]).map(parse_record)
    return [np.frombuffer(record["image"].numpy(), np.uint8) for record in records]


def measure_bare(jpegs: list, size_px: int) -> float:
    """Decode and resize each image once: images/s of CPU time."""
    import cv2

    started = time.process_time()
    for jpeg in jpegs:
        cv2.resize(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), (size_px, size_px))
    return len(jpegs) / (time.process_time() - started)


def measure_ours(batches, count: int, batch_size: int) -> float:
    """Take batches: images/s of CPU time, of all threads together."""
    started = time.process_time()
    for _ in range(count):
        next(batches)
    return count * batch_size / (time.process_time() - started)


if __name__ == "__main__":
    main()
