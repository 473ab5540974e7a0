"""Calibration on validation videos: the rule, fitted or as it is, with the least log loss on
sources left out.

Where there are validation videos enough, each group of quality is calibrated apart.
Shapes: `V` videos.
"""

from collections import defaultdict
from dataclasses import asdict

import numpy as np

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.config.schema import CalibrateParams, UsableParams
from deepfake_detector.metrics.classification import compute_log_loss
from deepfake_detector.verdicts.calibration import Calibration, Fitted, Model, ScoredBy
from deepfake_detector.verdicts.cross_validation import FITS, cross_validate
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.labelled_videos import LabelledFace, LabelledVideo, list_faces
from deepfake_detector.verdicts.quality import name_video_group
from deepfake_detector.verdicts.released_prior import (
    MIN_OWN_VIDEOS,
    ReleasedPrior,
    adapt_released,
    count_own,
)
from deepfake_detector.verdicts.segments import slide_window
from deepfake_detector.verdicts.thresholds import choose_threshold, choose_thresholds

UNCOMPARED = ("trimmed_log_odds", "fitted")  # where one source alone leaves nothing to compare on


MIN_GROUP_VIDEOS = 20
"""Validation videos that a group of quality needs to be calibrated apart."""

MIN_LABEL_VIDEOS = 8
"""... and of each label."""


def fit_calibration(
    videos: list[LabelledVideo],
    params: CalibrateParams,
    scored_by: ScoredBy,
    prior: ReleasedPrior | None = None,
) -> Calibration:
    """Fit a calibration of all validation videos, and of each group of quality with enough.

    Args:
        videos: also degraded copies; a copy has the source of its original.
        scored_by: what scored the faces of the videos.
        prior: the released calibration, where the detector was fine-tuned from the released one;
            it stays where fewer than `MIN_OWN_VIDEOS` show a known face well enough.
    """
    by_quality = group_by_quality(videos, params.usable)
    if prior is not None and 0 < count_own(videos, params.usable) < MIN_OWN_VIDEOS:
        whole = adapt_released(videos, prior, params, scored_by)
        alone = {
            name: fit_group(own, params, scored_by)
            for name, own in by_quality.items()
            if whole.groups and name not in whole.groups
        }
        return whole.model_copy(update={"groups": whole.groups | alone})
    groups = {
        name: fit_group(own, params, scored_by)
        for name, own in by_quality.items()
        if _is_enough(own)
    }
    return fit_group(videos, params, scored_by).model_copy(update={"groups": groups})


def group_by_quality(
    videos: list[LabelledVideo], usable: UsableParams
) -> dict[str, list[LabelledVideo]]:
    """Group videos by the quality of the face that is used most; those without are left out."""
    groups = defaultdict(list)
    for video in videos:
        if name := name_video_group(video.tracks, usable):
            groups[name].append(video)
    return dict(groups)


def _is_enough(videos: list[LabelledVideo]) -> bool:
    labels = [video.label for video in videos]
    return len(labels) >= MIN_GROUP_VIDEOS and all(
        labels.count(label) >= MIN_LABEL_VIDEOS for label in FACE_LABELS
    )


def fit_group(
    videos: list[LabelledVideo], params: CalibrateParams, scored_by: ScoredBy
) -> Calibration:
    """Fit rule, model and thresholds on videos; without both labels, say the problem."""
    faces = list_faces(videos, params.usable)
    known = [face for face in faces if face.label]
    missing = {"real", "fake"} - {face.label for face in known}
    if missing:
        return _give_up(videos, known, params, sorted(missing), scored_by)
    predicted = {
        (rule, fit): cross_validate(videos, faces, rule, fit) for fit in FITS for rule in RULES
    }
    losses = {way: _measure_loss(videos, predicted[way]) for way in predicted}
    losses = {way: loss for way, loss in losses.items() if not np.isnan(loss)}
    rule, fit = way = min(losses, key=losses.get, default=UNCOMPARED)
    is_fake, known_probabilities = _select_known(videos, predicted[way])
    kinds = _list_kinds(videos, predicted[way])
    bounds = choose_thresholds(is_fake, known_probabilities, params, kinds)
    calibration = Calibration(
        **asdict(scored_by),
        rule=rule,
        fit=fit,
        usable=params.usable,
        model=FITS[fit](known, rule),
        min_fake_probability=bounds.min_fake_probability,
        max_real_probability=bounds.max_real_probability,
        thresholds_note=bounds.note,
        fitted=_count_fitted(videos, known, losses),
        missed_fakes=float(np.mean(known_probabilities[is_fake] < 0.5)) if is_fake.any() else None,
        real_probabilities=np.sort(known_probabilities[bounds.counted_real]).tolist(),
        abstain_margin=params.abstain_margin,
    )
    return _choose_segment_threshold(calibration, faces, params)


def _choose_segment_threshold(
    calibration: Calibration, faces: list[LabelledFace], params: CalibrateParams
) -> Calibration:
    """Add from which probability a window is likely fake: as few real videos have one as may.

    Its model has seen these videos, unlike for the other thresholds: with the features of a whole
    track it can hardly have learned their windows.
    """
    highest: dict[int, float] = {}
    for face in faces:
        if face.label == "real" and calibration.min_fake_probability < 1:
            own = slide_window(face.fake_scores, calibration).max()
            highest[face.video] = max(own, highest.get(face.video, 0.0))
    if not highest:
        return calibration
    threshold, _ = choose_threshold(list(highest.values()), params.max_false_positive_rate, "real")
    sure = max(threshold, 0.5 + params.abstain_margin)
    return calibration.model_copy(update={"min_segment_probability": sure})


def _list_kinds(videos: list[LabelledVideo], probabilities: np.ndarray) -> np.ndarray:
    """List the kind, of forgery or of copy, of what `_select_known` selects."""
    labels = np.array([video.label for video in videos])
    kinds = np.array([video.kind for video in videos], object)
    return kinds[~np.isnan(probabilities) & (labels != "")]


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
    scored_by: ScoredBy,
) -> Calibration:
    return Calibration(
        **asdict(scored_by),
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
