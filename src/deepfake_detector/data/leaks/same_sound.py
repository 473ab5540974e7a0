"""Pairs of videos with one soundtrack, perhaps cut or encoded otherwise, found through an index.

Shapes: `T` words of a soundtrack.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from deepfake_detector.video.soundtrack import BITS, WORDS_PER_SECOND

MIN_SECONDS = 1.5  # in which two soundtracks agree
MAX_ERROR_RATE = 0.1  # of the bits where they overlap; unrelated ones differ in a third and more
MIN_SHARED = 0.15  # of the different words of the shorter one, before places are compared
MAX_VIDEOS = 200  # that have a word; one in more of them points to none

_TRIED_SHIFTS = 3
_WORDS_TRIED, _PLACES_TRIED = 500, 50  # so that a long hum costs no more than speech


class SameSound(NamedTuple):
    """Two videos, by their places in the list, the seconds they share, and bits that differ."""

    one: int
    other: int
    seconds: float
    error_rate: float


def find_same_sound(sounds: Sequence[np.ndarray], groups: Sequence[str]) -> list[SameSound]:
    """Find pairs of different groups with one soundtrack.

    Args:
        sounds: words [T] of each video; empty where there is no sound.
        groups: of each video, such as its split.
    """
    distinct = [np.unique(words[words != 0]) for words in sounds]
    videos_with = defaultdict(list)
    for video, words in enumerate(distinct):
        for word in words.tolist():
            videos_with[word].append(video)
    votes: Counter[tuple[int, int]] = Counter()
    for videos in videos_with.values():
        if 2 <= len(videos) <= MAX_VIDEOS:
            votes.update(
                (one, other) for one, other in combinations(videos, 2)
                if groups[one] != groups[other]
            )  # fmt: skip
    likely = [
        (one, other)
        for (one, other), shared in votes.items()
        if shared >= MIN_SHARED * min(len(distinct[one]), len(distinct[other]))
    ]
    compared = (_compare(one, other, sounds) for one, other in sorted(likely))
    return [pair for pair in compared if pair is not None]


def _compare(one: int, other: int, sounds: Sequence[np.ndarray]) -> SameSound | None:
    """Compare two soundtracks where most of their words fall together."""
    best = None
    for shift in _list_shifts(sounds[one], sounds[other]):
        first, second = _overlap(sounds[one], sounds[other], shift)
        is_heard = (first != 0) | (second != 0)
        seconds = float(is_heard.sum() / WORDS_PER_SECOND)
        if seconds < MIN_SECONDS:
            continue
        differing = np.bitwise_count(first ^ second)[is_heard].mean() / BITS
        if differing <= MAX_ERROR_RATE and (best is None or seconds > best.seconds):
            best = SameSound(one, other, round(seconds, 1), round(float(differing), 3))
    return best


def _list_shifts(first: np.ndarray, second: np.ndarray) -> list[int]:
    """List the shifts at which most words are equal: the second's place less the first's."""
    shifts: Counter[int] = Counter()
    places = defaultdict(list)
    for place, word in enumerate(second.tolist()):
        if word and len(places[word]) < _PLACES_TRIED:
            places[word].append(place)
    step = max(1, len(first) // _WORDS_TRIED)
    for place, word in list(enumerate(first.tolist()))[::step]:
        shifts.update(other - place for other in places.get(word, ()))
    return [shift for shift, _ in shifts.most_common(_TRIED_SHIFTS)]


def _overlap(first: np.ndarray, second: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = first[max(0, -shift) :], second[max(0, shift) :]
    length = min(len(first), len(second))
    return first[:length], second[:length]
