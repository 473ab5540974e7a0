"""Figures of the held-out frames: precision, labels, chance.

Average precision is VOC's area unless a figure's name says otherwise. What cannot be measured is
NaN. Shapes: `N` annotated faces.
"""

import numpy as np

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.evaluation.evaluation_frames import HeldOut
from deepfake_detector.metrics import score_detections
from deepfake_detector.metrics.average_precision import LABELS
from deepfake_detector.metrics.curves import compute_over_threshold
from deepfake_detector.metrics.face_matching import call_labels, compute_chance, match_faces
from deepfake_detector.metrics.matching import NONE
from deepfake_detector.metrics.ranking import rank_by_voc

SHUFFLES = 20
"""Draws of the chance floor; the error of their mean is far below the intervals."""


def measure_precision(held_out: HeldOut, overlap: float) -> dict[str, float]:
    """Measure average precision by every rule: `ap_real`, `ap_real_voc_11`, `map_coco`, ..."""
    scores = score_detections(held_out.faces.to_detections(), held_out.truth, overlap)
    names = {f"ap_{name}": name for name in FACE_LABELS} | {
        "map": "mean",
        "location_ap": "location",
    }
    rules = {"": "voc_area", "_voc_11": "voc_11", "_coco": "coco"}
    return {
        f"{name}{ending}": scores[row][rule]
        for ending, rule in rules.items()
        for name, row in names.items()
    }


def measure_labels(held_out: HeldOut, overlap: float) -> dict[str, float]:
    """Measure how many faces are found, and how often these get the right label.

    `label_accuracy_floor` is what calling all of them by the commoner label would give.
    """
    is_found, is_right = find_right_labels(held_out, overlap)
    found = held_out.truth.label[is_found]
    commonest = max((np.count_nonzero(found == label) for label in LABELS), default=0)
    count = len(found) or np.nan
    return {
        "found": len(found) / len(is_found) if len(is_found) else np.nan,
        "label_accuracy": np.count_nonzero(is_right) / count,
        "label_accuracy_floor": commonest / count,
    }


def find_right_labels(held_out: HeldOut, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """Say of every annotated face [N] whether it was found, and found with the right label."""
    row = match_faces(held_out.faces, held_out.truth, overlap)
    called = np.append(call_labels(held_out.faces), NONE)[row]
    return row != NONE, called == held_out.truth.label


def measure_threshold(held_out: HeldOut, overlap: float, threshold: float) -> dict[str, float]:
    """Measure precision, recall and F1 of each label at one threshold: `precision_real`, ..."""
    detections = held_out.faces.to_detections()
    rankings = rank_by_voc(detections, held_out.truth, overlap, LABELS)
    figures = {}
    for label, name in enumerate(FACE_LABELS, 1):
        curves = compute_over_threshold(rankings[label], detections.score, np.array([threshold]))
        figures |= {f"{kind}_{name}": float(values[0]) for kind, values in curves.items()}
    return figures


def measure_chance(held_out: HeldOut, overlap: float, seed: int) -> dict[str, float]:
    """Measure the mAP of the same found faces with labels that mean nothing."""
    generator = np.random.default_rng(seed)
    return {
        "map_chance": compute_chance(held_out.faces, held_out.truth, overlap, SHUFFLES, generator)
    }
