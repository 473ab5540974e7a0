"""How likely each track is fake, said by classifiers that never saw its source nor its person.

A logistic regression on frozen features is fitted to all other folds. Faces of one source (a clip,
and the fakes made from it) are compared with each other: their features less the mean of the
source tell a forgery from what all of them share, the person and the camera. A track that is alone
in its source is judged by its features as they are. Shapes: `T` tracks, `F` features.
"""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MAX_FOLDS = 10

_INVERSE_RIDGE = 10.0
"""`C` of the regression, on standard features whose variances add up to 1."""


def predict_out_of_fold(
    features: np.ndarray, is_fake: np.ndarray, sources: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Predict the probability that each track is fake: [T], 0-1.

    Args:
        features: [T, F].
        is_fake: as annotated, bool [T].
        sources: of each track, [T].
        groups: [T], tracks of one are never in different folds; a source is in one group.

    Raises:
        ValueError: there are fewer than two groups, or a fold's others have one label only.
    """
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError("all videos are related (by source and identity); add other people")
    folds = list(GroupKFold(min(MAX_FOLDS, n_groups)).split(features, is_fake, groups))
    logits = _predict_folds(features, is_fake, folds)
    _, source, size = np.unique(sources, return_inverse=True, return_counts=True)
    has_relatives = size[source] > 1
    if has_relatives.any():
        compared = _predict_folds(_subtract_means(features, source), is_fake, folds)
        logits = np.where(has_relatives, compared, logits)
    return expit(logits)


def _subtract_means(features: np.ndarray, source: np.ndarray) -> np.ndarray:
    sums = np.zeros((source.max() + 1, features.shape[1]))
    np.add.at(sums, source, features)
    return features - (sums / np.bincount(source)[:, None])[source]  # [T, F]


def _predict_folds(features: np.ndarray, is_fake: np.ndarray, folds: list) -> np.ndarray:
    logits = np.zeros(len(features))
    for others, fold in folds:
        if len(np.unique(is_fake[others])) < 2:
            raise ValueError(
                "the faces of nearly all people have one label; annotate real and fake faces of "
                "more people"
            )
        inverse_ridge = _INVERSE_RIDGE / features.shape[1]
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=inverse_ridge, class_weight="balanced")
        )
        logits[fold] = model.fit(features[others], is_fake[others]).decision_function(
            features[fold]
        )
    return logits  # [T]
