"""What an epoch is measured by: some frames of each validation video.

`SsdValidator` measures the whole detector, boxes of the SSD and labels of the face classifier;
`validate_classifier` measures a face classifier on annotated faces.
"""

from collections import defaultdict
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.special import expit

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS, FAKE
from deepfake_detector.config.schema import Params
from deepfake_detector.data.loading.crop_index import (
    Crop,
    cut_from_record,
    read_face,
)
from deepfake_detector.inference.detector import classify_crops
from deepfake_detector.inference.score_fusion import fuse_scores
from deepfake_detector.inference.shards import batch_to_table, join_tables, read_truth
from deepfake_detector.metrics import mean_average_precision
from deepfake_detector.metrics.classification import compute_auc, compute_log_loss
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.video.sampling import spread

MAX_CLASSIFIED = 4
"""Faces of a frame that are classified, the best-scored ones: an early epoch finds many that are
none, and a crop takes three networks half as long again as a frame takes the SSD."""


class SsdValidator:
    """Losses of the SSD, and AP of the whole detector, in one pass over validation frames.

    Args:
        trainer: a `DetectorTrainer`.
        inference_model: of its detector.
        classifier: labels the faces that the SSD finds; None: the SSD's own labels count.
        shards: of the validation videos.
    """

    def __init__(
        self,
        trainer,
        inference_model: keras.Model,
        classifier: FaceClassifier | None,
        shards: list[Path],
        params: Params,
    ):
        self._trainer, self._classifier, self._shards = trainer, classifier, shards
        self._iou_threshold = params.evaluate.iou_threshold
        self._batch_size, self._size_px = params.train.batch_size, params.detector.image_size_px
        outputs = trainer.detector.output | inference_model.output
        self._predictor = keras.Model(inference_model.input, outputs)
        truth = read_truth(shards)
        self._chosen, self._truth = choose_frames(truth, params.train.validation_frames)

    def measure(self) -> dict[str, float]:
        """Measure the detector as it is now: the columns `validation_...` of `history.csv`."""
        from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches

        tables, losses, weights = [], [], []
        for images, frames in make_evaluation_batches(
            self._shards, self._batch_size, self._size_px, self._chosen
        ):
            outputs = self._predictor.predict_on_batch(images)
            losses.append([float(part) for part in self._trainer.compute_parts(frames, outputs)])
            weights.append(len(images))
            faces = batch_to_table(outputs, frames)
            if self._classifier is not None:
                faces = classify_best_faces(self._classifier, faces, frames)
            tables.append(faces)
        box, label = np.average(losses, axis=0, weights=weights)
        precision = mean_average_precision(join_tables(tables), self._truth, self._iou_threshold)
        losses = {"loss": float(box + label), "box_loss": float(box), "class_loss": float(label)}
        return {f"validation_{name}": value for name, value in (losses | precision).items()}


def classify_best_faces(
    classifier: FaceClassifier, faces: pd.DataFrame, frames: dict
) -> pd.DataFrame:
    """Let a classifier label the best-scored faces of frames, as a prediction would.

    Args:
        faces: `video, frame, left, top, right, bottom, real, fake`, px of the original frame.
        frames: a batch of `make_evaluation_batches` with the frames that the faces are in.

    Returns:
        The faces with fused scores. Past `MAX_CLASSIFIED` faces of a frame, and below the
        classifier's least score, they are the SSD's.
    """
    scores = faces[list(FACE_LABELS)].to_numpy(float)
    score = pd.Series(scores.sum(axis=1), faces.index)
    rank = score.groupby([faces["video"], faces["frame"]]).rank(method="first", ascending=False)
    enough = score >= classifier.min_detection_score
    chosen = np.flatnonzero(enough & (rank <= MAX_CLASSIFIED))
    records = _index_records(frames)
    keys = list(zip(faces["video"], faces["frame"], strict=True))
    boxes_px = faces[BOX].to_numpy(float)
    crops = [
        cut_from_record(
            records[keys[row]], boxes_px[row], classifier.crop_scale, classifier.crop_px
        )
        for row in chosen
    ]
    logits = pd.Series(classify_crops(classifier, crops), faces.index[chosen])
    return fuse_scores(faces, logits, classifier.fusion_weight)


def _index_records(frames: dict) -> dict[tuple[str, int], dict]:
    """Return the records of a batch of frames by video and frame."""
    names = ("image", "crops", "windows", "width_px", "height_px")
    columns = {name: np.asarray(frames[name]) for name in names}
    videos = np.asarray(frames["video"]).astype(str)
    keys = zip(videos, np.asarray(frames["frame"]).tolist(), strict=True)
    return {
        key: {name: values[number] for name, values in columns.items()}
        for number, key in enumerate(keys)
    }


def validate_classifier(classifier: FaceClassifier, crops: list[Crop]) -> dict[str, float]:
    """Measure a classifier on annotated faces: frames and, by their mean logit, videos.

    Returns:
        `validation_loss` (log loss of frames), `validation_frame_auc`, `validation_video_auc`;
        NaN where there are no faces, or the AUC none of one label.
    """
    faces = [read_face(crop, classifier.crop_scale, classifier.crop_px) for crop in crops]
    logits = classify_crops(classifier, faces)
    table = pd.DataFrame({"video": [crop.video for crop in crops], "logit": logits})
    table["is_fake"] = [crop.label == FAKE for crop in crops]
    videos = table.groupby(["video", "is_fake"], as_index=False)["logit"].mean()
    is_fake = table["is_fake"].to_numpy(bool)
    return {
        "validation_loss": compute_log_loss(is_fake, expit(logits)),
        "validation_frame_auc": compute_auc(is_fake, logits),
        "validation_video_auc": compute_auc(
            videos["is_fake"].to_numpy(bool), videos["logit"].to_numpy()
        ),
    }


def choose_frames(truth: pd.DataFrame, max_count: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Choose at most so many frames of each video, spread over it.

    Args:
        truth: annotated faces as `read_truth` returns them, `R` frames of all videos.

    Returns:
        Which frames are chosen, bool [R], and what is annotated in them.
    """
    images = truth[["video", "frame"]].drop_duplicates(ignore_index=True)
    rows = images.groupby("video", sort=False).indices.values()
    chosen = np.zeros(len(images), bool)
    for of_video in rows:
        chosen[of_video[spread(len(of_video), max_count)]] = True
    return chosen, truth.merge(images[chosen], on=["video", "frame"])


def choose_crops(crops: list[Crop], max_count: int) -> list[Crop]:
    """Choose at most so many crops of each video, spread over it."""
    by_video = defaultdict(list)
    for crop in crops:
        by_video[crop.video].append(crop)
    return [
        video[number] for video in by_video.values() for number in spread(len(video), max_count)
    ]
