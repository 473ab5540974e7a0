"""Validation videos judged by models of other sources.

Every source is left out once and judged by a model of the others, so that a rule with more
freedom cannot shine by knowing its own videos. Shapes: `V` videos.
"""

from collections.abc import Callable

import numpy as np

from deepfake_detector.verdicts.bayesian_logistic import fit_logistic
from deepfake_detector.verdicts.calibration import FitName, Model, compute_probability
from deepfake_detector.verdicts.decision import combine_probabilities
from deepfake_detector.verdicts.frame_aggregation import RULES, RuleName
from deepfake_detector.verdicts.labelled_videos import LabelledFace, LabelledVideo

MAX_FOLDS = 20  # groups of sources that are left out in turn


def cross_validate(
    videos: list[LabelledVideo], faces: list[LabelledFace], rule: RuleName, fit: FitName
) -> np.ndarray:
    """Give the probability of each video [V]; NaN where it has no face, or no other source has.

    Args:
        faces: of the videos, as `list_faces` gives them.
    """
    sources = sorted({videos[face.video].source for face in faces})
    folds = {source: index % MAX_FOLDS for index, source in enumerate(sources)}
    probabilities = np.full(len(videos), np.nan)
    for fold in set(folds.values()):
        held_out = [face for face in faces if folds[videos[face.video].source] == fold]
        rest = [face for face in faces if folds[videos[face.video].source] != fold and face.label]
        if rest:
            predicted = predict_videos(held_out, rule, FITS[fit](rest, rule))
            probabilities[list(predicted)] = list(predicted.values())
    return probabilities


def fit_faces(faces: list[LabelledFace], rule: RuleName) -> Model:
    """Fit the model of a rule on faces whose label is known; at least one.

    The labels weigh alike, so that probabilities hold where fakes are as common as real faces.
    """
    is_fake = np.array([face.label == "fake" for face in faces])
    weights = np.array([face.weight for face in faces])
    return fit_logistic(
        np.stack([RULES[rule](face.fake_scores) for face in faces]),
        is_fake,
        weights * balance_labels(is_fake, weights),
    )


def balance_labels(is_fake: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give factors [n] that make both labels weigh alike, and all together as much as before.

    Where there is one label only they are 1.
    """
    fake = weights[is_fake].sum() / weights.sum()
    if fake in (0, 1):
        return np.ones(len(weights))
    return np.where(is_fake, 0.5 / fake, 0.5 / (1 - fake))


def trust_detector(faces: list[LabelledFace], rule: RuleName) -> Model:
    """Give the model that takes the rule's first feature, log-odds of fake, at its word."""
    features = len(RULES[rule](faces[0].fake_scores))
    nothing = [[0.0] * (features + 1)] * (features + 1)
    return Model(weights=[1.0] + [0.0] * features, covariance=nothing)


FITS: dict[FitName, Callable[[list[LabelledFace], RuleName], Model]] = {
    "identity": trust_detector,
    "fitted": fit_faces,
}


def predict_videos(faces: list[LabelledFace], rule: RuleName, model: Model) -> dict[int, float]:
    """Give the probability of each video that has one of the faces, by its place."""
    by_video: dict[int, list[LabelledFace]] = {}
    for face in faces:
        by_video.setdefault(face.video, []).append(face)
    return {
        video: combine_probabilities(
            [compute_probability(RULES[rule](face.fake_scores), model) for face in own],
            [len(face.fake_scores) for face in own],
        )
        for video, own in by_video.items()
    }
