"""The trials that a study begins with: the parameters as they are, and anchors fitted to faces.

Anchors are measured against the training faces before anything is trained with them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from deepfake_detector.config.schema import AnchorParams, DetectorParams, Params, flatten_params
from deepfake_detector.models.ssd.anchor_kmeans import fit_anchors
from deepfake_detector.models.ssd.anchor_recall import (
    AnchorPlaces,
    AnchorRecall,
    measure_anchors,
)
from deepfake_detector.tuning.study import ORIGIN, VALUES
from deepfake_detector.tuning.suggest import find_point

SEARCHED_ANCHORS = ("detector.anchors.scales", "detector.anchors.aspect_ratios")


@dataclass(frozen=True)
class InitialTrial:
    """A trial that is not sampled: its name, the nearest point of the space, its exact values."""

    origin: str
    point: dict[str, Any]
    values: dict[str, Any]


class TrainingFaces:
    """The faces of the train split, boxes [N, 4], for anchors to be measured against."""

    def __init__(self, boxes: np.ndarray):
        self._boxes = boxes
        self._places: dict[tuple[str, int], AnchorPlaces] = {}

    def measure(self, params: DetectorParams) -> AnchorRecall:
        """Measure how well a detector's anchors suit the faces."""
        iou_threshold = params.matching.positive_iou
        return measure_anchors(
            self._boxes, params.anchors, self._find_places(params), iou_threshold
        )

    def fit(self, anchors: AnchorParams) -> AnchorParams:
        """Fit anchors to the faces; `anchors` says how many there are."""
        return fit_anchors(self._boxes, anchors)

    def _find_places(self, params: DetectorParams) -> AnchorPlaces:
        """Find where the anchors of a detector stand; it is built once for that."""
        key = (params.backbone, params.image_size_px)
        if key not in self._places:
            from deepfake_detector.models.ssd.network import build_detector, list_map_sizes

            sizes = list_map_sizes(build_detector(params))
            self._places[key] = AnchorPlaces(sizes, params.image_size_px)
        return self._places[key]


def list_initial_trials(params: Params, faces: TrainingFaces) -> list[InitialTrial]:
    """List the trials a study begins with: `default`, then `fitted` where anchors are searched."""
    defaults = flatten_params(params)
    values = {space.name: defaults[space.name] for space in params.tune.space}
    trials = [InitialTrial("default", find_point(params, values), values)]
    fitted = faces.fit(params.detector.anchors)
    changes = {
        name: getattr(fitted, name.split(".")[-1]) for name in SEARCHED_ANCHORS if name in values
    }
    if changes:
        trials.append(
            InitialTrial("fitted", find_point(params, values | changes), values | changes)
        )
    return trials


def enqueue_initial_trials(study: optuna.Study, trials: list[InitialTrial]) -> None:
    """Enqueue the trials that a study begins with, unless it has them already."""
    known = {trial.user_attrs.get(ORIGIN) for trial in study.get_trials(deepcopy=False)}
    for trial in trials:
        if trial.origin not in known:
            attributes = {ORIGIN: trial.origin, VALUES: trial.values}
            study.enqueue_trial(trial.point, user_attrs=attributes)
