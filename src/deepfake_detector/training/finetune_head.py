"""Fine-tuning a released head on the encoder: moved from where it was as far as own faces justify.

A logistic regression with the released head as its prior (Chelba & Acero 2006, "Adaptation of
Maximum Entropy Capitalizer: Little Data Can Help a Lot"): few faces move it little, many a lot. It
takes minutes where networks take an hour (docs/decisions/0037). Shapes: `N` faces, `C` features.
"""

import numpy as np
from scipy.optimize import minimize

from deepfake_detector.common.labels import FAKE
from deepfake_detector.data.loading.crop_index import Crop, read_face
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.training.late_heads import (
    MIN_DEVIATION,
    compute_features,
    read_degraded_face,
)

PULL = 100.0
"""How the squared moves of weights, of standardized features, count against the faces' losses."""


def finetune_head(classifier: FaceClassifier, crops: list[Crop]) -> float:
    """Move the head of a classifier of one network towards faces, in place.

    Args:
        crops: of train videos; each is learned from as it is and degraded. With no real or no fake
            face among them the head stays as it is.

    Returns:
        The log loss of these faces then, real and fake weighing alike; NaN where it stays.
    """
    is_fake = np.array([crop.label == FAKE for crop in crops], bool)
    if is_fake.all() or not is_fake.any():
        return float("nan")
    copies = [
        compute_features(classifier, crops, read) for read in (read_face, read_degraded_face)
    ]
    features = np.concatenate([of_networks[0] for of_networks in copies])
    (head,) = classifier.heads
    kernel, bias = (weight.astype(float) for weight in head.get_weights())
    moved, loss = move_head(features, np.tile(is_fake, 2), kernel[:, 0], float(bias[0]))
    head.set_weights([moved[:-1, None], moved[-1:]])
    return loss


def move_head(
    features: np.ndarray, is_fake: np.ndarray, kernel: np.ndarray, bias: float
) -> tuple[np.ndarray, float]:
    """Fit a logistic regression whose weights are pulled towards a head's.

    Args:
        features: [N, C].
        is_fake: bool [N], some of them true and some not.
        kernel: [C], of features that are not standardized, with its `bias`.

    Returns:
        Kernel and bias together, [C + 1], and the mean log loss of both labels.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + MIN_DEVIATION
    rows = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
    before = np.append(kernel * deviation, bias + kernel @ mean)
    sign = np.where(is_fake, 1.0, -1.0)
    weights = len(is_fake) / 2 / np.where(is_fake, is_fake.sum(), (~is_fake).sum())

    def measure(head: np.ndarray) -> tuple[float, np.ndarray]:
        margins, moves = sign * (rows @ head), head - before
        moves[-1] = 0  # the bias moves freely
        loss = weights @ np.logaddexp(0, -margins) + PULL / 2 * moves @ moves
        slopes = -sign * weights * np.exp(-np.logaddexp(0, margins))
        return loss, rows.T @ slopes + PULL * moves

    found = minimize(measure, before, jac=True, method="L-BFGS-B").x
    loss = weights @ np.logaddexp(0, -sign * (rows @ found)) / len(is_fake)
    moved = found[:-1] / deviation
    return np.append(moved, found[-1] - moved @ mean), float(loss)
