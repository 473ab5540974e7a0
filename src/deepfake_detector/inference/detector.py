"""Faces in images: detect, crop, classify, fuse.

    boxes = detector.detect(images)
    crops = crop_faces(frames, boxes, scale, size_px)
    logits = detector.classify(crops)
    faces = fuse_scores(boxes, logits, weight)

A detector file needs no parameters beside it: anchors and thresholds are inside, and so is what
the face classifier's crops must show. Shapes: `B` images, `S` side of the SSD's input, `N` faces.
"""

import errno
import itertools
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.archives import check_archive_size
from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.faces.box_linking import interpolate_steady
from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.score_fusion import fuse_scores
from deepfake_detector.models.model_content import check_model_content
from deepfake_detector.video.frame_reader import Frame

FACE_COLUMNS = [*BOX, *FACE_LABELS]
"""A detected face: its box, and the probability of each label."""

FACE_CLASSIFIER = Path("face_classifier/face_classifier.keras")
"""Where the face classifier lies, from the folder of the detector."""

UNDECIDED = "undecided"
"""Label of what is surely a face, while neither real nor fake scores enough."""

CROPS_AT_ONCE = 32

MAX_SKIPPED_FRAMES = 15
"""From a detected frame to the next, with one between that is not: half a second."""


@dataclass(frozen=True)
class Detector:
    """What detects and classifies faces.

    Attributes:
        ssd: a Keras model from images [B, S, S, 3] to boxes and scores.
        face_classifier: a `FaceClassifier`, or None where the SSD's labels stand.
    """

    ssd: Any
    face_classifier: Any = None

    @property
    def image_size_px(self) -> int:
        return self.ssd.input_shape[1]

    @property
    def crop_shape(self) -> tuple[float, int]:
        """Scale and size in px of the classifier's crops; without one nothing is cropped."""
        classifier = self.face_classifier
        return (1.0, 1) if classifier is None else (classifier.crop_scale, classifier.crop_px)

    @property
    def fusion_weight(self) -> float:
        return 0.0 if self.face_classifier is None else self.face_classifier.fusion_weight

    def detect(self, images) -> pd.DataFrame:
        """Detect faces in images [B, S, S, 3], RGB 0-255.

        Returns:
            `image`, the number of the image, and `FACE_COLUMNS` with boxes in fractions of it, the
            likeliest face of each image first.
        """
        return outputs_to_boxes(self.ssd.predict_on_batch(images))

    def choose_classified(self, boxes: pd.DataFrame) -> pd.DataFrame:
        """Choose the rows of faces that are classified: those detected with enough certainty."""
        return boxes[self.is_classified(boxes[list(FACE_LABELS)].sum(axis=1).to_numpy())]

    def is_classified(self, certainty: np.ndarray) -> np.ndarray:
        """Tell which faces [N] are classified, by how certainly each was detected, 0-1."""
        if self.face_classifier is None:
            return np.zeros(len(certainty), bool)
        return certainty >= self.face_classifier.min_detection_score

    def classify(self, crops: list[np.ndarray]) -> np.ndarray:
        """Return the logits [N] of crops being fake; each uint8 [size, size, 3], may be none."""
        return classify_crops(self.face_classifier, crops)


def detect_faces(detector: Detector, frames: list[np.ndarray]) -> list[pd.DataFrame]:
    """Detect and classify the faces in frames of any size.

    Args:
        frames: each uint8 RGB [height, width, 3]; at least one.

    Returns:
        One table for each frame with `FACE_COLUMNS` and `score_fusion.FAKE_SCORE_COLUMNS`, boxes
        in px clipped to the frame, the likeliest face first; empty where no face was detected.
    """
    boxes = find_boxes(detector, frames)
    classified = detector.choose_classified(boxes)
    crops = crop_faces(frames, classified, *detector.crop_shape)
    logits = pd.Series(detector.classify(crops), classified.index)
    faces = fuse_scores(boxes, logits, detector.fusion_weight)
    tables = split_by_image(faces["image"], faces.drop(columns="image"), len(frames))
    return [table.reset_index(drop=True) for table in tables]


def find_boxes(detector: Detector, frames: list[np.ndarray]) -> pd.DataFrame:
    """Detect the faces in frames of any size, and classify none.

    Args:
        frames: each uint8 RGB [height, width, 3]; at least one.

    Returns:
        As `Detector.detect` does, boxes in px.
    """
    images = resize_frames(frames, detector.image_size_px)
    return scale_to_px(detector.detect(images), [frame.shape[1::-1] for frame in frames])


def detect_in_frames(
    detector: Detector, frames: list[Frame], min_face_score: float
) -> list[np.ndarray]:
    """Detect the faces in neighboring frames, and interpolate those that hardly move.

    Every other frame is detected, and those between where a face of `min_face_score` or more
    comes, goes or moves, or where frames are `MAX_SKIPPED_FRAMES` apart. One that has half of that
    score in the other frame is still there. Where no classifier decides, the SSD's own scores do,
    and every frame is detected.

    Returns:
        For each frame `FACE_COLUMNS` [N, 6], boxes in px; an interpolated one has no uncertain
        faces.
    """
    sparse = {*range(0, len(frames), 2), len(frames) - 1}
    if detector.face_classifier is None:
        sparse = set(range(len(frames)))
    found = _detect_some(detector, frames, sorted(sparse))
    for place in sorted(set(range(len(frames))) - sparse):
        sides = [_find_likely(found[place + step], min_face_score / 2) for step in (-1, 1)]
        is_sure = tuple(side[:, 4:].sum(axis=1) >= min_face_score for side in sides)
        numbers = [frames[place + step].number for step in (-1, 0, 1)]
        if numbers[2] - numbers[0] <= MAX_SKIPPED_FRAMES:
            weight = (numbers[1] - numbers[0]) / (numbers[2] - numbers[0])
            between = interpolate_steady(*sides, is_sure, weight)
            if between is not None:
                found[place] = between
    found |= _detect_some(detector, frames, [n for n in range(len(frames)) if n not in found])
    return [found[place] for place in range(len(frames))]


def _find_likely(faces: np.ndarray, min_score: float) -> np.ndarray:
    """Return the rows of `FACE_COLUMNS` [N, 6] whose scores add up to `min_score` or more."""
    return faces[faces[:, 4:].sum(axis=1) >= min_score]


def _detect_some(
    detector: Detector, frames: list[Frame], places: list[int]
) -> dict[int, np.ndarray]:
    """Detect the faces [N, 6] of the frames at some places, by place."""
    if not places:
        return {}
    boxes = find_boxes(detector, [frames[place].image for place in places])
    rows = split_by_image(boxes["image"], boxes[FACE_COLUMNS].to_numpy(), len(places))
    return dict(zip(places, rows, strict=True))


def split_by_image(image, rows, n_images: int) -> list:
    """Split rows, which have the numbers of their images in rising order, into those of each."""
    ends = np.searchsorted(image, range(n_images + 1))
    return [rows[start:end] for start, end in itertools.pairwise(ends)]


def resize_frames(frames: list[np.ndarray], size_px: int) -> np.ndarray:
    """Resize frames to squares: float32 [B, S, S, 3]."""
    images = np.stack([cv2.resize(frame, (size_px, size_px)) for frame in frames])
    return images.astype(np.float32)


def outputs_to_boxes(outputs) -> pd.DataFrame:
    """Turn the SSD's outputs into the table that `Detector.detect` returns.

    Args:
        outputs: `{"boxes": [B, most, 4], "scores": [B, most, 2]}`; rows without a score are empty.
    """
    boxes, scores = np.asarray(outputs["boxes"]), np.asarray(outputs["scores"])
    image, rank = np.nonzero(scores.sum(axis=-1) > 0)  # one entry for each detected face
    rows = np.concatenate([np.clip(boxes[image, rank], 0, 1), scores[image, rank]], axis=1)
    table = pd.DataFrame(rows.astype(float), columns=FACE_COLUMNS)
    table.insert(0, "image", image)
    return table


def scale_to_px(boxes: pd.DataFrame, sizes_px) -> pd.DataFrame:
    """Turn boxes in fractions into px.

    Args:
        boxes: with `image` and `BOX`.
        sizes_px: width and height of each image [B, 2].
    """
    sizes_px = np.asarray(sizes_px).reshape(-1, 2)[boxes["image"]]  # [N, 2]
    boxes_px = boxes[BOX].to_numpy() * np.concatenate([sizes_px, sizes_px], axis=1)
    return boxes.assign(**dict(zip(BOX, boxes_px.T, strict=True)))


def crop_faces(
    frames: list[np.ndarray], boxes: pd.DataFrame, scale: float, size_px: int
) -> list[np.ndarray]:
    """Cut faces out of frames as they were filmed.

    Args:
        boxes: `image`, the number of the frame, and `BOX` in px of it.
        scale: side of a crop over the longer side of the box.

    Returns:
        Squares of `size_px`, uint8, in the order of the boxes.
    """
    places = zip(boxes["image"], boxes[BOX].to_numpy(), strict=True)
    return [cut_face(frames[number], box_px, scale, size_px) for number, box_px in places]


def classify_crops(classifier, crops: list[np.ndarray]) -> np.ndarray:
    """Return the logits [N] of crops being fake, a batch of them at a time.

    Args:
        classifier: a `FaceClassifier`.
        crops: each uint8 [size, size, 3]; may be none.
    """
    logits = [np.zeros(0, np.float32)]
    for start in range(0, len(crops), CROPS_AT_ONCE):
        batch = np.stack(crops[start : start + CROPS_AT_ONCE]).astype(np.float32)
        logits.append(np.asarray(classifier.predict_on_batch(batch)))
    return np.concatenate(logits)


def choose_shown(faces: pd.DataFrame, min_score: float) -> pd.DataFrame:
    """Choose the faces that people see: surely a face, whichever label it has.

    Args:
        min_score: least score of real and fake together, and least score of a label.

    Returns:
        The chosen rows with `score`, that of the likelier label, and `label`: that label, or
        `UNDECIDED` where its score is less than `min_score`.
    """
    scores = faces[list(FACE_LABELS)].to_numpy()
    best = scores.max(axis=1, initial=0.0)
    names = np.array(FACE_LABELS)[scores.argmax(axis=1)] if len(faces) else np.array([], str)
    labels = np.where(best >= min_score, names, UNDECIDED)
    return faces.assign(label=labels, score=best)[scores.sum(axis=1) >= min_score]


def load_detector(path: Path, face_classifier: Path | None = None) -> Detector:
    """Load a detector made by `train`.

    Args:
        face_classifier: its file, where it is not in its folder beside the detector.

    Raises:
        ValueError: a file is not there, is damaged, or is another model than is expected.
    """
    from deepfake_detector.models.face_classifier import FaceClassifier
    from deepfake_detector.models.ssd import network  # noqa: F401  registers its layers
    from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder
    from deepfake_detector.models.ssd.precision import fit_precision

    path = Path(path)
    ssd = _load_network(path)
    if isinstance(ssd, FaceClassifier):
        raise ValueError(f"{path}: a face classifier, expected a detector; name detector.keras")
    decoders = [layer for layer in ssd.layers if isinstance(layer, DetectionDecoder)]
    if not decoders:
        raise ValueError(f"{path}: a Keras model, but not a detector of this project")
    fit_precision(ssd, decoders[0].precision)
    beside = face_classifier or path.parent / FACE_CLASSIFIER
    if not beside.is_file():
        return Detector(ssd)
    classifier = _load_network(beside)
    if not isinstance(classifier, FaceClassifier):
        raise ValueError(f"{beside}: a Keras model, but not a face classifier of this project")
    return Detector(ssd, classifier)


_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(UnicodeError, ArithmeticError, struct.error),
)
"""What Python's zipfile raises where bytes of an archive are changed or missing."""


_NOT_LOADED = (
    *(OSError, TypeError, LookupError, ValueError, AttributeError, ImportError),
    *(RuntimeError, ArithmeticError, MemoryError),
)
"""What Keras and HDF5 raise where a file holds something else than they expect."""


def _load_network(path: Path):
    import keras

    if not path.is_file():
        raise ValueError(f"{path}: no detector here; run `dvc repro`, or name another model")
    check_archive(path)
    check_model_content(path)
    try:
        return keras.models.load_model(path, safe_mode=True, compile=False)
    except _NOT_LOADED as error:
        cause = str(error).strip().rpartition("\n")[2]  # before it Keras prints the whole file
        raise ValueError(
            f"{path}: not a detector of this project as it is now; train one with `dvc repro`, or "
            f"name another model ({cause})"
        ) from error


def check_archive(path: Path) -> None:
    """Check every byte of a `.keras` file, a ZIP archive, against its checksums.

    Keras reads weights without looking at them: a changed byte would be a changed weight.

    Raises:
        ValueError: it is damaged, no archive, or larger unpacked than any model.
    """
    try:
        check_archive_size(path)
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # trouble of the machine; EINVAL is a place before the beginning of the file
        raise ValueError(
            f"{path}: not a detector of this project, or damaged ({error}); copy it again"
        ) from error
    if damaged is not None:
        raise ValueError(f"{path}: damaged at {damaged}; copy it again, or train with `dvc repro`")
