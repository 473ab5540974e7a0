"""After each epoch of a face classifier's network: validation, the history, the best, a checkpoint.

What is validated and kept are the averaged weights. Shapes: `N` faces, `S` side of a crop in px.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable

import keras
import pandas as pd
from scipy.special import expit

from deepfake_detector.common.labels import FAKE
from deepfake_detector.config.schema import FaceClassifierParams
from deepfake_detector.data.loading.crop_index import Crop, find_box_px, read_crop
from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.detector import classify_crops
from deepfake_detector.metrics.classification import compute_auc, compute_log_loss
from deepfake_detector.models.face_classifier import FaceClassifier, build_face_classifier
from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.epoch_validation import spread


class FaceClassifierEpochEnd(keras.callbacks.Callback):
    """Validates, keeps and reports each epoch; goes on from its checkpoint."""

    def __init__(
        self,
        classifier: FaceClassifier,
        params: FaceClassifierParams,
        validation: list[Crop],
        checkpoint: Checkpoint,
        report: Callable,
    ):
        super().__init__()
        self._look, self._params, self._report = classifier, params, report
        self._averaged = build_face_classifier(params)
        self._validation = choose_crops(validation, params.validation_frames)
        self._checkpoint = checkpoint
        self._history: list[dict] = []
        self._started = time.monotonic()

    def resume(self) -> int:
        """Take up the checkpoint where one fits; give the number of finished epochs."""
        self._history = self._checkpoint.restore(self._look, self._look.optimizer)
        for row in self._history:
            self._report(row)
        return len(self._history)

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._started
        pairs = (
            self.params["steps"] * self._params.pairs_per_batch
        )  # Keras gives its callbacks these
        self._average()
        row = {
            "epoch": epoch + 1,
            "train_loss": float(logs["loss"]),
            **validate(self._averaged, self._validation),
            "learning_rate": float(keras.ops.convert_to_numpy(self._look.optimizer.learning_rate)),
            "crops_per_second": 2 * pairs / seconds,
        }
        self._history.append(row)
        ranks = [rank_epoch(row) for row in self._history]
        is_best = ranks[-1] == max(ranks)
        self._checkpoint.save(
            self._look, self._look.optimizer, self._averaged, self._history, is_best
        )
        self._report(row)

    def _average(self) -> None:
        """Put the averaged weights into the network that is kept; the trained one goes on."""
        variables = self._look.trainable_variables
        trained = [keras.ops.convert_to_numpy(variable) for variable in variables]
        self._look.optimizer.finalize_variable_values(variables)
        self._averaged.set_weights(self._look.get_weights())
        for variable, values in zip(variables, trained, strict=True):
            variable.assign(values)


def rank_epoch(row: dict) -> tuple[float, float]:
    """Rank an epoch by its frame AUC, then by its loss: higher is better.

    The loss alone would keep an early epoch, which is less sure of itself, for a later one that
    tells more faces apart; verdicts are calibrated afterwards. NaN, without faces of both labels,
    leaves it to the loss.
    """
    auc, loss = row["validation_frame_auc"], row["validation_loss"]
    return (0.0 if math.isnan(auc) else auc, -math.inf if math.isnan(loss) else -loss)


def choose_crops(crops: list[Crop], max_count: int) -> list[Crop]:
    """Choose at most so many crops of each video, spread over it."""
    by_video = defaultdict(list)
    for crop in crops:
        by_video[crop.video].append(crop)
    return [
        video[number] for video in by_video.values() for number in spread(len(video), max_count)
    ]


def validate(classifier: FaceClassifier, crops: list[Crop]) -> dict[str, float]:
    """Measure a look at annotated faces: frames and, by their mean logit, videos.

    Returns:
        `validation_loss` (log loss of frames), `validation_frame_auc`, `validation_video_auc`;
        NaN where there are no faces, or the AUC none of one label.
    """
    pictures = (read_crop(crop) for crop in crops)
    faces = [
        cut_face(picture, find_box_px(crop, picture), classifier.crop_scale, classifier.crop_px)
        for crop, picture in zip(crops, pictures, strict=True)
    ]
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
