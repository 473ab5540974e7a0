"""How well faces are found and labelled: detections and truth in, figures out. No learning here.

An annotated face is found by the VOC rule unless a name says COCO. What cannot be measured (a
label that no annotated face has) is NaN, never 0; faces that nothing was found for cost: AP 0.
"""

from deepfake_detector.metrics.average_precision import compute_map, score_detections
from deepfake_detector.metrics.detection_tables import mean_average_precision
from deepfake_detector.metrics.detections import Detections, FoundFaces, Truth

__all__ = [
    "Detections",
    "FoundFaces",
    "Truth",
    "compute_map",
    "mean_average_precision",
    "score_detections",
]
