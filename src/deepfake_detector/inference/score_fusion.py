"""The face classifier applied: crops to logits, and its opinion joined with the SSD's.

Shapes: `N` faces, `S` side of a crop in px.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS

FAKE_SCORE_COLUMNS = ["ssd_fake_score", "classifier_fake_score"]
"""How likely a found face is fake, by each look on its own; NaN where it was not analyzed."""

CROPS_AT_ONCE = 32
SURE = 1e-6
"""Probabilities are kept this far from 0 and 1, where logits have no end."""


def classify_faces(
    classifier, faces: pd.DataFrame, image: np.ndarray, cut: Callable
) -> pd.DataFrame:
    """Look again at found faces, and join what both looks say.

    Args:
        classifier: a `FaceClassifier`, or None.
        faces: boxes in px and the SSD's scores, `real` and `fake`, of N faces.
        image: the number of the picture each is in, [N].
        cut: gives the crop [S, S, 3] of a picture's number and a box [4].

    Returns:
        The table with joint scores, and `FAKE_SCORE_COLUMNS`.
    """
    scores = faces[list(FACE_LABELS)].to_numpy(float)
    logits = np.full(len(faces), np.nan)
    joint = scores
    if classifier is not None:
        seen = np.flatnonzero(scores.sum(axis=1) >= classifier.min_detection_score)
        boxes = faces[["left", "top", "right", "bottom"]].to_numpy(float)
        logits[seen] = classify_crops(classifier, [cut(image[row], boxes[row]) for row in seen])
        joint = fuse_scores(scores, logits, classifier.fusion_weight)
    real, fake = FACE_LABELS
    ssd = scores[:, 1] / np.maximum(scores.sum(axis=1), SURE)
    classifiers = dict(zip(FAKE_SCORE_COLUMNS, (ssd, compute_probabilities(logits)), strict=True))
    return faces.assign(**{real: joint[:, 0], fake: joint[:, 1]}, **classifiers)


def drop_classifier_scores(faces: pd.DataFrame) -> pd.DataFrame:
    """Give faces with the scores they would have had without a face classifier."""
    real, fake = FACE_LABELS
    face = faces[real] + faces[fake]
    share = faces["ssd_fake_score"]
    return faces.assign(**{real: face * (1 - share), fake: face * share})


def classify_crops(classifier, crops: list[np.ndarray]) -> np.ndarray:
    """Look at faces: their logits [N] of being fake.

    Args:
        classifier: a `FaceClassifier`.
        crops: each uint8 [S, S, 3]; may be none.
    """
    logits = [np.zeros(0, np.float32)]
    for start in range(0, len(crops), CROPS_AT_ONCE):
        batch = np.stack(crops[start : start + CROPS_AT_ONCE]).astype(np.float32)
        logits.append(np.asarray(classifier.predict_on_batch(batch)))
    return np.concatenate(logits)


def compute_probabilities(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities."""
    return 1 / (1 + np.exp(-logits))


def compute_logits(probabilities: np.ndarray) -> np.ndarray:
    """Turn probabilities into logits."""
    probabilities = np.clip(probabilities, SURE, 1 - SURE)
    return np.log(probabilities) - np.log1p(-probabilities)


def fuse_scores(scores: np.ndarray, logits: np.ndarray, weight: float) -> np.ndarray:
    """Join the SSD's scores with the face classifier's logits.

    The score of there being a face, real and fake together, stays; how it is shared out changes.

    Args:
        scores: of real and of fake, [N, 2].
        logits: of being fake, [N]; NaN for a face that was not analyzed again.
        fusion_weight: of the face classifier in the joint logit, 0-1.

    Returns:
        Scores [N, 2].
    """
    face = scores.sum(axis=1)
    first = compute_logits(scores[:, 1] / np.maximum(face, SURE))
    joint = np.where(np.isnan(logits), first, (1 - weight) * first + weight * logits)
    fake = compute_probabilities(joint)
    return np.stack([face * (1 - fake), face * fake], axis=1)
