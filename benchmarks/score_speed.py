"""How fast detections are scored, against the tools that people use for it.

Every measurement is a process of its own, so that its memory is its own, and peers take turns
with us, so that a busy machine is as bad for all. `benchmarks/score_speed.md` says how to install
the peers and what bounds the result.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

FOUND_PER_IMAGE = 100  # each gives two detections, one per label
LABELS = (1, 2)
MEAN_BEST_IOU = 0.5
ROWS = [  # (images, peer, the least ratio the project asks for)
    (45_920, "faster_coco_eval", 15),
    (5_000, "pycocotools", 20),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--scene", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.scene)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for images, peer, least in ROWS:
            scene = Path(folder) / f"{images}.npz"
            make_scene(scene, images)
            compare(scene, images, peer, least, arguments.repeats)


def make_scene(path: Path, images: int) -> None:
    """Write one to three faces an image, and found faces, three in ten of them near one."""
    random = np.random.default_rng(images)
    faces = random.integers(1, 4, images)
    image = np.repeat(np.arange(images, dtype=np.int32), faces)
    truth_boxes = make_boxes(random, len(image))
    found_image = np.repeat(np.arange(images, dtype=np.int32), FOUND_PER_IMAGE)
    near = (np.cumsum(faces) - faces)[found_image]
    near += random.integers(0, 1 << 30, len(near)) % faces[found_image]
    moved = truth_boxes[near] + random.normal(0, 15, (len(near), 4)).astype(np.float32)
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    is_far = random.random(len(near)) < 0.7
    boxes = np.where(is_far[:, None], make_boxes(random, len(near)), moved)
    score = random.random((len(near), 2), np.float32) * np.where(is_far, 0.6, 1)[:, None]
    np.savez(
        path,
        truth_image=image,
        truth_label=random.choice(LABELS, len(image)).astype(np.int8),
        truth_boxes=truth_boxes,
        image=np.repeat(found_image, 2),
        label=np.tile(np.array(LABELS, np.int8), len(near)),
        score=score.astype(np.float32).reshape(-1),
        boxes=np.repeat(boxes, 2, axis=0),
    )


def make_boxes(random: np.random.Generator, count: int) -> np.ndarray:
    left_top = random.uniform(0, 400, (count, 2))
    return np.concatenate(
        [left_top, left_top + random.uniform(40, 200, (count, 2))], axis=1
    ).astype(np.float32)


def compare(scene: Path, images: int, peer: str, least: float, repeats: int) -> None:
    """Measure ours and the peer in turn, and print medians and their ratio."""
    names = ["ours", peer, "ours_coco"]
    runs: dict[str, list[dict]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            command = [sys.executable, __file__, "--measure", name, "--scene", str(scene)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    detections = images * FOUND_PER_IMAGE * len(LABELS)
    print(f"\n{detections:,} detections on {images:,} images, medians of {repeats}")
    for name in names:
        seconds = statistics.median(run["seconds"] for run in runs[name])
        memory_gb = max(run["memory_gb"] for run in runs[name])
        values = ", ".join(f"{value:.6f}" for value in runs[name][0]["ap_50"])
        print(f"{name:<18}{seconds:9.2f} s {memory_gb:7.2f} GB   COCO AP at 0.5: {values}")
    ratios = [
        theirs["seconds"] / own["seconds"]
        for own, theirs in zip(runs["ours"], runs[peer], strict=True)
    ]
    print(f"ours is {statistics.median(ratios):.0f} times as fast as {peer} (asked: {least})")


def measure(name: str, path: Path) -> dict:
    """Score one scene in this process."""
    with np.load(path) as scene:
        columns = dict(scene)
    score = {"ours": score_ours, "ours_coco": score_ours_by_coco}.get(name)
    if score is None:
        seconds, values = score_with_peer(name, columns)
    else:
        seconds, values = score(columns)
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": seconds, "memory_gb": memory_gb, "ap_50": values}


def score_ours(columns: dict) -> tuple[float, list[float]]:
    """AP of both labels by both VOC rules; then, not timed, what the peers compute."""
    from deepfake_detector.metrics.average_precision import compute_area, compute_points
    from deepfake_detector.metrics.coco_ranking import rank_by_coco
    from deepfake_detector.metrics.ranked_detections import rank_by_voc

    detections, truth = to_ours(columns)
    started = time.perf_counter()
    rankings = rank_by_voc(detections, truth, MEAN_BEST_IOU, LABELS)
    for label in LABELS:
        compute_points(rankings[label], 11)
        compute_area(rankings[label])
    seconds = time.perf_counter() - started
    rankings = rank_by_coco(detections, truth, np.array([MEAN_BEST_IOU]), 100, LABELS)
    return seconds, [compute_points(rankings[label][0], 101) for label in LABELS]


def score_ours_by_coco(columns: dict) -> tuple[float, list[float]]:
    """COCO AP of both labels at all ten overlaps."""
    from deepfake_detector.metrics.average_precision import (
        COCO_IOUS,
        COCO_MOST_PER_IMAGE,
        compute_coco,
        compute_points,
    )
    from deepfake_detector.metrics.coco_ranking import rank_by_coco

    detections, truth = to_ours(columns)
    started = time.perf_counter()
    rankings = rank_by_coco(detections, truth, COCO_IOUS, COCO_MOST_PER_IMAGE, LABELS)
    for label in LABELS:
        compute_coco(rankings[label])
    seconds = time.perf_counter() - started
    return seconds, [compute_points(rankings[label][0], 101) for label in LABELS]


def to_ours(columns: dict):
    from deepfake_detector.metrics import Detections, Truth

    truth = Truth(*(columns[f"truth_{name}"] for name in ("image", "label", "boxes")))
    return Detections(*(columns[name] for name in ("image", "label", "score", "boxes"))), truth


def score_with_peer(name: str, columns: dict) -> tuple[float, list[float]]:
    """Load the results (rows of numbers, its fastest way in) and score them at one overlap."""
    if name == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Evaluation
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Evaluation
    truth = COCO()
    truth.dataset = make_coco_truth(columns)
    truth.createIndex()
    left_top, right_bottom = columns["boxes"][:, :2], columns["boxes"][:, 2:]
    rows = np.column_stack(
        [columns["image"], left_top, right_bottom - left_top, columns["score"], columns["label"]]
    ).astype(float)
    started = time.perf_counter()
    found = truth.loadRes(rows)
    evaluation = Evaluation(truth, found, "bbox")
    evaluation.params.iouThrs = np.array([MEAN_BEST_IOU])
    evaluation.params.maxDets = [100]
    evaluation.params.areaRng = [[0, 1e10]]
    evaluation.params.areaRngLbl = ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    seconds = time.perf_counter() - started
    precision = np.asarray(evaluation.eval["precision"])[0, :, :, 0, 0]  # [recall, label]
    return seconds, precision.mean(axis=0).tolist()


def make_coco_truth(columns: dict) -> dict:
    annotations = []
    for number, (image, label, box) in enumerate(
        zip(
            columns["truth_image"].tolist(),
            columns["truth_label"].tolist(),
            columns["truth_boxes"].astype(float).tolist(),
            strict=True,
        ),
        1,
    ):
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        annotations.append(
            {"id": number, "image_id": image, "category_id": label, "iscrowd": 0,
             "bbox": [left, top, width, height], "area": width * height}
        )  # fmt: skip
    images = [{"id": image} for image in range(int(columns["image"].max()) + 1)]
    categories = [{"id": label, "name": str(label)} for label in LABELS]
    return {"images": images, "annotations": annotations, "categories": categories}


if __name__ == "__main__":
    main()
