"""Tracks ranked by how confidently their label is disputed, by cleanlab (Northcutt et al. 2021,
"Confident Learning").

Shapes: `T` tracks.
"""

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from deepfake_detector.common.labels import FACE_LABELS, FAKE, label_to_name
from deepfake_detector.evaluation.label_errors.annotated_tracks import AnnotatedTrack

COLUMNS = [
    *("video", "face", "first_frame", "last_frame", "label", "fake_probability"),
    *("label_quality", "is_issue", "corrected_label"),
]


def rank_disputed(tracks: list[AnnotatedTrack], fake_probabilities: np.ndarray) -> pd.DataFrame:
    """Rank the tracks whose label is less likely than the other one, the most disputed first.

    Args:
        fake_probabilities: of each track, out of fold, [T].

    Returns:
        `COLUMNS`, indexed by the place in `tracks`: `label_quality` is the probability of the
        given label, `is_issue` whether confident learning counts the label as wrong, given how
        confident the model is of others; `corrected_label` is empty.
    """
    labels = np.array([FACE_LABELS.index(track.label) for track in tracks])
    probabilities = np.stack([1 - fake_probabilities, fake_probabilities], axis=1)  # [T, 2]
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    is_issue = find_label_issues(labels, probabilities, n_jobs=1)
    names = ("video", "face", "first_frame", "last_frame", "label")
    table = pd.DataFrame([[getattr(track, name) for name in names] for track in tracks])
    table = table.set_axis(names, axis="columns").assign(
        fake_probability=fake_probabilities.round(4),
        label_quality=quality.round(4),
        is_issue=is_issue,
        corrected_label="",
    )
    disputed = table[quality < 0.5]
    return disputed.sort_values("label_quality", kind="stable")[COLUMNS]


def name_other_label(label: str) -> str:
    """Return `real` for `fake`, and `fake` for `real`."""
    fake = label_to_name(FAKE)
    return next(name for name in FACE_LABELS if (name == fake) != (label == fake))
