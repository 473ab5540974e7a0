"""Which frames to show: those the detector is most right and most wrong about.

Shapes: `I` images, `F` found faces, `N` annotated faces.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.frame_records import make_shard_path, parse_record
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics.face_matching import call_labels, match_faces
from deepfake_detector.metrics.matching import NONE
from deepfake_detector.video.images import decode_image

NAMES = np.array(["nothing", *FACE_LABELS])


@dataclass(frozen=True)
class Example:
    """A frame, uint8 RGB, with found and annotated faces in its px, and what it shows in words."""

    picture: np.ndarray
    faces: pd.DataFrame
    truth: pd.DataFrame
    caption: str


def rate_images(
    evaluated: EvaluationFrames, iou_threshold: float, threshold: float
) -> pd.DataFrame:
    """Rate every frame by the worst thing in it: 1 all right, -1 wrong and sure of it.

    An annotated face counts with the score of its own label less that of the other one, a missed
    one with -1, a false alarm of `threshold` or more, which people would see, with 1 - 2 × its
    score.

    Returns:
        `video, frame, faces, rating, cause`; the row [I] is the image number, `cause` says what
        decided the rating.
    """
    things = pd.concat(
        [_rate_truth(evaluated, iou_threshold), _rate_alarms(evaluated, iou_threshold, threshold)]
    )
    worst = things.sort_values("rating", kind="stable").drop_duplicates("image").set_index("image")
    counts = np.bincount(evaluated.truth.image, minlength=len(evaluated.images))
    images = evaluated.images[["video", "frame"]].assign(faces=counts).join(worst)
    return images.fillna({"rating": 1.0, "cause": "nothing there, nothing found"})


def _rate_truth(evaluated: EvaluationFrames, iou_threshold: float) -> pd.DataFrame:
    row = match_faces(evaluated.faces, evaluated.truth, iou_threshold)
    scores = np.concatenate([evaluated.faces.scores, [[0, 0]]])[row]  # [N, 2]
    called = np.append(call_labels(evaluated.faces), 0)[row]
    label = evaluated.truth.label
    own = np.take_along_axis(scores, label[:, None] - 1, axis=1)[:, 0]
    cause = [
        f"{NAMES[is_]} called {NAMES[said]}, {top:.2f}" if said else f"{NAMES[is_]} face missed"
        for is_, said, top in zip(label, called, scores.max(axis=1, initial=0), strict=True)
    ]
    rating = np.where(row == NONE, -1.0, 2 * own - scores.sum(axis=1))
    return pd.DataFrame({"image": evaluated.truth.image, "rating": rating, "cause": cause})


def _rate_alarms(
    evaluated: EvaluationFrames, iou_threshold: float, threshold: float
) -> pd.DataFrame:
    row = match_faces(evaluated.faces, evaluated.truth, iou_threshold)
    is_alarm = evaluated.faces.scores.max(axis=1, initial=0) >= threshold
    is_alarm[row[row != NONE]] = False
    top = evaluated.faces.scores[is_alarm].max(axis=1, initial=0)
    called = call_labels(evaluated.faces)[is_alarm]
    cause = [
        f"no face, called {NAMES[label]}, {score:.2f}"
        for label, score in zip(called, top, strict=True)
    ]
    image = evaluated.faces.image[is_alarm]
    return pd.DataFrame({"image": image, "rating": 1 - 2 * top, "cause": cause})


def choose_examples(rated: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose the best and the worst rated frames, of every video about as many.

    The best ones have a face. No frame is in both.
    """
    count = min(count, len(rated) // 2)
    worst = _choose(rated.sort_values("rating", kind="stable"), count)
    others = rated.drop(worst.index)
    others = others[others["faces"] > 0].sort_values("rating", ascending=False, kind="stable")
    return _choose(others, count), worst


def _choose(ordered: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose the first rows, of each video at most its share; fewer where videos are short."""
    fraction = math.ceil(count / max(1, ordered["video"].nunique()))
    return ordered[ordered.groupby("video").cumcount() < fraction].head(count)


def read_examples(
    chosen: pd.DataFrame, evaluated: EvaluationFrames, shards: Path, threshold: float
) -> list[Example]:
    """Read frames from their shards, with the faces to draw on them.

    Found faces are shown when their higher score is `threshold` or more; where a frame then has
    fewer than are annotated, its next best ones as well.
    """
    pictures = _read_pictures(chosen, shards)
    examples = []
    for image, row in chosen.iterrows():
        picture = pictures[image]
        scale = picture.shape[1] / evaluated.images["width_px"][image]  # shards may be shrunk
        faces, truth = _list_faces(evaluated, image, scale), _list_truth(evaluated, image, scale)
        shown = max(int(np.count_nonzero(faces[list(FACE_LABELS)].max(axis=1) >= threshold)),
                    len(truth))  # fmt: skip
        caption = (
            f"{row['video']}, frame {row['frame']}\n{row['cause']}{_tell_sizes(truth, scale)}"
        )
        examples.append(Example(picture, faces.head(shown), truth, caption))
    return examples


def _tell_sizes(truth: pd.DataFrame, scale: float) -> str:
    """Say how large the annotated faces are, shorter sides in px of the original frame."""
    sides = np.minimum(truth["right"] - truth["left"], truth["bottom"] - truth["top"]) / scale
    return f"; face of {', '.join(f'{side:.0f}' for side in sides)} px" if len(sides) else ""


def _list_faces(evaluated: EvaluationFrames, image: int, scale: float) -> pd.DataFrame:
    """List the found faces of a frame, the one with the highest score first."""
    rows = np.flatnonzero(evaluated.faces.image == image)
    scores = evaluated.faces.scores[rows]
    order = np.argsort(-scores.max(axis=1, initial=0), kind="stable")
    table = pd.DataFrame(evaluated.faces.boxes[rows] * scale, columns=BOX)
    return table.assign(**dict(zip(FACE_LABELS, scores.T, strict=True))).iloc[order]


def _list_truth(evaluated: EvaluationFrames, image: int, scale: float) -> pd.DataFrame:
    rows = np.flatnonzero(evaluated.truth.image == image)
    table = pd.DataFrame(evaluated.truth.boxes[rows] * scale, columns=BOX)
    return table.assign(label=NAMES[evaluated.truth.label[rows]])


def _read_pictures(chosen: pd.DataFrame, shards: Path) -> dict[int, np.ndarray]:
    """Read frames, uint8 RGB [height, width, 3] by image number."""
    import tensorflow as tf

    pictures = {}
    for video, rows in chosen.groupby("video"):
        wanted = dict(zip(rows["frame"], rows.index, strict=True))
        dataset = tf.data.TFRecordDataset(str(make_shard_path(shards, video))).map(parse_record)
        for record in dataset.as_numpy_iterator():
            if int(record["frame"]) in wanted:
                pictures[wanted[int(record["frame"])]] = decode_image(record["image"])
    return pictures
