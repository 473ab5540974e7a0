"""COCO AP equals pycocotools on random and on degenerate detections."""

import contextlib
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from deepfake_detector.metrics import Detections, Truth, score_detections

LABELS = (1, 2)


def compute_with_pycocotools(detections: Detections, truth: Truth, images: int) -> list[float]:
    """Give COCO AP of each label; NaN where pycocotools says -1."""
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": label} for label in LABELS],
        "annotations": _to_rows(truth),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        found = COCO()
        found.dataset = dict(coco.dataset, annotations=_to_rows(detections))
        for row, score in zip(found.dataset["annotations"], detections.score, strict=True):
            row["score"] = float(score)
        found.createIndex()
        evaluation = COCOeval(coco, found, "bbox")
        evaluation.params.imgIds = list(range(images))
        evaluation.params.catIds = list(LABELS)
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [T, R, K], the most detections
    precision = np.where(precision < 0, np.nan, precision)
    return [float(np.mean(precision[:, :, column])) for column in range(len(LABELS))]


def _to_rows(rows):
    """COCO annotations. Ids count from 1: pycocotools takes a match with id 0 for none."""
    return [
        {
            "id": number,
            "image_id": int(image),
            "category_id": int(label),
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": (box[2] - box[0]) * (box[3] - box[1]),
            "iscrowd": 0,
        }
        for number, (image, label, box) in enumerate(
            zip(rows.image, rows.label, rows.boxes.tolist(), strict=True), 1
        )
    ]


def make_scene(seed, images, max_faces, most_found, levels, labels=LABELS):
    """Make truth, and detections that are truth moved by whole px, or anywhere.

    Args:
        levels: how many different scores there are; few make ties.
        labels: labels that annotated faces have.
    """
    random = np.random.default_rng(seed)
    counts = random.integers(0, max_faces + 1, images)
    image = np.repeat(np.arange(images), counts)
    truth = Truth(image, random.choice(labels, len(image)), make_boxes(random, len(image)))
    found = random.integers(0, most_found + 1, images)
    found_image = np.repeat(np.arange(images), found)
    boxes = make_boxes(random, len(found_image))
    for row, own in enumerate(found_image):
        here = np.flatnonzero(image == own)
        if len(here) and random.random() < 0.8:
            boxes[row] = truth.boxes[random.choice(here)]
            boxes[row, :2] -= random.integers(0, 8, 2)
            boxes[row, 2:] += random.integers(-5, 8, 2)
    score = (random.integers(0, levels, len(boxes)) / levels).astype(np.float32)
    shuffled = random.permutation(len(boxes))
    label = random.choice(LABELS, len(boxes))
    detections = Detections(found_image, label, score, boxes)
    return Detections(
        *(c[shuffled] for c in (found_image, label, score, boxes))
    ) if seed % 2 else detections, truth


def make_boxes(random, count):
    left_top = random.integers(0, 40, (count, 2))
    return np.concatenate([left_top, left_top + random.integers(8, 30, (count, 2))], 1).astype(
        float
    )


def assert_equal_to_pycocotools(detections, truth, images):
    scores = score_detections(detections, truth, 0.5)
    expected = compute_with_pycocotools(detections, truth, images)
    found = [scores["real"]["coco"], scores["fake"]["coco"]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    mean = np.nan if np.all(np.isnan(expected)) else np.nanmean(expected)
    np.testing.assert_allclose(scores["mean"]["coco"], mean, rtol=0, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    images=st.integers(1, 6),
    max_faces=st.integers(0, 6),
    most_found=st.integers(0, 12),
    levels=st.sampled_from([1, 2, 5, 1000]),
    labels=st.sampled_from([(1, 2), (1,), (2,)]),
)
def test_equal_to_pycocotools(seed, images, max_faces, most_found, levels, labels):
    scene = make_scene(seed, images, max_faces, most_found, levels, labels)
    assert_equal_to_pycocotools(*scene, images)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31), levels=st.sampled_from([3, 1000]))
def test_only_the_best_hundred_of_an_image_and_label_count(seed, levels):
    detections, truth = make_scene(seed, 2, 30, 500, levels)
    assert_equal_to_pycocotools(detections, truth, 2)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_location_equals_pycocotools_with_one_label(seed):
    detections, truth = make_scene(seed, 4, 5, 10, 1000)
    one = Detections(
        detections.image,
        np.full(len(detections.image), 1),
        detections.score,
        detections.boxes + np.arange(len(detections.image))[:, None] / 1024,  # no box twice
    )
    one_truth = Truth(truth.image, np.full(len(truth.image), 1), truth.boxes)
    location = score_detections(one, truth, 0.5)["class_agnostic"]["coco"]
    expected = compute_with_pycocotools(one, one_truth, 4)[0]
    np.testing.assert_allclose(location, expected, rtol=0, atol=1e-6)
