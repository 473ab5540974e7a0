"""The second look applied: crops to logits, and its opinion joined with the single shot's.

Shapes: `N` faces, `S` side of a crop in px.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FACE_LABELS

LOOKS = ["single_shot", "second_look"]
"""How likely a found face is fake, by each look on its own; NaN where it was not looked at."""

CROPS_AT_ONCE = 32
SURE = 1e-6
"""Probabilities are kept this far from 0 and 1, where logits have no end."""


def look_again(look, faces: pd.DataFrame, image: np.ndarray, cut: Callable) -> pd.DataFrame:
    """Look again at found faces, and join what both looks say.

    Args:
        look: a `SecondLook`, or None.
        faces: boxes in px and the single shot's scores, `real` and `fake`, of N faces.
        image: the number of the picture each is in, [N].
        cut: gives the crop [S, S, 3] of a picture's number and a box [4].

    Returns:
        The table with joint scores, and `LOOKS`.
    """
    scores = faces[list(FACE_LABELS)].to_numpy(float)
    logits = np.full(len(faces), np.nan)
    joint = scores
    if look is not None:
        seen = np.flatnonzero(scores.sum(axis=1) >= look.least_score)
        boxes = faces[["left", "top", "right", "bottom"]].to_numpy(float)
        logits[seen] = look_at(look, [cut(image[row], boxes[row]) for row in seen])
        joint = join_looks(scores, logits, look.weight)
    real, fake = FACE_LABELS
    single_shot = scores[:, 1] / np.maximum(scores.sum(axis=1), SURE)
    looks = dict(zip(LOOKS, (single_shot, compute_probabilities(logits)), strict=True))
    return faces.assign(**{real: joint[:, 0], fake: joint[:, 1]}, **looks)


def forget_second_look(faces: pd.DataFrame) -> pd.DataFrame:
    """Give faces with the scores they would have had without a second look."""
    real, fake = FACE_LABELS
    face = faces[real] + faces[fake]
    share = faces["single_shot"]
    return faces.assign(**{real: face * (1 - share), fake: face * share})


def look_at(look, crops: list[np.ndarray]) -> np.ndarray:
    """Look at faces: their logits [N] of being fake.

    Args:
        look: a `SecondLook`.
        crops: each uint8 [S, S, 3]; may be none.
    """
    logits = [np.zeros(0, np.float32)]
    for start in range(0, len(crops), CROPS_AT_ONCE):
        batch = np.stack(crops[start : start + CROPS_AT_ONCE]).astype(np.float32)
        logits.append(np.asarray(look.predict_on_batch(batch)))
    return np.concatenate(logits)


def compute_probabilities(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities."""
    return 1 / (1 + np.exp(-logits))


def compute_logits(probabilities: np.ndarray) -> np.ndarray:
    """Turn probabilities into logits."""
    probabilities = np.clip(probabilities, SURE, 1 - SURE)
    return np.log(probabilities) - np.log1p(-probabilities)


def join_looks(scores: np.ndarray, logits: np.ndarray, weight: float) -> np.ndarray:
    """Join the single shot's scores with the second look's logits.

    The score of there being a face, real and fake together, stays; how it is shared out changes.

    Args:
        scores: of real and of fake, [N, 2].
        logits: of being fake, [N]; NaN for a face that was not looked at again.
        weight: of the second look in the joint logit, 0-1.

    Returns:
        Scores [N, 2].
    """
    face = scores.sum(axis=1)
    first = compute_logits(scores[:, 1] / np.maximum(face, SURE))
    joint = np.where(np.isnan(logits), first, (1 - weight) * first + weight * logits)
    fake = compute_probabilities(joint)
    return np.stack([face * (1 - fake), face * fake], axis=1)
