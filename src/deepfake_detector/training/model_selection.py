"""What trainings, and the epochs of one, are compared by: more is better."""

import math
from collections.abc import Callable

from deepfake_detector.config.schema import Params

Rank = Callable[[dict], tuple[float, ...]]
"""Ranks a row of `history.csv`; higher is better."""


OBJECTIVE = "validation_map_50_95"


def find_objective(params: Params) -> str:
    """Return the column of the SSD's `history.csv` that its epochs and trainings are compared by.

    It is the mean over both labels of COCO's AP (IoU 0.50:0.95) of the whole detector: boxes from
    the SSD, labels from the face classifier, or from the SSD where none is trained. So boxes and
    labels both count; the classifier is the same for all epochs, which keeps out its noise.
    """
    return OBJECTIVE


def rank_ssd_epoch(row: dict) -> tuple[float, ...]:
    """Rank an epoch of the SSD by the objective; NaN, without annotated faces, is worst."""
    score = row[OBJECTIVE]
    return (-math.inf if math.isnan(score) else score,)


def rank_classifier_epoch(row: dict) -> tuple[float, ...]:
    """Rank an epoch of a face classifier by its frame AUC, then by its loss.

    The loss alone would keep an early epoch, which is less sure of itself, for a later one that
    tells more faces apart; verdicts are calibrated afterwards. NaN, without faces of both labels,
    leaves it to the loss.
    """
    auc, loss = row["validation_frame_auc"], row["validation_loss"]
    return (0.0 if math.isnan(auc) else auc, -math.inf if math.isnan(loss) else -loss)


def rank_by_time(row: dict) -> tuple[float, ...]:
    """Rank an epoch by its number, so that the last one is kept."""
    return (row["epoch"],)


def find_best_epoch(history: list[dict], rank: Rank) -> int:
    """Find the best epoch, from 1, the first of equals; 0 without any.

    Args:
        history: rows of `history.csv`.
    """
    ranks = [rank(row) for row in history]
    return ranks.index(max(ranks)) + 1 if ranks else 0
