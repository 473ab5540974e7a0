"""Faces drawn on a picture: fake red, real blue, undecided gray, annotated green.

Lines and letters grow with the picture, so that a small clip and a 4K frame can both be read.
"""

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS

COLORS = {"real": (31, 111, 208), "fake": (214, 47, 47), "truth": (0, 140, 60)}  # RGB
UNDECIDED = (95, 95, 95)
WHITE = (255, 255, 255)
FONT = cv2.FONT_HERSHEY_DUPLEX


def draw_faces(
    image: np.ndarray, faces: pd.DataFrame, truth: pd.DataFrame | None = None
) -> np.ndarray:
    """Draw found faces with label and score, over annotated ones.

    Args:
        image: uint8 RGB [height, width, 3]; left as it is.
        faces: `left, top, right, bottom` in px of this image, `real, fake`; best face first. Their
            number in `track`, if there is one, is written before the label, which is that in
            `label`, or without that column the likelier one.
        truth: `left, top, right, bottom, label`; rows with an empty label are left out.

    Returns:
        A new image of the same shape.
    """
    picture = np.ascontiguousarray(image).copy()
    boxes = _list_faces(faces) + ([] if truth is None else _list_truth(truth))
    thickness = max(1, round(min(picture.shape[:2]) / 200))
    for box, color, _, _ in reversed(boxes):  # the best one last, on top
        cv2.rectangle(picture, box[:2], box[2:], color, thickness)
    taken = []
    for box, color, text, is_found in boxes:
        taken.append(_draw_tag(picture, box, (color, text), is_found, taken))
    return picture


def outline_boxes(
    image: np.ndarray, found_px: np.ndarray, truth_px: np.ndarray, width_px: int
) -> np.ndarray:
    """Shrink a picture to a width and outline found boxes in white, annotated ones in green.

    Args:
        image: uint8 RGB [height, width, 3].
        found_px: [N, 4] in px of the image, as `truth_px` [M, 4].
    """
    scale = width_px / image.shape[1]
    size = (width_px, max(1, round(image.shape[0] * scale)))
    picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    for boxes, color, thickness in ((found_px, WHITE, 1), (truth_px, COLORS["truth"], 2)):
        for left, top, right, bottom in (boxes * scale).round().astype(int).tolist():
            cv2.rectangle(picture, (left, top), (right, bottom), color, thickness)
    return picture


def _list_truth(truth: pd.DataFrame) -> list[tuple]:
    rows = truth[truth["label"].isin(FACE_LABELS)].itertuples()
    return [(_round_box(row), COLORS["truth"], f"truth: {row.label}", False) for row in rows]


def _list_faces(faces: pd.DataFrame) -> list[tuple]:
    rows = []
    for row in faces.itertuples():
        likelier = max(FACE_LABELS, key=lambda name: getattr(row, name))
        label = row.label if "label" in faces else likelier
        number = f"{row.track}: " if "track" in faces else ""
        text = f"{number}{label} {getattr(row, likelier):.2f}"
        rows.append((_round_box(row), COLORS.get(label, UNDECIDED), text, True))
    return rows


def _round_box(row) -> tuple[int, int, int, int]:
    return round(row.left), round(row.top), round(row.right), round(row.bottom)


def _draw_tag(picture: np.ndarray, box, tag: tuple, is_found: bool, taken: list) -> tuple:
    """Draw the text of a box where there is room; give the tag's own box.

    Found faces have it above, annotated ones below; else inside, or a line further off.
    """
    height, width = picture.shape[:2]
    color, text = tag
    scale = max(0.4, min(height, width) / 640)
    thickness = max(1, round(scale * 1.3))
    (text_width, text_height), base = cv2.getTextSize(text, FONT, scale, thickness)
    tag_width, tag_height = text_width + base, text_height + base + base // 2
    left, top, _, bottom = box
    if is_found:
        tops = [top - tag_height, top, top - 2 * tag_height, top + tag_height]
    else:
        tops = [bottom, bottom - tag_height, bottom + tag_height, bottom - 2 * tag_height]
    left = int(np.clip(left, 0, max(0, width - tag_width)))
    places = [(left, y, left + tag_width, y + tag_height) for y in tops]
    free = [p for p in places if p[1] >= 0 and p[3] <= height and not _is_taken(p, taken)]
    place = free[0] if free else places[1]
    cv2.rectangle(picture, place[:2], place[2:], color, cv2.FILLED)
    baseline = (place[0] + base // 2, place[3] - base)
    cv2.putText(picture, text, baseline, FONT, scale, WHITE, thickness, cv2.LINE_AA)
    return place


def _is_taken(place: tuple, taken: list) -> bool:
    return any(
        place[0] < other[2] and other[0] < place[2] and place[1] < other[3] and other[1] < place[3]
        for other in taken
    )
