"""A trained detector applied to frames: from pixels to tables of found faces.

A detector file needs no parameters beside it: anchors and thresholds are inside. Where a second
look was trained with it, each face is analyzed again in the frame as it was filmed.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS, label_to_name
from deepfake_detector.data.frame_records import read_records
from deepfake_detector.data.loading.crop_index import cut_from_record
from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.score_fusion import classify_faces

FACE_COLUMNS = [*BOX, *FACE_LABELS]
"""A found face: its box in px of the frame it was found in, and the probability of each label."""

FACE_CLASSIFIER = Path("face_classifier/face_classifier.keras")
"""Where the face classifier lies, from the folder of the detector."""


@dataclass(frozen=True)
class Detector:
    """What finds and labels faces.

    Attributes:
        ssd: a Keras model from images [B, size, size, 3] to boxes and scores.
        face_classifier: a `FaceClassifier`, or None where the SSD's labels stand.
    """

    ssd: Any
    face_classifier: Any = None


def load_detector(path: Path, face_classifier: Path | None = None) -> Detector:
    """Load a detector made by `train`.

    Args:
        face_classifier: its file, where it is not in its folder beside the detector.

    Raises:
        ValueError: there is no such file, or it is no detector of this project.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no detector here; run `dvc repro`, or name another file")
    from deepfake_detector.models.ssd.precision import fit_precision

    ssd = _load_network(path)
    if not isinstance(ssd.output, dict) or set(ssd.output) != {"boxes", "scores"}:
        raise ValueError(f"{path}: a Keras model, but not a detector of this project")
    fit_precision(ssd, ssd.get_layer("decode_detections").precision)
    classifier = face_classifier or Path(path).parent / FACE_CLASSIFIER
    return Detector(ssd, _load_network(classifier) if classifier.is_file() else None)


def _load_network(path: Path):
    import keras

    from deepfake_detector.models import face_classifier  # noqa: F401  registers its class
    from deepfake_detector.models.ssd import network  # noqa: F401  ... and their layers

    try:
        return keras.models.load_model(path, safe_mode=True, compile=False)
    except (OSError, TypeError, KeyError, ValueError) as error:
        cause = str(error).strip().rpartition("\n")[2]  # before it Keras prints the whole file
        raise ValueError(
            f"{path}: not a detector of this project as it is now; train one with `dvc repro`, or "
            f"name another file ({cause})"
        ) from error


def detect_faces(detector: Detector, frames: list[np.ndarray]) -> list[pd.DataFrame]:
    """Find the faces in frames of any size, and label them.

    Args:
        frames: each uint8 RGB [height, width, 3]; at least one.

    Returns:
        One table for each frame with `FACE_COLUMNS` and `classifiers.FAKE_SCORE_COLUMNS`, boxes in px clipped to the
        frame, the likeliest face first; empty where no face was found.
    """
    size_px = detector.ssd.input_shape[1]
    images = np.stack([cv2.resize(frame, (size_px, size_px)) for frame in frames])
    found = detector.ssd.predict_on_batch(images.astype(np.float32))
    tables = [
        faces_to_table(boxes, scores, frame.shape[1], frame.shape[0])
        for frame, boxes, scores in zip(frames, found["boxes"], found["scores"], strict=True)
    ]
    image = np.repeat(np.arange(len(frames)), [len(table) for table in tables])
    classifier = detector.face_classifier

    def cut(number: int, box_px: np.ndarray) -> np.ndarray:
        return cut_face(frames[number], box_px, classifier.crop_scale, classifier.crop_px)

    faces = classify_faces(classifier, pd.concat(tables, ignore_index=True), image, cut)
    return [faces[image == number].reset_index(drop=True) for number in range(len(frames))]


def faces_to_table(boxes, scores, width_px: int, height_px: int) -> pd.DataFrame:
    """Turn one frame's boxes [most, 4] and scores [most, 2] into a table, without empty rows."""
    found = scores.sum(axis=-1) > 0
    size_px = np.array([width_px, height_px])
    return pd.DataFrame(_to_rows(boxes[found], scores[found], size_px), columns=FACE_COLUMNS)


def name_labels(faces: pd.DataFrame) -> pd.DataFrame:
    """Add what people see of a table of faces: `label`, the likelier one, and its `score`."""
    scores = faces[list(FACE_LABELS)].to_numpy()
    names = np.array(FACE_LABELS)[scores.argmax(axis=1)] if len(faces) else []
    return faces.assign(label=names, score=scores.max(axis=1, initial=0.0))


def batch_to_table(found, truth) -> pd.DataFrame:
    """Turn a detector's output for an evaluation batch into a table.

    Args:
        found: `{"boxes": [B, most, 4], "scores": [B, most, 2]}`.
        truth: the faces of the batch, with `video`, `frame`, `width_px`, `height_px`, each [B].

    Returns:
        `video, frame` and `FACE_COLUMNS`, one row per found face; px of the original frame.
    """
    boxes, scores = np.asarray(found["boxes"]), np.asarray(found["scores"])
    image, rank = np.nonzero(scores.sum(axis=-1) > 0)  # one entry per found face
    sizes_px = np.stack([truth["width_px"], truth["height_px"]], axis=1)  # [B, 2]
    rows = _to_rows(boxes[image, rank], scores[image, rank], sizes_px[image])
    table = pd.DataFrame(rows, columns=FACE_COLUMNS)
    table.insert(0, "video", np.asarray(truth["video"]).astype(str)[image])
    table.insert(1, "frame", np.asarray(truth["frame"])[image])
    return table


def _to_rows(boxes, scores, size_px) -> np.ndarray:
    """Join boxes [M, 4], clipped and in px of frames of [2] or [M, 2] px, with scores [M, 2]."""
    boxes_px = np.clip(boxes, 0, 1) * np.concatenate([size_px, size_px], axis=-1)
    return np.concatenate([boxes_px, scores], axis=1)  # [M, 6]


def predict_shards(detector: Detector, shards: list[Path], batch_size: int = 16) -> pd.DataFrame:
    """Find the faces in all frames of shards, and label them.

    Returns:
        `video, frame`, `FACE_COLUMNS` and `classifiers.FAKE_SCORE_COLUMNS`, one row per found face; px of the
        original frame.
    """
    from tqdm import tqdm

    from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches

    size_px, classifier = detector.ssd.input_shape[1], detector.face_classifier
    records = read_records(shards)
    tables = []
    with tqdm(desc="predict", unit=" images") as progress:
        for images, truth in make_evaluation_batches(shards, batch_size, size_px):
            found = detector.ssd.predict_on_batch(images)
            shown = list(itertools.islice(records, len(images)))
            image = np.nonzero(np.asarray(found["scores"]).sum(axis=-1) > 0)[0]

            def cut(number: int, box_px: np.ndarray, shown=shown) -> np.ndarray:
                return cut_from_record(
                    shown[number], box_px, classifier.crop_scale, classifier.crop_px
                )

            tables.append(classify_faces(classifier, batch_to_table(found, truth), image, cut))
            progress.update(len(images))
    return join_tables(tables)


def read_truth(shards: list[Path]) -> pd.DataFrame:
    """Read the annotated faces of all frames of shards.

    Returns:
        `video, frame, left, top, right, bottom, label`, px of the original frame. A frame without
        a face is one row with an empty label and NaN for its box.
    """
    rows = [row for record in read_records(shards) for row in _record_to_rows(record)]
    return pd.DataFrame(rows, columns=["video", "frame", *BOX, "label"])


def _record_to_rows(record):
    video, frame = record["video"].decode(), int(record["frame"])
    width_px, height_px = int(record["width_px"]), int(record["height_px"])
    boxes = record["boxes"] * np.array([width_px, height_px, width_px, height_px])
    labels = record["labels"]
    if len(labels) == 0:
        yield (video, frame, *[np.nan] * 4, "")
    for box, label in zip(boxes, labels, strict=True):
        yield (video, frame, *box, label_to_name(int(label)))


def join_tables(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of batches; a table without rows where nothing was found."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
