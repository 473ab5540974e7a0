"""Faces that are given twice in a frame, found in memory that grows with their number alone.

Boxes of a frame are walked through from left to right; each is compared with those whose left edge
is near enough. Shapes: `N` faces.
"""

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou
from deepfake_detector.common.labels import FACE_LABELS


def find_same_faces(table: pd.DataFrame, min_iou: float) -> dict[str, pd.Series]:
    """Name, for each face, an earlier one with its box and label, and one with another label.

    Args:
        table: `video, frame, label, file, row` and boxes, with an index in the order of its rows.
        min_iou: two boxes of one frame that have at least this IoU are one face given twice.

    Returns:
        `same_face` and `other_label`, each `FILE row ROW` or None for every face.
    """
    columns = {name: pd.Series(None, table.index, dtype=object) for name in ("same", "other")}
    has_area = np.isfinite(table[BOX].to_numpy(float)).all(axis=1)
    has_area &= (table["right"] > table["left"]) & (table["bottom"] > table["top"])
    faces = table[has_area & table.duplicated(["video", "frame"], keep=False)]
    faces = faces.assign(place=faces["file"] + " row " + faces["row"].astype(str))
    exactly = faces.groupby(["video", "frame", *BOX, "label"], sort=False)["place"]
    first = exactly.transform("first")
    is_again = faces.duplicated(["video", "frame", *BOX, "label"])
    columns["same"].update(first[is_again])
    for index, other, has_same_label in _find_pairs(faces[~is_again], min_iou):
        if has_same_label:
            columns["same"][other] = faces["place"][index]
        elif {faces["label"][index], faces["label"][other]} <= set(FACE_LABELS):
            columns["other"][index] = faces["place"][other]
            columns["other"][other] = faces["place"][index]
    return {"same_face": columns["same"], "other_label": columns["other"]}


def _find_pairs(faces: pd.DataFrame, min_iou: float) -> list[tuple[int, int, bool]]:
    """Find pairs of one frame that are the same face: earlier index, later index, same label."""
    frames = faces.groupby(["video", "frame"]).ngroup().to_numpy()  # [N]
    order = np.lexsort([faces["left"].to_numpy(float), frames])
    frames, index = frames[order], faces.index.to_numpy()[order]
    boxes, labels = faces[BOX].to_numpy(float)[order], faces["label"].to_numpy()[order]
    # of two boxes of this IoU, the left edges are no further apart than this
    reach = boxes[:, 0] + (1 - min_iou) * (boxes[:, 2] - boxes[:, 0])  # [N]
    pairs, near, step = [], np.arange(len(boxes)), 0
    while len(near):
        step += 1
        near = near[near + step < len(boxes)]
        other = near + step
        is_near = (frames[other] == frames[near]) & (boxes[other, 0] <= reach[near] + 1e-9)
        near, other = near[is_near], other[is_near]
        is_same = compute_iou(boxes[near], boxes[other]) >= min_iou
        for one, two in zip(near[is_same], other[is_same], strict=True):
            earlier, later = sorted((index[one], index[two]))
            pairs.append((earlier, later, labels[one] == labels[two]))
    return sorted(pairs)
