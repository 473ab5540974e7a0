"""The answer: is the face, is the video likely real or likely fake, or can nobody tell?

Every answer comes with its reason; nothing is ever 0.5 for want of a better number. Shapes: `n`
frames in which a face was found.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.face_track import FaceTrack, find_poor, find_usable
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.quality import WORDS, measure_quality, name_group
from deepfake_detector.verdicts.segments import slide_window

Answer = Literal["likely real", "likely fake", "cannot tell"]


@dataclass(frozen=True)
class Decision:
    """An answer, the probability of fake behind it, and why.

    `probability` is None where there is none; `threshold` is the probability from which a face
    is called likely fake.
    """

    answer: Answer
    probability: float | None
    threshold: float
    reason: str


@dataclass(frozen=True)
class Verdict(Decision):
    """The answer on a video; `tracks` has that on each of its faces, by track number."""

    tracks: dict[int, Decision]


DecisionT = TypeVar("DecisionT", bound=Decision)


def decide_track(evidence: FaceTrack, calibration: Calibration) -> Decision:
    """Decide on one face over time."""
    if calibration.problem:
        return _cannot_tell(calibration, calibration.problem)
    is_usable = find_usable(evidence, calibration.usable)
    if is_usable.sum() < calibration.usable.min_frames:
        return _cannot_tell(calibration, _explain_few(evidence, calibration))
    group = name_group(measure_quality(evidence, is_usable))
    calibration = calibration.of_group(group)
    if calibration.problem:
        return _cannot_tell(calibration, calibration.problem)
    fake_scores = evidence.compute_fake_score()[is_usable]
    probability = calibration.compute_probability(RULES[calibration.rule](fake_scores))
    seen = (
        f"seen well in {_count(len(fake_scores), 'frame')}{_warn_of_quality(group, calibration)}"
    )
    return _answer(probability, calibration, seen)


def decide_video(tracks: list[FaceTrack], calibration: Calibration) -> Verdict:
    """Decide on each face of a video, and by them on the video: it is fake if any of them is.

    The odds of the video are the mean of its faces' odds, weighed by how long each was seen well:
    the odds that one of them is fake where at most one is, and any as likely as it is long to be
    seen. So one odd face among a hundred does not make a video fake, and a face that is cut into
    pieces counts once. A video is never likely real while one of its faces is likely fake. The
    thresholds are those of the quality of the face that is used most.

    Args:
        tracks: all faces of the video; may be empty.
    """
    decisions = {track.track: decide_track(track, calibration) for track in tracks}
    decision = _decide_by_faces(tracks, decisions, calibration)
    return Verdict(**vars(decision), tracks=decisions)


def _decide_by_faces(
    tracks: list[FaceTrack], decisions: dict[int, Decision], calibration: Calibration
) -> Decision:
    if calibration.problem:
        return _cannot_tell(calibration, calibration.problem)
    if not tracks:
        return _cannot_tell(calibration, "no face was found")
    known = {name: one for name, one in decisions.items() if one.probability is not None}
    if not known:
        longest = max(tracks, key=lambda track: len(track.frames))
        return _cannot_tell(calibration, _explain_none(decisions, longest.track))
    used = [find_usable(track, calibration.usable) for track in tracks if track.track in known]
    frames = [mask.sum() for mask in used]
    probability = combine_probabilities([one.probability for one in known.values()], frames)
    main = int(np.argmax(frames))
    track = [track for track in tracks if track.track in known][main]
    group = name_group(measure_quality(track, used[main]))
    own = calibration.of_group(group)
    seen = f"{_list_faces(decisions, known)}{_warn_of_quality(group, own)}"
    decision = _abstain_on_suspects(_answer(probability, own, seen), known)
    return abstain_on_parts(decision, tracks, calibration)


def _warn_of_quality(group: str, calibration: Calibration) -> str:
    """Say how many fakes of a poor quality were missed on validation; nothing of clear images."""
    if group == "clear" or calibration.missed_fakes is None:
        return ""
    tenths = round(10 * calibration.missed_fakes)
    return (
        f"; {WORDS[group]}: fakes of this quality were missed in {tenths} of 10 validation videos"
    )


def combine_probabilities(probabilities, weights) -> float:
    """Turn the probabilities of a video's faces into that of the video: the mean of their odds.

    Args:
        probabilities: of each face, 0 < p < 1; at least one.
        weights: of each face, for example how many frames show it.
    """
    probabilities = np.asarray(probabilities, float)
    odds = np.average(probabilities / (1 - probabilities), weights=weights)
    return float(odds / (1 + odds))


def _answer(probability: float, calibration: Calibration, seen: str) -> Decision:
    min_fake_probability, max_real_probability = (
        calibration.min_fake_probability,
        calibration.max_real_probability,
    )
    if min_fake_probability == 1.0:
        return _cannot_say(probability, calibration)
    if probability >= min_fake_probability:
        answer, why = "likely fake", f"{min_fake_probability:.2f} or more"
    elif probability <= max_real_probability:
        answer, why = "likely real", f"{max_real_probability:.2f} or less"
    else:
        answer, why = (
            "cannot tell",
            f"between {max_real_probability:.2f} and {min_fake_probability:.2f}",
        )
    known = _probability_to_text(probability, calibration)
    reason = f"{known}, {why}; {seen}{_tell_prior(calibration)}"
    return Decision(answer, probability, min_fake_probability, reason)


def _tell_prior(calibration: Calibration) -> str:
    """Say where the released calibration is the prior, and how few own videos checked it."""
    adaptation = calibration.adaptation
    if adaptation is None:
        return ""
    own = _count(adaptation.videos, "own validation video")
    return (
        f"; calibrated as the released detector {adaptation.released} and checked on only {own}, "
        f"{calibration.fitted.videos} of this quality"
    )


def _abstain_on_suspects(decision: Decision, known: dict[int, Decision]) -> Decision:
    """Leave a video undecided where one of its faces is likely fake, but not the video."""
    suspects = [name for name, one in known.items() if one.answer == "likely fake"]
    if decision.answer == "likely fake" or not suspects:
        return decision
    reason = (
        f"face {suspects[0]} alone is likely fake ({known[suspects[0]].probability:.2f}), "
        f"but one of {_count(len(known), 'face')} may look so by chance"
    )
    return replace(decision, answer="cannot tell", reason=reason)


def abstain_on_parts(
    decision: DecisionT, tracks: list[FaceTrack], calibration: Calibration
) -> DecisionT:
    """Leave a video undecided that looks real as a whole, but in which a part looks fake.

    Args:
        tracks: the faces of the video, also in more frames than were decided on.
    """
    if decision.answer != "likely real":
        return decision
    for track in tracks:
        highest, threshold = _find_highest_window(track, calibration)
        if highest >= threshold:
            reason = (
                f"the video as a whole looks real ({decision.probability:.2f}), but a part of "
                f"face {track.track} by itself is likely fake ({highest:.2f})"
            )
            return replace(decision, answer="cannot tell", reason=reason)
    return decision


def _find_highest_window(track: FaceTrack, calibration: Calibration) -> tuple[float, float]:
    """Return the highest probability of a window of a track, and the one from which it counts.

    0 and 1 where the track cannot be judged, or windows were not counted on validation.
    """
    used = find_usable(track, calibration.usable)
    if used.sum() < calibration.usable.min_frames:
        return 0.0, 1.0
    own = calibration.of_group(name_group(measure_quality(track, used)))
    if own.problem or own.min_segment_probability is None:
        return 0.0, 1.0
    windows = slide_window(track.compute_fake_score()[used], own)
    return float(windows.max()), own.min_segment_probability


def _cannot_say(probability: float, calibration: Calibration) -> Decision:
    known = _probability_to_text(probability, calibration)
    reason = f"{known}, but {calibration.thresholds_note}{_tell_prior(calibration)}"
    return Decision("cannot tell", probability, calibration.min_fake_probability, reason)


def _probability_to_text(probability: float, calibration: Calibration) -> str:
    text = f"probability of fake {probability:.2f}"
    if calibration.prevalence == 0.5:
        return text
    return f"{text} where {100 * calibration.prevalence:g}% of videos are fake"


def _cannot_tell(calibration: Calibration, reason: str) -> Decision:
    return Decision("cannot tell", None, calibration.min_fake_probability, reason)


def _explain_few(evidence: FaceTrack, calibration: Calibration) -> str:
    poor = find_poor(evidence, calibration.usable)
    wrong = [f"{word} in {is_poor.sum()}" for word, is_poor in poor.items() if is_poor.any()]
    usable = find_usable(evidence, calibration.usable).sum()
    return ", ".join(
        [
            f"seen well in {_count(usable, 'frame')}, {calibration.usable.min_frames} needed",
            *wrong,
        ]
    )


def _explain_none(decisions: dict[int, Decision], longest: int) -> str:
    reason = decisions[longest].reason
    if len(decisions) == 1:
        return f"the only face: {reason}"
    return f"none of {len(decisions)} faces can be judged; the one seen longest: {reason}"


def _list_faces(decisions: dict[int, Decision], known: dict[int, Decision]) -> str:
    unclear = len(decisions) - len(known)
    text = f"{_count(len(known), 'face')} judged"
    return f"{text}, {unclear} not seen well enough" if unclear else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
