"""Figures of verdicts on videos, with 95 % intervals by drawing sources.

All methods are measured on the same videos: those that are annotated and for which there is a
probability; the others are counted. Shapes: `V` videos, `D` draws.
"""

import numpy as np
import pandas as pd

from deepfake_detector.metrics.bootstrap import find_interval, sample_weights
from deepfake_detector.metrics.classification import (
    compute_auc,
    compute_ece,
    compute_ece_if_calibrated,
    compute_eer,
    compute_log_loss,
)

METHODS = {"video": "probability", "majority": "majority", "plain_mean": "plain_mean"}
"""Names in the figures, and their columns in the table of verdicts."""

MEASURES = {
    "auc": compute_auc,
    "log_loss": compute_log_loss,
    "eer": compute_eer,
    "ece": compute_ece,
}


def measure_probabilities(verdicts: pd.DataFrame, n_bootstrap: int, seed: int) -> dict:
    """Measure `video_auc`, `majority_auc`, ... with their intervals, and count the videos.

    Args:
        verdicts: as `make_video_verdicts` makes them.

    Returns:
        `video_auc_ci95_low`, ... are the intervals; `auc_over_majority_ci95_low`, ... those
        of the verdict's figure less the other method's, draw by draw. `video_ece_if_calibrated`,
        ... are what so few videos show though every probability is right; the bolder a method, the
        less. What cannot be measured is NaN.
    """
    annotated = verdicts[verdicts["label"] != ""]
    scored = annotated[annotated["probability"].notna()]
    return {
        **_measure(scored),
        **_measure_intervals(scored, n_bootstrap, seed),
        **{
            f"{method}_ece_if_calibrated": compute_ece_if_calibrated(
                scored[column].to_numpy(float), n_bootstrap, seed
            )
            for method, column in METHODS.items()
        },
        "videos": len(annotated),
        "sources": annotated["source"].nunique(),
        "videos_with_probability": len(scored),
    }


def measure_answers(verdicts: pd.DataFrame) -> dict:
    """Measure the three answers.

    `video_accuracy` calls every annotated video with a probability by the threshold alone,
    `selective_accuracy` counts those that got an answer, `abstained` those that got none. The
    rates of errors are shares of all real or all fakes. `faceless_` videos have no annotated face.
    """
    faceless = verdicts[verdicts["label"] == ""]
    annotated = verdicts[verdicts["label"] != ""]
    label, verdict = annotated["label"], annotated["verdict"]
    scored = annotated[annotated["probability"].notna()]
    called = np.where(scored["probability"] >= scored["threshold"], "fake", "real")
    is_answered = verdict != "cannot tell"
    is_right = verdict == "likely " + label
    return {
        "video_accuracy": _divide((called == scored["label"]).sum(), len(scored)),
        "selective_accuracy": _divide(is_right.sum(), is_answered.sum()),
        "abstained": int((~is_answered).sum()),
        "false_positive_rate": _divide(
            ((label == "real") & (verdict == "likely fake")).sum(), (label == "real").sum()
        ),
        "false_negative_rate": _divide(
            ((label == "fake") & (verdict == "likely real")).sum(), (label == "fake").sum()
        ),
        "faceless_videos": len(faceless),
        "faceless_videos_answered": int((faceless["verdict"] != "cannot tell").sum()),
    }


def measure_faces(faces: pd.DataFrame) -> dict:
    """Measure the verdicts on single faces, as `make_face_verdicts` makes them."""
    annotated = faces[faces["label"] != ""]
    scored = annotated[annotated["probability"].notna()]
    is_fake, probability = (scored["label"] == "fake").to_numpy(), scored["probability"].to_numpy()
    return {
        "face_auc": compute_auc(is_fake, probability),
        "face_log_loss": compute_log_loss(is_fake, probability),
        "faces_annotated": len(annotated),
        "faces_with_probability": len(scored),
        "faces_unknown": len(faces) - len(annotated),
    }


def _measure(scored: pd.DataFrame) -> dict[str, float]:
    is_fake = (scored["label"] == "fake").to_numpy()
    return {
        f"{method}_{name}": compute(is_fake, scored[column].to_numpy(float))
        for method, column in METHODS.items()
        for name, compute in MEASURES.items()
    }


def _measure_intervals(scored: pd.DataFrame, n_bootstrap: int, seed: int) -> dict:
    sources, group = np.unique(scored["source"].astype(str), return_inverse=True)
    if len(sources) < 2 or n_bootstrap < 1:
        reason = "evaluate.n_bootstrap is 0" if n_bootstrap < 1 else "fewer than 2 sources scored"
        return {"intervals": f"none: {reason}"}
    weights = sample_weights(len(sources), n_bootstrap, np.random.default_rng(seed))[
        :, group
    ]  # [D, V]
    drawn = pd.DataFrame(
        [_measure(scored.iloc[np.repeat(np.arange(len(scored)), times)]) for times in weights]
    )
    for name in MEASURES:
        for other in ("majority", "plain_mean"):
            drawn[f"{name}_over_{other}"] = drawn[f"video_{name}"] - drawn[f"{other}_{name}"]
    metrics = {}
    for name in drawn:
        metrics[f"{name}_ci95_low"], metrics[f"{name}_ci95_high"] = find_interval(
            drawn[name].to_numpy()
        )
    return metrics | {"intervals": f"95 %, {n_bootstrap:,} resamples of {len(sources)} sources"}


def _divide(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
