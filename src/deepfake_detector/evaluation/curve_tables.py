"""Curves and counts as tables, one row per point, for `dvc plots` and for drawing."""

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics.average_precision import LABELS
from deepfake_detector.metrics.curves import compute_over_threshold, compute_precision_recall
from deepfake_detector.metrics.detections import FACE, drop_truth_labels
from deepfake_detector.metrics.face_matching import compute_confusion
from deepfake_detector.metrics.ranked_detections import rank_by_voc

POINTS = 500
THRESHOLDS = np.linspace(0, 1, 101)
LOCATION = "class_agnostic"
"""In the column `label`: any face, its label ignored."""


def make_precision_recall(evaluated: EvaluationFrames, iou_threshold: float) -> pd.DataFrame:
    """Make `recall, precision, label` at right detections, best scores first."""
    rankings = _rank(evaluated, iou_threshold)
    tables = []
    for name, (ranking, _) in rankings.items():
        recall, precision = compute_precision_recall(ranking, POINTS)
        tables.append(pd.DataFrame({"recall": recall, "precision": precision, "label": name}))
    return pd.concat(tables, ignore_index=True)


def make_over_threshold(evaluated: EvaluationFrames, iou_threshold: float) -> pd.DataFrame:
    """Make `threshold, precision, recall, f1, label` at a hundred thresholds of the score."""
    rankings = _rank(evaluated, iou_threshold)
    tables = []
    for name, (ranking, scores) in rankings.items():
        curves = compute_over_threshold(ranking, scores, THRESHOLDS)
        tables.append(pd.DataFrame({"threshold": THRESHOLDS, **curves, "label": name}))
    return pd.concat(tables, ignore_index=True)


def make_confusion(
    evaluated: EvaluationFrames, iou_threshold: float, threshold: float
) -> pd.DataFrame:
    """Make `annotated, called, faces`.

    Annotated as `nothing` are false alarms, called `nothing` are missed faces.
    """
    counts = compute_confusion(evaluated.faces, evaluated.truth, iou_threshold, threshold)
    names = ["nothing", *FACE_LABELS]
    rows = [
        (annotated, called, int(counts[row, column]))
        for row, annotated in enumerate(names)
        for column, called in enumerate(names)
        if row or column  # nothing there and nothing called: not counted
    ]
    return pd.DataFrame(rows, columns=["annotated", "called", "faces"])


def _rank(evaluated: EvaluationFrames, iou_threshold: float) -> dict:
    """Rank real, fake and location; give each ranking with the scores it ranks."""
    detections, locations = evaluated.faces.to_detections(), evaluated.faces.to_locations()
    by_label = rank_by_voc(detections, evaluated.truth, iou_threshold, LABELS)
    truth = drop_truth_labels(evaluated.truth)
    rankings = {
        name: (by_label[label], detections.score) for label, name in enumerate(FACE_LABELS, 1)
    }
    location = rank_by_voc(locations, truth, iou_threshold, [FACE])[FACE]
    return rankings | {LOCATION: (location, locations.score)}
