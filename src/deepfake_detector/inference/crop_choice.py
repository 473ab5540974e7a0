"""Which crops of a face are classified, and what the frames between them score.

The frames of a track are cut into strata of equal length (stratified sampling, Cochran 1977,
chapter 5). Of each the crop nearest to its middle is classified, one that can be used where there
is any. Where two neighbors differ by more than `MAX_STEP`, as where a forged part begins or ends,
the crops between them are classified as well. Every other frame gets the score on the straight
line between its neighbors.
Shapes: `n` frames of a track.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import expit

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.frame_aggregation import compute_log_odds
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.video.sampling import CropLimits

MAX_STEP = 3.0
"""Log-odds between two classified neighbors, from which on the crops between them matter:
0.18 and 0.82 differ by so much (benchmarks/README.md, "Fewer crops")."""


USUAL_FPS = 30.0
"""Taken for the frames a second of shards, which hold no times."""


@dataclass(frozen=True)
class Candidate:
    """A crop that may be classified.

    Attributes:
        key: what its score is kept by.
        crop: what is classified.
        is_usable: whether the face is used in that frame.
    """

    key: Any
    crop: Any
    is_usable: bool


Classify = Callable[[list[Candidate]], np.ndarray]
"""Returns the log-odds [N] of candidates being fake; not called without any."""


@dataclass
class _Stratum:
    candidates: list[Candidate]
    picked: Candidate


@dataclass
class _Open:
    """A track while it grows; it holds the crops of two strata at most once `choose` ran."""

    count: int = 0
    growing: list[Candidate] = field(default_factory=list)
    full: list[_Stratum] = field(default_factory=list)

    def add(self, candidate: Candidate, spacing: float) -> None:
        self.growing.append(candidate)
        self.count += 1
        if int(self.count / spacing) > int((self.count - 1) / spacing):
            self.close()

    def close(self) -> None:
        if self.growing:
            self.full.append(_Stratum(self.growing, _pick(self.growing)))
            self.growing = []


def _pick(candidates: list[Candidate]) -> Candidate:
    middle = (len(candidates) - 1) / 2
    usable = [place for place, one in enumerate(candidates) if one.is_usable]
    places = usable or range(len(candidates))
    return candidates[min(places, key=lambda place: abs(place - middle))]


class CropChooser:
    """Takes in the crops of tracks while they grow, and has some of them classified.

    Attributes:
        log_odds: of each classified crop, by its key.
    """

    def __init__(self, spacing: float):
        """Classify one crop of so many frames in a row in which a face was found; 1: every one."""
        self._spacing = spacing
        self._open: dict[int, _Open] = {}
        self.log_odds: dict[Any, float] = {}

    def add(self, track: int, candidate: Candidate) -> None:
        """Add the crop of a track in the next frame in which it was found."""
        self._open.setdefault(track, _Open()).add(candidate, self._spacing)

    def choose(self, classify: Classify, is_end: bool = False) -> None:
        """Classify what is chosen among the crops so far, and forget those that are not needed.

        Args:
            is_end: no crop comes any more.
        """
        for own in self._open.values() if is_end else ():
            own.close()
        self._classify([s.picked for own in self._open.values() for s in own.full], classify)
        between = [c for own in self._open.values() for c in self._find_between(own.full)]
        self._classify(between, classify)
        for own in self._open.values():
            own.full = own.full[-1:]  # its crops may lie before a change

    def _classify(self, candidates: list[Candidate], classify: Classify) -> None:
        new = [c for c in candidates if c.key not in self.log_odds]
        if new:
            log_odds = classify(new).tolist()
            self.log_odds |= {c.key: value for c, value in zip(new, log_odds, strict=True)}

    def _find_between(self, strata: list[_Stratum]) -> list[Candidate]:
        """Find the crops between neighbors that differ."""
        found = []
        for before, after in itertools.pairwise(strata):
            step = self.log_odds[after.picked.key] - self.log_odds[before.picked.key]
            if abs(step) > MAX_STEP:
                first = before.candidates.index(before.picked) + 1
                last = after.candidates.index(after.picked)
                found += before.candidates[first:] + after.candidates[:last]
        return found


def fill_scores(track: FaceTrack, classified: np.ndarray, usable: UsableParams) -> FaceTrack:
    """Give the frames between classified ones the score on the line between them, in log-odds.

    A frame in which the face is used takes it from such frames alone, where there are any; before
    the first and after the last one the score stays. How sure it is that there is a face stays as
    it was in each frame.

    Args:
        classified: in which frames [n] `real` and `fake` are of the face classifier; without any
            the scores stay.
    """
    if not classified.any() or classified.all():
        return track
    used, log_odds = find_usable(track, usable), compute_log_odds(track.compute_fake_score())
    filled = _interpolate(track.frames, log_odds, classified)
    if (used & classified).any():
        filled[used] = _interpolate(track.frames, log_odds, used & classified)[used]
    fake_score = np.where(classified, track.compute_fake_score(), expit(filled))
    face = track.real + track.fake
    return replace(
        track, real=face * (1 - fake_score), fake=face * fake_score, classified=classified
    )


def _interpolate(frames: np.ndarray, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.interp(frames, frames[known], values[known])


def thin_track(track: FaceTrack, spacing: float, usable: UsableParams) -> FaceTrack:
    """Return a track that was classified in every frame as if it had been classified in some."""
    chooser, used = CropChooser(spacing), find_usable(track, usable)
    log_odds = compute_log_odds(track.compute_fake_score())
    for place in range(len(track.frames)):
        chooser.add(track.track, Candidate(place, place, bool(used[place])))
    chooser.choose(lambda chosen: log_odds[[c.crop for c in chosen]], is_end=True)
    classified = np.isin(np.arange(len(track.frames)), list(chooser.log_odds))
    return fill_scores(track, classified, usable)


def thin_videos(
    videos: list[LabelledVideo],
    n_frames: dict[str, int],
    frame_stride: int,
    limits: CropLimits,
    usable: UsableParams,
) -> list[LabelledVideo]:
    """Leave those scores that `predict` would have, which classifies a few crops of a face.

    Args:
        videos: every face in them was classified.
        n_frames: in the shard of each video.
        frame_stride: the distance of those in the video.
    """
    thinned = []
    for video in videos:
        spacing = limits.space(n_frames[video.video], frame_stride / USUAL_FPS)
        tracks = [thin_track(track, spacing, usable) for track in video.tracks]
        thinned.append(replace(video, tracks=tracks))
    return thinned
