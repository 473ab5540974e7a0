"""Pairs of videos that show nearly the same frame, by perceptual hashes.

Shapes: `H`, `J` hashes of two groups of videos.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_ROWS = 4096  # hashes of one group that are compared at once


class SameFrame(NamedTuple):
    """Two videos, by their places in the list, their frames that are nearest, and bits between."""

    one: int
    other: int
    one_frame: int
    other_frame: int
    distance: int


def find_same_frames(
    hashes: Sequence[np.ndarray], groups: Sequence[str], max_distance: int
) -> list[SameFrame]:
    """Find pairs of different groups that share nearly a frame.

    Args:
        hashes: uint64 of frames of each video; may be none.
        groups: of each video, such as its split.
        max_distance: bits in which hashes of nearly the same frame differ.

    Returns:
        One for each pair of videos, its frames counted among their hashes.
    """
    found: dict[tuple[int, int], SameFrame] = {}
    names = sorted(set(groups))
    for place, name in enumerate(names):
        for other_name in names[place + 1 :]:
            for pair in _compare(hashes, groups, name, other_name, max_distance):
                known = found.get(pair[:2])
                if known is None or pair.distance < known.distance:
                    found[pair[:2]] = pair
    return [found[key] for key in sorted(found)]


def _compare(hashes, groups, name: str, other_name: str, max_distance: int):
    ours, theirs = _join(hashes, groups, name), _join(hashes, groups, other_name)
    for start in range(0, len(ours[0]), _ROWS):
        rows = ours[0][start : start + _ROWS]
        distances = np.bitwise_count(rows[:, None] ^ theirs[0])  # [H, J]
        for row, column in zip(*np.nonzero(distances <= max_distance), strict=True):
            one, other = ours[1][start + row], theirs[1][column]
            frames = (int(ours[2][start + row]), int(theirs[2][column]))
            places = ((int(one), *frames[:1]), (int(other), *frames[1:]))
            (one, one_frame), (other, other_frame) = sorted(places)
            yield SameFrame(one, other, one_frame, other_frame, int(distances[row, column]))


def _join(hashes, groups, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join the hashes of a group's videos, with the video and the frame of each."""
    videos = [video for video, group in enumerate(groups) if group == name]
    joined = [np.zeros(0, "<u8"), *(hashes[video] for video in videos)]
    owners = [np.full(len(hashes[video]), video) for video in videos]
    frames = [np.arange(len(hashes[video])) for video in videos]
    empty = [np.zeros(0, int)]
    return np.concatenate(joined), np.concatenate(empty + owners), np.concatenate(empty + frames)
