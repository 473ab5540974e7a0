"""What a training step and a prediction spend their time on, by CPU time of all threads.

A part is timed by itself, in turns with the others; the network's share is what is left of the
whole. Needs shards and a trained detector: run `dvc repro train` before, or name another project
that has them. `benchmarks/README.md` has figures.
"""

import argparse
import itertools
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=PROJECT, help="with artifacts/")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    import cv2

    from deepfake_detector.config.schema import load_params

    cv2.setNumThreads(1)
    params = load_params(PROJECT / "params.yaml")
    artifacts = arguments.project / "artifacts"
    frames = read_frames(artifacts / "extract_frames", params.train.batch_size)
    print(f"{name_processor()}; batches of {params.train.batch_size}")
    report("training step", make_training_parts(frames, params), arguments.repeats)
    detector = artifacts / "train/detector.keras"
    report("prediction", make_prediction_parts(frames, detector), arguments.repeats)


def report(name: str, parts: dict[str, Callable], repeats: int) -> None:
    """Print the shares of parts; `whole` is the part that holds those marked with a star."""
    times = {part: [] for part in parts}
    for run in parts.values():
        run()
    for _ in range(repeats):
        for part, run in parts.items():
            started = time.process_time()
            run()
            times[part].append(time.process_time() - started)
    seconds = {part: statistics.median(values) for part, values in times.items()}
    whole = seconds.pop("whole")
    seconds["network"] = whole - sum(value for part, value in seconds.items() if "*" in part)
    total = sum(seconds.values())
    print(f"\n{name}: {total * 1e3:.0f} ms of CPU time a batch")
    for part, value in seconds.items():
        print(f"  {part.strip('*'):24}{value * 1e3:9.1f} ms {value / total:8.1%}")


def make_training_parts(frames: list[dict], params) -> dict[str, Callable]:
    """Give the parts of a training step as functions that do them once."""
    import numpy as np
    import tensorflow as tf

    from deepfake_detector.augmentation.frames import augment_frame
    from deepfake_detector.models.ssd.anchor_matching import make_targets
    from deepfake_detector.models.ssd.loss import compute_loss
    from deepfake_detector.models.ssd.network import build_detector, make_detector_anchors
    from deepfake_detector.training.ssd import (
        DetectorTrainer,
        freeze_batch_norm,
        make_optimizer,
    )
    from deepfake_detector.video.images import decode_image

    detector = build_detector(params.detector)
    if params.train.freeze_batch_norm:
        freeze_batch_norm(detector)
    model = DetectorTrainer(detector, params)
    model.compile(optimizer=make_optimizer(params.train))
    anchors, settings = make_detector_anchors(detector, params.detector), params.detector
    images = [decode_image(frame["image"]) for frame in frames]
    boxes = np.stack([frame["boxes"][:1] for frame in frames])
    labels = np.stack([frame["labels"][:1] for frame in frames]).astype(np.int32)
    random = np.random.default_rng(params.seed)
    size_px = params.detector.image_size_px
    batch = np.float32(random.uniform(0, 255, (len(frames), size_px, size_px, 3)))

    @tf.function
    def match(boxes, labels):
        return make_targets(boxes, labels, anchors, settings.anchors.variances, settings.matching)

    truth = {"boxes": tf.constant(boxes), "labels": tf.constant(labels)}
    targets = match(**truth)
    outputs = {
        name: tf.constant(value.numpy()) for name, value in detector(batch, training=False).items()
    }

    @tf.function
    def lose(box, label):
        with tf.GradientTape() as tape:
            tape.watch([box, label])
            parts = compute_loss(*targets, box, label, params.train.loss)
            loss = parts[0] + parts[1]
        return tape.gradient(loss, [box, label])

    def augment():
        for image, frame in zip(images, frames, strict=True):
            faces = (frame["boxes"], frame["labels"])
            augment_frame(image, *faces, random, size_px, params.train.augmentation)

    return {
        "decode": lambda: [decode_image(frame["image"]) for frame in frames],
        "augment": augment,
        "match*": lambda: match(**truth),
        "loss*": lambda: lose(outputs["box"], outputs["label"]),
        "whole": lambda: model.train_on_batch(batch, truth),
    }


def make_prediction_parts(frames: list[dict], path: Path) -> dict[str, Callable]:
    """Give the parts of a prediction as functions that do them once.

    The face classifier, where there is one, gets the faces that a prediction shows it.
    """
    import cv2
    import keras
    import numpy as np
    import tensorflow as tf

    from deepfake_detector.inference.detector import load_detector, outputs_to_boxes, scale_to_px
    from deepfake_detector.inference.shards import crop_faces_from_records
    from deepfake_detector.video.images import decode_image

    detector = load_detector(path)
    inference_model, classifier = detector.ssd, detector.face_classifier
    suppression = inference_model.get_layer("decode_detections")
    ends = {name: inference_model.get_layer(name).output for name in ("box", "label")}
    network = keras.Model(inference_model.input, ends)
    size = (inference_model.input_shape[1],) * 2
    images = [decode_image(frame["image"]) for frame in frames]
    batch = np.float32([cv2.resize(image, size) for image in images])
    outputs = network.predict_on_batch(batch)
    suppress = tf.function(suppression)
    parts = {
        "decode": lambda: [decode_image(frame["image"]) for frame in frames],
        "resize": lambda: np.float32([cv2.resize(image, size) for image in images]),
        "suppression*": lambda: suppress(outputs),
        "whole": lambda: inference_model.predict_on_batch(batch),
    }
    if classifier is not None:
        found = inference_model.predict_on_batch(batch)
        sizes_px = [(frame["width_px"], frame["height_px"]) for frame in frames]
        faces = detector.choose_classified(scale_to_px(outputs_to_boxes(found), sizes_px))
        parts[f"face classifier, {len(faces)} faces"] = lambda: detector.classify(
            crop_faces_from_records(frames, faces, *detector.crop_shape)
        )
    return parts


def read_frames(folder: Path, count: int) -> list[dict]:
    """Read frames with a face, one of each of so many shards."""
    from deepfake_detector.data.frame_records import read_records

    frames = []
    for shard in sorted(folder.glob("*.tfrecord")):
        with_face = (frame for frame in read_records([shard]) if len(frame["labels"]))
        frames += itertools.islice(with_face, 1)  # none of a video without faces
        if len(frames) == count:
            return frames
    raise SystemExit(
        f"{folder}: {count} shards with a face are needed; run `dvc repro train` before"
    )


def name_processor() -> str:
    """Give the processor's name and model, and the number of cores."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = ("model name", "cpu family", "model", "stepping")
    found = [re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE)[1] for name in names]
    return "{}, family {} model {} stepping {}, {} cores".format(*found, text.count("processor\t"))


if __name__ == "__main__":
    main()
