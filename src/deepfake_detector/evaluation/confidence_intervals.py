"""95 % intervals of the main figures, by drawing sources.

Shapes: `I` images, `G` groups (sources), `D` draws.
"""

import numpy as np

from deepfake_detector.evaluation.detection_metrics import find_right_labels
from deepfake_detector.evaluation.evaluation_frames import HeldOut
from deepfake_detector.metrics.average_precision import LABELS
from deepfake_detector.metrics.bootstrap import (
    draw_weights,
    find_interval,
    resample_area,
    resample_share,
)
from deepfake_detector.metrics.detections import FACE, drop_truth_labels
from deepfake_detector.metrics.ranking import rank_by_voc

RESAMPLED = ("ap_real", "ap_fake", "map", "location_ap", "label_accuracy")
"""The figures that get an interval."""


def measure_intervals(held_out: HeldOut, overlap: float, draws: int, seed: int) -> dict:
    """Measure 95 % intervals by drawing sources: `map_low`, `map_high`, ...

    Returns:
        Also `intervals`, a sentence on how they were made, or why there are none.
    """
    group_names, group = number_sources(held_out)
    if len(group_names) < 2 or draws < 1:
        reason = "evaluate.resamples is 0" if draws < 1 else "fewer than 2 test sources"
        empty = {f"{name}_{side}": np.nan for name in RESAMPLED for side in ("low", "high")}
        return empty | {"intervals": f"none: {reason}"}
    weights = draw_weights(len(group_names), draws, np.random.default_rng(seed))
    sentence = f"95 %, {draws:,} resamples of {len(group_names)} test sources"
    return _to_intervals(resample_figures(held_out, overlap, group, weights)) | {
        "intervals": sentence
    }


def number_sources(held_out: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Give the names of the sources [G] in order, and of every image [I] the source's number."""
    return np.unique(held_out.images["source"].astype(str), return_inverse=True)


def resample_figures(
    held_out: HeldOut, overlap: float, group: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Give the draws [D] of each of `RESAMPLED`, sources weighted by `weights` [D, G]."""
    return dict(zip(RESAMPLED, _resample(held_out, overlap, group, weights), strict=True))


def _resample(held_out: HeldOut, overlap: float, group: np.ndarray, weights: np.ndarray) -> list:
    """Give the draws [D] of real, fake, their mean, location, and label accuracy."""

    def resample(detections, truth, labels):
        rankings = rank_by_voc(detections, truth, overlap, labels)
        for label, ranking in rankings.items():
            groups = group[detections.image[ranking.order]]
            yield resample_area(ranking, groups, group[truth.image[truth.label == label]], weights)

    by_label = list(resample(held_out.faces.to_detections(), held_out.truth, LABELS))
    [location] = resample(held_out.faces.to_locations(), drop_truth_labels(held_out.truth), [FACE])
    is_found, is_right = find_right_labels(held_out, overlap)
    found, right = (
        np.bincount(group[held_out.truth.image[chosen]], minlength=weights.shape[1])
        for chosen in (is_found, is_right)
    )
    accuracy = resample_share(right, found, weights)
    return [*by_label, _average(by_label), location, accuracy]


def _average(by_label: list[np.ndarray]) -> np.ndarray:
    """Average the labels [D]; NaN where a draw lacks one that the test set has.

    (The mean of AP real alone would be another figure than the mean of both.)
    """
    measured = [draws for draws in by_label if not np.all(np.isnan(draws))]
    return np.mean(measured or by_label, axis=0)


def _to_intervals(values: dict[str, np.ndarray]) -> dict[str, float]:
    figures = {}
    for name, draws in values.items():
        figures[f"{name}_low"], figures[f"{name}_high"] = find_interval(draws)
    return figures
