"""Figures of the held-out frames: precision, labels, chance.

Average precision is VOC's area unless a figure's name says otherwise. What cannot be measured is
NaN. Shapes: `N` annotated faces.
"""

import numpy as np

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics import score_detections
from deepfake_detector.metrics.average_precision import LABELS
from deepfake_detector.metrics.curves import compute_over_threshold
from deepfake_detector.metrics.face_matching import call_labels, compute_chance, match_faces
from deepfake_detector.metrics.matching import NONE
from deepfake_detector.metrics.ranked_detections import rank_by_voc

NAMES = {f"ap_{name}_50": f"ap_{name}" for name in FACE_LABELS}
"""The AP of a label is that at one IoU threshold unless its name says otherwise."""

SHUFFLES = 20
"""Draws of the chance floor; the error of their mean is far below the intervals."""


def measure_precision(evaluated: EvaluationFrames, iou_threshold: float) -> dict[str, float]:
    """Measure average precision by every rule: `ap_real`, `ap_real_50_voc07`, `map_50_95`, ..."""
    scores = score_detections(evaluated.faces.to_detections(), evaluated.truth, iou_threshold)
    names = {f"ap_{name}": name for name in FACE_LABELS} | {
        "map": "mean",
        "class_agnostic_ap": "class_agnostic",
    }
    rules = {"_50": "voc_area", "_50_voc07": "voc_11", "_50_95": "coco"}
    metrics = {
        f"{name}{ending}": scores[row][rule]
        for ending, rule in rules.items()
        for name, row in names.items()
    }
    return {NAMES.get(name, name): value for name, value in metrics.items()}


def measure_labels(evaluated: EvaluationFrames, iou_threshold: float) -> dict[str, float]:
    """Measure how many faces are found, and how often these get the right label.

    `majority_label_accuracy` is what calling all of them by the commoner label would give.
    """
    is_found, is_right = find_right_labels(evaluated, iou_threshold)
    found = evaluated.truth.label[is_found]
    commonest = max((np.count_nonzero(found == label) for label in LABELS), default=0)
    count = len(found) or np.nan
    return {
        "found": len(found) / len(is_found) if len(is_found) else np.nan,
        "matched_label_accuracy": np.count_nonzero(is_right) / count,
        "majority_label_accuracy": commonest / count,
    }


def find_right_labels(
    evaluated: EvaluationFrames, iou_threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Say of every annotated face [N] whether it was found, and found with the right label."""
    row = match_faces(evaluated.faces, evaluated.truth, iou_threshold)
    called = np.append(call_labels(evaluated.faces), NONE)[row]
    return row != NONE, called == evaluated.truth.label


def measure_threshold(
    evaluated: EvaluationFrames, iou_threshold: float, threshold: float
) -> dict[str, float]:
    """Measure precision, recall and F1 of each label at one threshold: `precision_real`, ..."""
    detections = evaluated.faces.to_detections()
    rankings = rank_by_voc(detections, evaluated.truth, iou_threshold, LABELS)
    metrics = {}
    for label, name in enumerate(FACE_LABELS, 1):
        curves = compute_over_threshold(rankings[label], detections.score, np.array([threshold]))
        metrics |= {f"{kind}_{name}": float(values[0]) for kind, values in curves.items()}
    return metrics


def measure_chance(
    evaluated: EvaluationFrames, iou_threshold: float, seed: int
) -> dict[str, float]:
    """Measure the mAP of the same found faces with labels that mean nothing."""
    generator = np.random.default_rng(seed)
    return {
        "map_50_random_labels": compute_chance(
            evaluated.faces, evaluated.truth, iou_threshold, SHUFFLES, generator
        )
    }
