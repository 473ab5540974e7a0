"""Calibration on validation videos: the rule, fitted or as it is, with the least log loss on
sources left out.

Shapes: `V` videos.
"""

import numpy as np

from deepfake_detector.config.schema import CalibrateParams
from deepfake_detector.metrics.classification import compute_log_loss
from deepfake_detector.verdicts.calibration import Calibration, Fitted, Model
from deepfake_detector.verdicts.cross_validation import FITS, cross_validate
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.labelled_videos import LabelledFace, LabelledVideo, list_faces
from deepfake_detector.verdicts.thresholds import choose_thresholds

UNCOMPARED = ("trimmed_log_odds", "fitted")  # where one source alone leaves nothing to compare on


def fit_calibration(videos: list[LabelledVideo], params: CalibrateParams) -> Calibration:
    """Fit rule, model and bounds on validation videos; without both labels, say the problem."""
    faces = list_faces(videos, params.usable)
    known = [face for face in faces if face.label]
    missing = {"real", "fake"} - {face.label for face in known}
    if missing:
        return _give_up(videos, known, params, sorted(missing))
    judged = {
        (rule, fit): cross_validate(videos, faces, rule, fit) for fit in FITS for rule in RULES
    }
    losses = {way: _measure_loss(videos, judged[way]) for way in judged}
    losses = {way: loss for way, loss in losses.items() if not np.isnan(loss)}
    rule, fit = way = min(losses, key=losses.get, default=UNCOMPARED)
    bounds = choose_thresholds(*_select_known(videos, judged[way]), params)
    return Calibration(
        rule=rule,
        fit=fit,
        usable=params.usable,
        model=FITS[fit](known, rule),
        min_fake_probability=bounds.min_fake_probability,
        max_real_probability=bounds.max_real_probability,
        thresholds_note=bounds.note,
        fitted=_count_fitted(videos, known, losses),
    )


def _select_known(
    videos: list[LabelledVideo], probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Select what is annotated and has a probability: whether it is fake, and the probability."""
    labels = np.array([video.label for video in videos])
    is_known = ~np.isnan(probabilities) & (labels != "")
    return labels[is_known] == "fake", probabilities[is_known]


def _measure_loss(videos: list[LabelledVideo], probabilities: np.ndarray) -> float:
    """Measure the mean of the log loss of real and that of fake videos; NaN without both."""
    is_fake, known = _select_known(videos, probabilities)
    of_each = [compute_log_loss(is_fake[kind], known[kind]) for kind in (is_fake, ~is_fake)]
    return float(np.mean(of_each))


def _give_up(
    videos: list[LabelledVideo],
    known: list[LabelledFace],
    params: CalibrateParams,
    missing: list[str],
) -> Calibration:
    return Calibration(
        rule=UNCOMPARED[0],
        fit=UNCOMPARED[1],
        usable=params.usable,
        model=Model(weights=[0.0, 0.0], covariance=[[0.0] * 2] * 2),
        min_fake_probability=1.0,
        max_real_probability=0.0,
        thresholds_note="",
        fitted=_count_fitted(videos, known, {}),
        problem=f"no validation video shows a {' or a '.join(missing)} face well enough, "
        "so nothing can be calibrated",
    )


def _count_fitted(
    videos: list[LabelledVideo], known: list[LabelledFace], losses: dict[tuple, float]
) -> Fitted:
    used = {face.video for face in known}
    return Fitted(
        videos=len(used),
        sources=len({videos[index].source for index in used}),
        tracks_real=sum(face.label == "real" for face in known),
        tracks_fake=sum(face.label == "fake" for face in known),
        log_loss={"_".join(way): loss for way, loss in losses.items()},
    )
