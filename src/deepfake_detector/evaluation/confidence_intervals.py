"""95 % intervals of the main figures, by drawing sources.

Shapes: `I` images, `G` groups (sources), `D` draws.
"""

import numpy as np

from deepfake_detector.evaluation.detection_metrics import find_right_labels
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics.average_precision import LABELS
from deepfake_detector.metrics.bootstrap import (
    find_interval,
    resample_area,
    resample_ratio,
    sample_weights,
)
from deepfake_detector.metrics.detections import FACE, drop_truth_labels
from deepfake_detector.metrics.ranked_detections import rank_by_voc

RESAMPLED = ("ap_real", "ap_fake", "map_50", "class_agnostic_ap_50", "matched_label_accuracy")
"""The figures that get an interval."""


def measure_intervals(
    evaluated: EvaluationFrames, iou_threshold: float, n_bootstrap: int, seed: int
) -> dict:
    """Measure 95 % intervals by drawing sources: `map_50_ci95_low`, `map_50_ci95_high`, ...

    Returns:
        Also `intervals`, a sentence on how they were made, or why there are none.
    """
    group_names, group = number_sources(evaluated)
    if len(group_names) < 2 or n_bootstrap < 1:
        reason = "evaluate.n_bootstrap is 0" if n_bootstrap < 1 else "fewer than 2 test sources"
        empty = {f"{name}_ci95_{side}": np.nan for name in RESAMPLED for side in ("low", "high")}
        return empty | {"intervals": f"none: {reason}"}
    weights = sample_weights(len(group_names), n_bootstrap, np.random.default_rng(seed))
    sentence = f"95 %, {n_bootstrap:,} resamples of {len(group_names)} test sources"
    return _to_intervals(resample_metrics(evaluated, iou_threshold, group, weights)) | {
        "intervals": sentence
    }


def number_sources(evaluated: EvaluationFrames) -> tuple[np.ndarray, np.ndarray]:
    """Give the names of the sources [G] in order, and of every image [I] the source's number."""
    return np.unique(evaluated.images["source"].astype(str), return_inverse=True)


def resample_metrics(
    evaluated: EvaluationFrames, iou_threshold: float, group: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Give the draws [D] of each of `RESAMPLED`, sources weighted by `weights` [D, G]."""
    return dict(zip(RESAMPLED, _resample(evaluated, iou_threshold, group, weights), strict=True))


def _resample(
    evaluated: EvaluationFrames, iou_threshold: float, group: np.ndarray, weights: np.ndarray
) -> list:
    """Give the draws [D] of real, fake, their mean, location, and label accuracy."""

    def resample(detections, truth, labels):
        rankings = rank_by_voc(detections, truth, iou_threshold, labels)
        for label, ranking in rankings.items():
            groups = group[detections.image[ranking.order]]
            yield resample_area(ranking, groups, group[truth.image[truth.label == label]], weights)

    by_label = list(resample(evaluated.faces.to_detections(), evaluated.truth, LABELS))
    [location] = resample(
        evaluated.faces.to_locations(), drop_truth_labels(evaluated.truth), [FACE]
    )
    is_found, is_right = find_right_labels(evaluated, iou_threshold)
    found, right = (
        np.bincount(group[evaluated.truth.image[chosen]], minlength=weights.shape[1])
        for chosen in (is_found, is_right)
    )
    accuracy = resample_ratio(right, found, weights)
    return [*by_label, _average(by_label), location, accuracy]


def _average(by_label: list[np.ndarray]) -> np.ndarray:
    """Average the labels [D]; NaN where a draw lacks one that the test set has.

    (The mean of AP real alone would be another figure than the mean of both.)
    """
    measured = [n_bootstrap for n_bootstrap in by_label if not np.all(np.isnan(n_bootstrap))]
    return np.mean(measured or by_label, axis=0)


def _to_intervals(values: dict[str, np.ndarray]) -> dict[str, float]:
    metrics = {}
    for name, n_bootstrap in values.items():
        metrics[f"{name}_ci95_low"], metrics[f"{name}_ci95_high"] = find_interval(n_bootstrap)
    return metrics
