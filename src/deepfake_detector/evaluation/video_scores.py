"""One row per video, and the figures of a set of videos.

A video is fake if one of its annotated faces is. Its `score` is the mean, over the frames in which
a face was found, of how the best face's score is shared: fake / (real + fake). It needs no
calibration; a `probability` and an `answer` do. Shapes: `V` videos, `F` found faces.
"""

import numpy as np
import pandas as pd

from deepfake_detector.common.labels import FAKE
from deepfake_detector.evaluation.evaluation_frames import EvaluationFrames
from deepfake_detector.metrics.classification import (
    compute_auc,
    compute_ece,
    compute_log_loss,
)
from deepfake_detector.verdicts.calibration import Calibration

UNDECIDED = 0.5
"""The score of a video in which nothing was found, and the probability of one that has none."""


def score_videos(evaluated: EvaluationFrames) -> pd.DataFrame:
    """Give the videos [V] with an annotated face: `video, source, is_fake, score`, and `wins`.

    `wins` is how often a fake scores above a real video of its own source (equal scores count
    half); NaN for real videos and for fakes without such a video.
    """
    videos = evaluated.images["video"].to_numpy()
    truth = pd.DataFrame(
        {"video": videos[evaluated.truth.image], "is_fake": evaluated.truth.label == FAKE}
    )
    table = truth.groupby("video", as_index=False)["is_fake"].any()
    sources = evaluated.images.drop_duplicates("video").set_index("video")["source"]
    table["source"] = table["video"].map(sources).astype(str)
    table["score"] = table["video"].map(_average_shares(evaluated, videos)).fillna(UNDECIDED)
    return table.assign(wins=_compare_with_originals(table))


def _average_shares(evaluated: EvaluationFrames, videos: np.ndarray) -> pd.Series:
    """Average the best faces' fake shares of each video in which a face was found."""
    faces = evaluated.faces
    certainty = faces.scores.sum(axis=1)
    order = np.argsort(-certainty, kind="stable")
    _, first = np.unique(faces.image[order], return_index=True)
    best = order[first]  # one face of each image that has one
    fractions = faces.scores[best, FAKE - 1] / certainty[best]
    return pd.Series(fractions.astype(float)).groupby(videos[faces.image[best]]).mean()


def _compare_with_originals(videos: pd.DataFrame) -> np.ndarray:
    wins = np.full(len(videos), np.nan)
    for _, group in videos.groupby("source"):
        real = group.loc[~group["is_fake"], "score"].to_numpy()
        for index, score in group.loc[group["is_fake"], "score"].items():
            if len(real):
                wins[index] = ((score > real) + 0.5 * (score == real)).mean()
    return wins


def answer_videos(probability: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Give `fake`, `real`, or an empty answer [V] to probabilities, NaN where there is none."""
    can_tell = calibration.min_fake_probability < 1
    is_fake = can_tell & (probability >= calibration.min_fake_probability)
    is_real = can_tell & (probability <= calibration.max_real_probability)
    return np.where(is_fake, "fake", np.where(is_real, "real", ""))


def measure_videos(videos: pd.DataFrame) -> dict[str, float]:
    """Measure a set of videos, at least one; what cannot be measured is NaN.

    Args:
        videos: as `score_videos` makes them, with `probability` (NaN where there is none) and
            `answer`.

    Returns:
        `video_auc`, `video_log_loss`, `video_ece` of the probability, `score_auc`,
        `paired_auc`, and the shares `false_positive_rate`, `true_positive_rate` and
        `abstention_rate`.
    """
    is_fake = videos["is_fake"].to_numpy(bool)
    probability = videos["probability"].fillna(UNDECIDED).to_numpy(float)
    called = (videos["answer"] == "fake").to_numpy()
    return {
        "video_auc": compute_auc(is_fake, probability),
        "video_log_loss": compute_log_loss(is_fake, probability),
        "video_ece": compute_ece(is_fake, probability),
        "score_auc": compute_auc(is_fake, videos["score"].to_numpy(float)),
        "paired_auc": float(videos["wins"].mean()),
        "false_positive_rate": float(called[~is_fake].mean()) if not is_fake.all() else np.nan,
        "true_positive_rate": float(called[is_fake].mean()) if is_fake.any() else np.nan,
        "abstention_rate": float((videos["answer"] == "").mean()),
    }


def resample_videos(
    videos: pd.DataFrame, names: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Measure draws of sources: every figure of `measure_videos` [D].

    Args:
        names: of the sources [G], in order; each video's is among them.
        weights: how often each source is drawn [D, G].

    Returns:
        NaN for draws without a video.
    """
    times = weights[:, np.searchsorted(names, videos["source"])]  # [D, V]
    drawn = [videos.iloc[np.repeat(np.arange(len(videos)), row)] for row in times]
    measured = pd.DataFrame([measure_videos(rows) if len(rows) else {} for rows in drawn])
    return {name: measured[name].to_numpy() for name in measured}
