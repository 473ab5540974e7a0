"""The face classifier's logits joined with the SSD's scores. Shapes: `N` faces."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from deepfake_detector.common.labels import FACE_LABELS

FAKE_SCORE_COLUMNS = ["ssd_fake_score", "classifier_fake_score"]
"""The probability that a detected face is fake, by the SSD and by the face classifier alone; NaN
where a face was not classified."""

MIN_PROBABILITY = 1e-6
"""Probabilities are kept this far from 0 and 1, where logits have no end."""


def fuse_scores(boxes: pd.DataFrame, logits: pd.Series, weight: float) -> pd.DataFrame:
    """Join the SSD's scores of detected faces with the face classifier's logits.

    The probability that there is a face, real and fake together, stays; its parts change.

    Args:
        boxes: the SSD's scores in columns `real` and `fake`, of N faces.
        logits: of being fake, by a face's row in `boxes`; a face without one keeps its scores.
        weight: of the face classifier in the joint logit, 0-1.

    Returns:
        The table with joint scores, and `FAKE_SCORE_COLUMNS`.
    """
    scores = boxes[list(FACE_LABELS)].to_numpy(float)
    logits = logits.reindex(boxes.index).to_numpy(float)
    face = scores.sum(axis=1)
    ssd_fake_score = scores[:, 1] / np.maximum(face, MIN_PROBABILITY)
    fake_score = expit(fuse_logits(scores, logits, weight))
    joint = np.stack([face * (1 - fake_score), face * fake_score], axis=1)  # [N, 2]
    joint = np.where(np.isnan(logits)[:, None], scores, joint)
    alone = dict(zip(FAKE_SCORE_COLUMNS, (ssd_fake_score, expit(logits)), strict=True))
    return boxes.assign(**dict(zip(FACE_LABELS, joint.T, strict=True)), **alone)


def fuse_logits(scores: np.ndarray, logits: np.ndarray, weight: float) -> np.ndarray:
    """Return the joint logits [N] of the SSD's scores, real and fake [N, 2], and of logits [N]."""
    ssd_fake_score = scores[:, 1] / np.maximum(scores.sum(axis=1), MIN_PROBABILITY)
    ssd_logits = logit(np.clip(ssd_fake_score, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    return (1 - weight) * ssd_logits + weight * logits


def drop_classifier_scores(faces: pd.DataFrame) -> pd.DataFrame:
    """Return faces with the scores that the SSD alone gave them."""
    real, fake = FACE_LABELS
    face, fake_score = faces[real] + faces[fake], faces["ssd_fake_score"]
    return faces.assign(**{real: face * (1 - fake_score), fake: face * fake_score})
