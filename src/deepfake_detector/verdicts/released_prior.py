"""The released calibration as the prior, where own validation videos are too few to calibrate.

A detector that was fine-tuned from the released one scores much as that does. So its features go
through the released calibration first, which gives log-odds. What fine-tuning moved them all by is
measured on the same videos, scored by both detectors, and taken away; labels weigh alike, so that
fakes that score higher and real faces that score lower are no shift. Then the prior of
`bayesian_logistic` holds: these log-odds with weight 1, give or take, and no intercept, from which
own videos move the model away. Thresholds are counted on own videos, each judged by a model of the
other sources, and on the released ones, which weigh less (a power prior: Ibrahim & Chen 2000,
"Power Prior Distributions for Regression Models"). Shapes: `V` videos, `n` faces.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit, logit

from deepfake_detector.config.schema import CalibrateParams, UsableParams
from deepfake_detector.metrics.classification import compute_auc
from deepfake_detector.verdicts.bayesian_logistic import INTERCEPT_SPREAD, SPREAD, fit_logistic
from deepfake_detector.verdicts.calibration import (
    Adaptation,
    Calibration,
    Fitted,
    Model,
    ScoredBy,
    compute_probability,
)
from deepfake_detector.verdicts.cross_validation import balance_labels
from deepfake_detector.verdicts.decision import combine_probabilities
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.labelled_videos import LabelledVideo, list_faces
from deepfake_detector.verdicts.quality import name_video_group
from deepfake_detector.verdicts.thresholds import choose_threshold, compute_chance_error

MIN_OWN_VIDEOS = 20
"""Own validation videos from which on they calibrate alone: ten of each label, where nine are
needed to count a rate of 10 %. With fewer, released videos fill up to as many of each label."""

UNCHANGED = Model(weights=[1.0, 0.0], covariance=[[SPREAD**2, 0.0], [0.0, INTERCEPT_SPREAD**2]])
"""The prior: a fine-tuned detector means what the released one does, give or take."""


@dataclass(frozen=True)
class ReleasedPrior:
    """A released calibration, its version, and the own validation videos as the released detector
    sees them."""

    calibration: Calibration
    version: str
    videos: list[LabelledVideo]


@dataclass(frozen=True)
class _Faces:
    """Faces of videos that can be judged: their log-odds by the released calibration [n], and of
    each the label (empty: not known), its video and source, how much it counts, and how many
    frames show it."""

    log_odds: np.ndarray
    labels: np.ndarray
    videos: np.ndarray
    sources: np.ndarray
    weights: np.ndarray
    frames: np.ndarray

    def select(self, chosen: np.ndarray) -> "_Faces":
        return _Faces(*[column[chosen] for column in vars(self).values()])


def adapt_released(
    videos: list[LabelledVideo],
    prior: ReleasedPrior,
    params: CalibrateParams,
    scored_by: ScoredBy,
) -> Calibration:
    """Adapt the released calibration, and each of its groups of quality, to own videos.

    Args:
        videos: at least one of them with a known face that can be judged.
        scored_by: what scored the faces of the videos.
    """
    own, as_released = (
        _read_faces(seen, prior.calibration, params.usable) for seen in (videos, prior.videos)
    )
    shared = {
        **asdict(scored_by),
        "usable": params.usable,
        "adaptation": _fit_adaptation(own, as_released, prior.version),
        "abstain_margin": params.abstain_margin,
    }
    probabilities = predict_left_out(videos, prior, params.usable)
    contradiction = _find_contradiction(own, as_released)

    def adapt(released: Calibration, chosen: np.ndarray) -> Calibration:
        names = [video.video for video, is_chosen in zip(videos, chosen, strict=True) if is_chosen]
        fitted = _count(own.select(np.isin(own.videos, names) & (own.labels != "")))
        adapted = released.model_copy(update=shared | {"fitted": fitted, "groups": {}})
        if contradiction:
            nothing = {"min_fake_probability": 1.0, "max_real_probability": 0.0}
            return adapted.model_copy(update=nothing | {"thresholds_note": contradiction})
        return _set_thresholds(adapted, _list_by_label(videos, probabilities, chosen), params)

    qualities = np.array([name_video_group(video.tracks, params.usable) for video in videos])
    groups = {
        name: adapt(released, qualities == name)
        for name, released in prior.calibration.groups.items()
    }
    return adapt(prior.calibration, qualities != "").model_copy(update={"groups": groups})


def count_own(videos: list[LabelledVideo], usable: UsableParams) -> int:
    """Count the videos with a known face that can be judged."""
    return len({face.video for face in list_faces(videos, usable) if face.label})


def predict_left_out(
    videos: list[LabelledVideo], prior: ReleasedPrior, usable: UsableParams
) -> np.ndarray:
    """Give the probability of each video [V] by what the other sources make of the prior.

    NaN where no face can be judged.
    """
    own, as_released = (
        _read_faces(seen, prior.calibration, usable) for seen in (videos, prior.videos)
    )
    by_video = {}
    for source in set(own.sources.tolist()):
        others = own.sources != source, as_released.sources != source
        adaptation = _fit_adaptation(
            own.select(others[0]), as_released.select(others[1]), prior.version
        )
        by_video |= _predict_videos(own.select(~others[0]), adaptation)
    return np.array([by_video.get(video.video, np.nan) for video in videos])


def _predict_videos(faces: _Faces, adaptation: Adaptation) -> dict[str, float]:
    """Give the probability of each video that has one of the faces."""
    adapted = np.array([adaptation.adapt(expit(log_odds)) for log_odds in faces.log_odds])
    return {
        video: combine_probabilities(adapted[at], faces.frames[at])
        for video in set(faces.videos.tolist())
        if (at := faces.videos == video).any()
    }


def _read_faces(
    videos: list[LabelledVideo], released: Calibration, usable: UsableParams
) -> _Faces:
    faces, log_odds = list_faces(videos, usable), []
    groups = [name_video_group(video.tracks, usable) for video in videos]
    for face in faces:
        own = released.groups.get(groups[face.video], released)
        features = RULES[own.rule](face.fake_scores)
        log_odds.append(logit(compute_probability(features, own.model)))
    return _Faces(
        np.array(log_odds, float),
        np.array([face.label for face in faces], str),
        np.array([videos[face.video].video for face in faces], str),
        np.array([videos[face.video].source for face in faces], str),
        np.array([face.weight for face in faces], float),
        np.array([len(face.fake_scores) for face in faces], int),
    )


def _fit_adaptation(own: _Faces, as_released: _Faces, version: str) -> Adaptation:
    """Fit the correction of released log-odds; the prior alone where a label is missing."""
    known = own.select(own.labels != "")
    shift = _measure_shift(known, as_released)
    is_fake = known.labels == "fake"
    model = UNCHANGED
    if is_fake.any() and not is_fake.all():
        weights = known.weights * balance_labels(is_fake, known.weights)
        model = fit_logistic(known.log_odds[:, None] - shift, is_fake, weights)
    return Adaptation(
        released=version, shift=shift, model=model, videos=len(set(known.videos.tolist()))
    )


def _measure_shift(own: _Faces, as_released: _Faces) -> float:
    """Measure by how much own log-odds are above released ones of the same videos; 0 without."""
    shifts = []
    for label in ("real", "fake"):
        means = [_average_by_video(seen, label) for seen in (own, as_released)]
        both = means[0].keys() & means[1].keys()
        if both:
            shifts.append(np.mean([means[0][video] - means[1][video] for video in both]))
    return float(np.mean(shifts)) if shifts else 0.0


def _average_by_video(faces: _Faces, label: str) -> dict[str, float]:
    """Average the log-odds of a video's faces of one label."""
    own = faces.select(faces.labels == label)
    return {
        video: float(own.log_odds[own.videos == video].mean())
        for video in set(own.videos.tolist())
    }


def _find_contradiction(own: _Faces, as_released: _Faces) -> str:
    """Say where the released calibration tells own videos apart worse than chance does; or "".

    It has not seen them, so nothing need be left out.
    """
    shift = _measure_shift(own, as_released)
    unchanged = Adaptation(released="", shift=shift, model=UNCHANGED, videos=0)
    probabilities = _predict_videos(own, unchanged)
    fakes = set(own.videos[own.labels == "fake"].tolist())
    is_fake = np.array([video in fakes for video in probabilities])
    if is_fake.all() or not is_fake.any():
        return ""
    auc = compute_auc(is_fake, np.array(list(probabilities.values())))
    if auc >= 0.5 - compute_chance_error(is_fake):
        return ""
    return f"own validation videos were told apart worse than by chance ({auc:.0%} of pairs)"


def _list_by_label(
    videos: list[LabelledVideo], probabilities: np.ndarray, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    labels = np.array([video.label for video in videos])
    known = chosen & ~np.isnan(probabilities)
    return {label: probabilities[known & (labels == label)] for label in ("real", "fake")}


def _set_thresholds(
    adapted: Calibration, own: dict[str, np.ndarray], params: CalibrateParams
) -> Calibration:
    """Count thresholds on own and released validation videos.

    The released calibration keeps no probabilities of fakes: its bound of likely real stays, where
    own fakes allow it.

    Args:
        adapted: with the thresholds and real probabilities of the released calibration.
        own: probabilities of own videos by label.
    """
    if adapted.problem or adapted.min_fake_probability >= 1:
        return adapted
    model, sure = adapted.adaptation.model, 0.5 + params.abstain_margin
    reals = _fill_up(own["real"], adapted.real_probabilities, model)
    if adapted.real_probabilities:
        min_fake, on = choose_threshold(reals, params.max_false_positive_rate, "real")
        on = f"{on}, {len(own['real'])} of them own, the others of the released detector"
    else:  # released before they were kept
        min_fake, on = _correct(adapted.min_fake_probability, model), "as released"
    begin = _find_begin(own["fake"], params.max_false_negative_rate)
    segment = adapted.min_segment_probability
    return adapted.model_copy(
        update={
            "min_fake_probability": max(min_fake, sure),
            "max_real_probability": min(
                _correct(adapted.max_real_probability, model), begin, 1 - sure
            ),
            "min_segment_probability": segment and max(_correct(segment, model), sure),
            "real_probabilities": sorted(reals),
            "thresholds_note": f"{params.max_false_positive_rate:.0%} false alarms: {on}\n"
            f"missed fakes: as released, and {len(own['fake'])} own",
        }
    )


def _correct(probability: float, model: Model) -> float:
    """Correct a probability of the released detector, where 0 and 1 stay."""
    if probability in (0.0, 1.0):
        return probability
    return compute_probability(np.array([logit(probability)]), model)


def _fill_up(own: np.ndarray, released: list[float], model: Model) -> list[float]:
    """Add released probabilities, corrected, to own ones, up to `MIN_OWN_VIDEOS`.

    They are quantiles, evenly spaced, so that those counted on are as all released ones are.
    """
    count = max(MIN_OWN_VIDEOS - len(own), 0) if released else 0
    places = np.arange(1, count + 1) / (count + 1)
    quantiles = np.quantile(released, places, method="weibull") if count else []
    return [*own.tolist(), *(_correct(float(quantile), model) for quantile in quantiles)]


def _find_begin(fakes: np.ndarray, rate: float) -> float:
    """Return the highest probability under which no more own fakes lie than the rate allows."""
    allowed = int(rate * (len(fakes) + 1))
    if len(fakes) <= allowed:
        return 1.0
    return float(np.nextafter(np.sort(fakes)[allowed], 0))


def _count(known: _Faces) -> Fitted:
    return Fitted(
        videos=len(set(known.videos.tolist())),
        sources=len(set(known.sources.tolist())),
        tracks_real=int((known.labels == "real").sum()),
        tracks_fake=int((known.labels == "fake").sum()),
        log_loss={},
    )
