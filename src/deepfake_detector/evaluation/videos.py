"""From found faces to one score per video, and the figures of these scores.

A video is fake if one of its annotated faces is. Its score is the mean, over the frames in which
a face was found, of how the best face's score is shared: fake / (real + fake).
Shapes: `V` videos, `F` found faces, `D` draws.
"""

import numpy as np
import pandas as pd

from deepfake_detector.evaluation.held_out import HeldOut
from deepfake_detector.labels import FAKE
from deepfake_detector.metrics.intervals import resample_share
from deepfake_detector.metrics.videos import (
    compute_auc,
    compute_calibration_error,
    compute_log_loss,
    compute_pair_order,
)

UNDECIDED = 0.5
"""The score of a video in which nothing was found."""


def score_videos(held_out: HeldOut) -> pd.DataFrame:
    """Give the videos [V] with an annotated face: `video, source, is_fake, score`."""
    videos = held_out.images["video"].to_numpy()
    truth = pd.DataFrame(
        {"video": videos[held_out.truth.image], "is_fake": held_out.truth.label == FAKE}
    )
    table = truth.groupby("video", as_index=False)["is_fake"].any()
    sources = held_out.images.drop_duplicates("video").set_index("video")["source"]
    return table.assign(
        source=table["video"].map(sources).astype(str),
        score=table["video"].map(_average_shares(held_out, videos)).fillna(UNDECIDED),
    )


def _average_shares(held_out: HeldOut, videos: np.ndarray) -> pd.Series:
    """Average the best faces' fake shares of each video in which a face was found."""
    faces = held_out.faces
    certainty = faces.scores.sum(axis=1)
    order = np.argsort(-certainty, kind="stable")
    _, first = np.unique(faces.image[order], return_index=True)
    best = order[first]  # one face of each image that has one
    shares = faces.scores[best, FAKE - 1] / certainty[best]
    return pd.Series(shares.astype(float)).groupby(videos[faces.image[best]]).mean()


def measure_videos(
    videos: pd.DataFrame, weights: np.ndarray, threshold: float
) -> dict[str, np.ndarray]:
    """Measure the scores of videos for every weighting.

    Args:
        videos: `source, is_fake, score`, [V].
        weights: [D, V].
        threshold: a video that scores this or more is called fake.

    Returns:
        `video_auc`, `video_log_loss`, `video_calibration_error`, `pair_order`, and the shares
        `real_called_fake` and `fake_called_fake`, each [D], NaN where it cannot be measured.
    """
    score = videos["score"].to_numpy(float)
    is_fake = videos["is_fake"].to_numpy(bool)
    called = score >= threshold
    return {
        "video_auc": compute_auc(score, is_fake, weights),
        "video_log_loss": compute_log_loss(score, is_fake, weights),
        "video_calibration_error": compute_calibration_error(score, is_fake, weights),
        "pair_order": compute_pair_order(score, is_fake, videos["source"].to_numpy(), weights),
        "real_called_fake": resample_share(called & ~is_fake, ~is_fake, weights),
        "fake_called_fake": resample_share(called & is_fake, is_fake, weights),
    }


def choose_threshold(videos: pd.DataFrame, most_false_alarms: float) -> float:
    """Choose the lowest threshold at which few enough real videos are called fake.

    Args:
        videos: `is_fake, score`.
        most_false_alarms: share of the real videos that may be called fake.
    """
    real = np.sort(videos.loc[~videos["is_fake"], "score"].to_numpy(float))[::-1]
    allowed = int(most_false_alarms * len(real))
    if allowed >= len(real):
        return 0.0
    return float(np.nextafter(real[allowed], np.inf))
