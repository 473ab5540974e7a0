"""Calibration: fitted on validation videos, the rule chosen by log loss on sources left out.

Every source is left out once and judged by a model of the others, for every rule; so a rule with
more freedom cannot win by knowing its own videos. Shapes: `n` faces, `V` videos.
"""

import numpy as np

from deepfake_detector.metrics.probabilities import compute_log_loss
from deepfake_detector.params import JudgeParams
from deepfake_detector.verdicts.calibration import (
    Calibration,
    Fitted,
    Model,
    compute_probability,
)
from deepfake_detector.verdicts.judgement import combine_probabilities
from deepfake_detector.verdicts.known_videos import KnownFace, KnownVideo, list_faces
from deepfake_detector.verdicts.logistic import fit_logistic
from deepfake_detector.verdicts.rules import RULES
from deepfake_detector.verdicts.threshold import choose_threshold

MOST_FOLDS = 20  # groups of sources that are left out in turn
FEWEST_SOURCES = 2
UNCOMPARED_RULE = "trimmed_log_odds"  # where one source alone leaves nothing to compare on


def fit_calibration(videos: list[KnownVideo], params: JudgeParams) -> Calibration:
    """Fit rule, model and threshold on validation videos; without both labels, say the problem."""
    faces = list_faces(videos, params.usable)
    known = [face for face in faces if face.label]
    labels = {face.label for face in known}
    if labels != {"real", "fake"}:
        return _make_hopeless(videos, known, params)
    held_out = {rule: _judge_left_out(videos, faces, rule) for rule in RULES}
    losses = {rule: _measure_loss(videos, held_out[rule]) for rule in RULES}
    is_compared = not any(np.isnan(loss) for loss in losses.values())
    rule = min(losses, key=losses.get) if is_compared else UNCOMPARED_RULE
    model = _fit(known, rule)
    probabilities = held_out[rule] if is_compared else _judge(videos, faces, rule, model)
    fake_from, note = _choose_fake_from(videos, probabilities, params)
    return Calibration(
        rule=rule,
        usable=params.usable,
        model=model,
        fake_from=fake_from,
        real_up_to=0.5 - params.unsure_margin,
        false_alarm_rate=params.false_alarm_rate,
        threshold_note=note,
        fitted=_count_fitted(videos, known, losses if is_compared else {}),
    )


def judge_left_out(videos: list[KnownVideo], calibration: Calibration) -> np.ndarray:
    """Give the probability of each video [V] by models of other sources; NaN where none is."""
    if calibration.problem:
        return np.full(len(videos), np.nan)
    faces = list_faces(videos, calibration.usable)
    return _judge_left_out(videos, faces, calibration.rule)


def _judge_left_out(videos: list[KnownVideo], faces: list[KnownFace], rule: str) -> np.ndarray:
    sources = sorted({videos[face.video].source for face in faces})
    probabilities = np.full(len(videos), np.nan)
    if len(sources) < FEWEST_SOURCES:
        return probabilities
    folds = {source: index % MOST_FOLDS for index, source in enumerate(sources)}
    for fold in set(folds.values()):
        is_out = [folds[videos[face.video].source] == fold for face in faces]
        rest = [face for face, out in zip(faces, is_out, strict=True) if not out and face.label]
        left_out = [face for face, out in zip(faces, is_out, strict=True) if out]
        if not rest:
            continue
        judged = _judge(videos, left_out, rule, _fit(rest, rule))
        probabilities = np.where(np.isnan(judged), probabilities, judged)
    return probabilities


def _fit(faces: list[KnownFace], rule: str) -> Model:
    return fit_logistic(
        np.stack([RULES[rule](face.shares) for face in faces]),
        np.array([face.label == "fake" for face in faces]),
        np.array([face.weight for face in faces]),
    )


def _judge(
    videos: list[KnownVideo], faces: list[KnownFace], rule: str, model: Model
) -> np.ndarray:
    """Give the probability of each video that has one of the faces; NaN for the others [V]."""
    probabilities = np.full(len(videos), np.nan)
    for index in {face.video for face in faces}:
        own = [face for face in faces if face.video == index]
        each = [compute_probability(RULES[rule](face.shares), model) for face in own]
        probabilities[index] = combine_probabilities(each, [len(face.shares) for face in own])
    return probabilities


def _measure_loss(videos: list[KnownVideo], probabilities: np.ndarray) -> float:
    is_known = ~np.isnan(probabilities) & np.array([bool(video.label) for video in videos])
    is_fake = np.array([video.label == "fake" for video in videos])
    return compute_log_loss(is_fake[is_known], probabilities[is_known])


def _choose_fake_from(videos, probabilities, params: JudgeParams) -> tuple[float, str]:
    is_real = [video.label == "real" for video in videos]
    real = probabilities[is_real & ~np.isnan(probabilities)]
    surest = 0.5 + params.unsure_margin
    if len(real) == 0:
        return surest, "no real validation video shows a face well enough; unsure_margin alone"
    threshold, note = choose_threshold(real, params.false_alarm_rate)
    return max(threshold, surest), note


def _make_hopeless(videos, known: list[KnownFace], params: JudgeParams) -> Calibration:
    missing = [label for label in ("real", "fake") if label not in {f.label for f in known}]
    problem = (
        f"no verdict can be calibrated: no validation video shows a {' or '.join(missing)} face "
        "well enough"
    )
    return Calibration(
        rule=UNCOMPARED_RULE,
        usable=params.usable,
        model=Model(centre=[0.0], scale=[1.0], weights=[0.0, 0.0], covariance=[[0.0] * 2] * 2),
        fake_from=1.0,
        real_up_to=0.0,
        false_alarm_rate=params.false_alarm_rate,
        threshold_note="none",
        fitted=_count_fitted(videos, known, {}),
        problem=problem,
    )


def _count_fitted(videos, known: list[KnownFace], losses: dict[str, float]) -> Fitted:
    used = {face.video for face in known}
    return Fitted(
        videos=len(used),
        sources=len({videos[index].source for index in used}),
        tracks_real=sum(face.label == "real" for face in known),
        tracks_fake=sum(face.label == "fake" for face in known),
        log_loss=losses,
    )
