"""What an epoch of the SSD is measured by: some frames of each validation video."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from deepfake_detector.config.schema import Params
from deepfake_detector.data.loading.evaluation_batches import make_evaluation_batches
from deepfake_detector.inference.shards import batch_to_table, join_tables, read_truth
from deepfake_detector.metrics import mean_average_precision


class Validation:
    """Losses and AP on frames of the validation videos, in one pass over them."""

    def __init__(self, model, inference_model: keras.Model, shards: list[Path], params: Params):
        self._trained, self._shards = model, shards
        self._overlap = params.evaluate.iou_threshold
        self._batch_size, self._size_px = params.train.batch_size, params.detector.image_size_px
        outputs = model.detector.output | inference_model.output
        self._predictor = keras.Model(inference_model.input, outputs)
        truth = read_truth(shards)
        self._wanted, self._truth = choose_frames(truth, params.train.validation_frames)

    def run(self) -> dict[str, float]:
        """Measure the model as it is now."""
        tables, losses, weights = [], [], []
        for images, faces in make_evaluation_batches(
            self._shards, self._batch_size, self._size_px, self._wanted
        ):
            outputs = self._predictor.predict_on_batch(images)
            losses.append([float(part) for part in self._trained.compute_parts(faces, outputs)])
            weights.append(len(images))
            tables.append(batch_to_table(outputs, faces))
        location, label = np.average(losses, axis=0, weights=weights)
        precision = mean_average_precision(join_tables(tables), self._truth, self._overlap)
        return {
            "validation_loss": float(location + label),
            "validation_box_loss": float(location),
            "validation_class_loss": float(label),
            "validation_ap_real": precision["ap_real"],
            "validation_ap_fake": precision["ap_fake"],
            "validation_map_50": precision["map_50"],
            "validation_class_agnostic_ap_50_95": precision["class_agnostic_ap_50_95"],
        }


def choose_frames(truth: pd.DataFrame, max_count: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Choose at most so many frames of each video, spread over it.

    Args:
        truth: annotated faces as `read_truth` gives them, `R` frames of all videos.

    Returns:
        Which frames are chosen, bool [R], and what is annotated in them.
    """
    images = truth[["video", "frame"]].drop_duplicates(ignore_index=True)
    rows = images.groupby("video", sort=False).indices.values()
    wanted = np.zeros(len(images), bool)
    for of_video in rows:
        wanted[of_video[spread(len(of_video), max_count)]] = True
    return wanted, truth.merge(images[wanted], on=["video", "frame"])


def spread(count: int, max_count: int) -> np.ndarray:
    """Choose at most so many of `count` numbers from 0, evenly spread: ascending, int."""
    return np.unique(np.linspace(0, count - 1, min(max_count, count)).round().astype(int))
