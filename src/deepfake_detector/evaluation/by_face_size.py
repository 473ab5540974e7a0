"""Figures by the size of the face: its share of the frame, and its px in the original frame.

The share decides what is left of a face in the detector's input, the px what there ever was to
see. Shapes: `N` annotated faces, `F` found faces.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.evaluation.detection_metrics import find_right_labels
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics.average_precision import LABELS, compute_area, compute_mean
from deepfake_detector.metrics.detections import FACE, drop_truth_labels
from deepfake_detector.metrics.face_matching import SIZES, name_sizes, rank_size
from deepfake_detector.metrics.matching import find_best_truth

EDGES_PX = (32, 64, 96, 128, 192)
"""Thresholds of the table's rows: the shorter side of a face."""

NAMES_PX = (
    f"under {EDGES_PX[0]}",
    *(f"{low} to {high - 1}" for low, high in pairwise(EDGES_PX)),
    f"{EDGES_PX[-1]} or more",
)
SIZE_COLUMNS = [
    "face_px",
    "faces",
    "found",
    "class_agnostic_ap_50",
    "map_50",
    "matched_label_accuracy",
]


def measure_sizes(evaluated: EvaluationFrames, iou_threshold: float) -> dict[str, float]:
    """Measure class-agnostic AP and mAP of small, medium and large faces, and count them."""
    truth_sizes = name_sizes(_fraction_of_frame(evaluated, evaluated.truth))
    face_sizes = name_sizes(_fraction_of_frame(evaluated, evaluated.faces))
    metrics = {}
    for size, row in enumerate(
        _rank_sizes(evaluated, iou_threshold, face_sizes, truth_sizes, SIZES)
    ):
        metrics |= {f"{name}_{SIZES[size]}": value for name, value in row.items()}
    return metrics


def make_size_table(evaluated: EvaluationFrames, iou_threshold: float) -> pd.DataFrame:
    """Make `SIZE_COLUMNS`, one row for each range of px that has annotated faces.

    `found` is the share that was found, `matched_label_accuracy` that of the found ones.
    """
    sizes = [
        np.searchsorted(EDGES_PX, _shorter_side(held.boxes), side="right")
        for held in (evaluated.faces, evaluated.truth)
    ]
    is_found, is_right = find_right_labels(evaluated, iou_threshold)
    rows = []
    for size, row in enumerate(_rank_sizes(evaluated, iou_threshold, *sizes, NAMES_PX)):
        found = is_found & (sizes[1] == size)
        count = np.count_nonzero(found)
        right = np.count_nonzero(is_right & found) / count if count else np.nan
        fraction = count / row["faces"] if row["faces"] else np.nan
        rows.append(
            {"face_px": NAMES_PX[size], "found": fraction, "matched_label_accuracy": right} | row
        )
    table = pd.DataFrame(rows, columns=SIZE_COLUMNS)
    return table[table["faces"] > 0].reset_index(drop=True)


def size_table_to_text(table: pd.DataFrame) -> str:
    """Make the table for people; empty where there is no face."""
    if table.empty:
        return ""
    head = (
        f"{'face, px':<14}{'faces':>7}{'found':>8}{'class-agnostic AP':>13}{'mAP':>8}"
        f"{'label acc.':>12}"
    )
    lines = [
        f"{row.face_px:<14}{row.faces:>7,}{row.found:>8.3f}{row.class_agnostic_ap_50:>13.3f}"
        f"{row.map_50:>8.3f}{row.matched_label_accuracy:>12.3f}"
        for row in table.itertuples()
    ]
    return "\n".join([head, *lines])


def _rank_sizes(evaluated: EvaluationFrames, iou_threshold: float, face_sizes, truth_sizes, names):
    """Give `faces, map, class_agnostic_ap_50` of every size.

    Args:
        face_sizes, truth_sizes: the place in `names` of each found [F] and annotated face [N].
    """
    detections, locations = evaluated.faces.to_detections(), evaluated.faces.to_locations()
    nameless = drop_truth_labels(evaluated.truth)
    best = find_best_truth(detections, evaluated.truth, iou_threshold)
    best_location = find_best_truth(locations, nameless, iou_threshold)
    for size in range(len(names)):
        is_size = np.repeat(face_sizes == size, len(FACE_LABELS)), truth_sizes == size
        areas = [
            compute_area(rank_size(detections, evaluated.truth, best, is_size, n)) for n in LABELS
        ]
        is_size = face_sizes == size, truth_sizes == size
        location = rank_size(locations, nameless, best_location, is_size, FACE)
        yield {
            "faces": location.truth_count,
            "map_50": compute_mean(areas),
            "class_agnostic_ap_50": compute_area(location),
        }


def _fraction_of_frame(evaluated: EvaluationFrames, boxed) -> np.ndarray:
    """Give the share of its frame's area that each box covers."""
    frame = (evaluated.images["width_px"] * evaluated.images["height_px"]).to_numpy()[boxed.image]
    boxes = boxed.boxes
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / frame


def _shorter_side(boxes: np.ndarray) -> np.ndarray:
    return np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
