"""Average precision of a ranking, and the figures for a whole set of detections.

Three rules of turning a precision-recall curve into one number:
VOC 11 points (Everingham et al. 2010, section 4.2), VOC area under the precision envelope (VOC
devkit 2010), COCO 101 points, mean over the overlaps 0.50, 0.55, ... 0.95 (pycocotools).
A label without any annotated face has no average precision: NaN. Faces without any detection: 0.
Shapes: `J` right detections.
"""

import numpy as np

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.metrics.coco_ranking import rank_by_coco
from deepfake_detector.metrics.detections import (
    FACE,
    Detections,
    Truth,
    drop_truth_labels,
    merge_labels,
)
from deepfake_detector.metrics.ranked_detections import Ranking, rank_by_voc

LABELS = range(1, 1 + len(FACE_LABELS))
COCO_IOUS = np.linspace(0.5, 0.95, 10)
COCO_MOST_PER_IMAGE = 100


def compute_map(detections: Detections, truth: Truth, iou_threshold: float) -> dict[str, float]:
    """Give `ap_real`, `ap_fake` and their mean `map` by the VOC area rule.

    NaN for a label without any annotated face; `map` is the mean of the others, as in COCO.
    """
    rankings = rank_by_voc(detections, truth, iou_threshold, LABELS)
    areas = {name: compute_area(rankings[label]) for label, name in enumerate(FACE_LABELS, 1)}
    return {f"ap_{name}": area for name, area in areas.items()} | {
        "map_50": compute_mean(areas.values())
    }


def compute_coco_map(detections: Detections, truth: Truth) -> float:
    """Compute the mean over both labels of COCO's AP, IoU 0.50:0.95.

    NaN without any annotated face; a label without one does not count, as in COCO.
    """
    ranked = rank_by_coco(detections, truth, COCO_IOUS, COCO_MOST_PER_IMAGE, LABELS)
    return compute_mean(compute_coco(ranked[label]) for label in LABELS)


def compute_class_agnostic_ap(detections: Detections, truth: Truth) -> float:
    """Compute COCO's AP of the faces whatever their label; NaN without any annotated face."""
    locations, faces = merge_labels(detections), drop_truth_labels(truth)
    ranked = rank_by_coco(locations, faces, COCO_IOUS, COCO_MOST_PER_IMAGE, [FACE])
    return compute_coco(ranked[FACE])


def score_detections(
    detections: Detections, truth: Truth, iou_threshold: float
) -> dict[str, dict[str, float]]:
    """Give `voc_11`, `voc_area` and `coco` of `real`, `fake`, their `mean`, and `location`."""
    by_label = _score_labels(detections, truth, iou_threshold, LABELS)
    scores = {name: by_label[label] for label, name in enumerate(FACE_LABELS, 1)}
    rules = by_label[LABELS[0]].keys()
    scores["mean"] = {
        rule: compute_mean(scores[name][rule] for name in FACE_LABELS) for rule in rules
    }
    locations = merge_labels(detections)
    scores["class_agnostic"] = _score_labels(
        locations, drop_truth_labels(truth), iou_threshold, [FACE]
    )[FACE]
    return scores


def compute_area(ranking: Ranking) -> float:
    """Compute the area under the precision envelope (VOC since 2010)."""
    if ranking.truth_count == 0:
        return float("nan")
    return float(np.sum(_compute_envelope(ranking)) / ranking.truth_count)


def compute_points(ranking: Ranking, points: int) -> float:
    """Compute the mean of the envelope at evenly spaced recalls: 11 in VOC 2007, 101 in COCO."""
    if ranking.truth_count == 0:
        return float("nan")
    envelope = np.append(_compute_envelope(ranking), 0.0)
    recall = np.arange(1, len(envelope)) / ranking.truth_count
    return float(np.mean(envelope[np.searchsorted(recall, np.linspace(0, 1, points))]))


def compute_coco(rankings: list[Ranking]) -> float:
    """Compute COCO's AP from the rankings of one label at every IoU threshold."""
    return float(np.mean([compute_points(ranking, 101) for ranking in rankings]))


def compute_mean(values) -> float:
    """Compute the mean of the figures that there are; NaN if there is none."""
    values = np.array([value for value in values if not np.isnan(value)])
    return float(values.mean()) if len(values) else float("nan")


def _score_labels(detections, truth, iou_threshold, labels) -> dict[int, dict[str, float]]:
    voc = rank_by_voc(detections, truth, iou_threshold, labels)
    coco = rank_by_coco(detections, truth, COCO_IOUS, COCO_MOST_PER_IMAGE, labels)
    return {
        label: {
            "voc_11": compute_points(voc[label], 11),
            "voc_area": compute_area(voc[label]),
            "coco": compute_coco(coco[label]),
        }
        for label in labels
    }


def _compute_envelope(ranking: Ranking) -> np.ndarray:
    """Give at every right detection [J] the best precision from there on."""
    precision = np.arange(1, 1 + len(ranking.right)) / (ranking.right + 1)
    return np.maximum.accumulate(precision[::-1])[::-1]
