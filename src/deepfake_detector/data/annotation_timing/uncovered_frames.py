"""Stretches of a video that show a face without annotation, as where work was cut short."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MIN_FRAMES = 12  # a shift alone leaves up to 10 frames at an end without annotation
LOOKS = 5  # at a stretch
MIN_SEEN = 3  # of them, so that false alarms name no video


@dataclass(frozen=True)
class Stretch:
    """Frames `first` to `last` without annotation, of which `seen` of `looked` show a face."""

    first: int
    last: int
    seen: int
    looked: int


def list_looks(annotated: set[int], frames: int) -> list[tuple[int, int, list[int]]]:
    """List each long stretch of a video's frames without annotation, and frames of it to look at.

    Args:
        annotated: frames with an annotation.
        frames: of the video.
    """
    edges = [-1, *sorted(frame for frame in annotated if 0 <= frame < frames), frames]
    return [
        (before + 1, after - 1, np.linspace(before + 1, after - 1, LOOKS).astype(int).tolist())
        for before, after in pairwise(edges)
        if after - before > MIN_FRAMES
    ]


def find_uncovered(
    annotated: set[int], frames: int, has_face: Callable[[int], bool]
) -> list[Stretch]:
    """Find the stretches of a video's frames without annotations that show a face.

    Args:
        has_face: tells of a frame of `list_looks` whether it shows one.
    """
    stretches = [
        Stretch(first, last, sum(map(has_face, looks)), len(looks))
        for first, last, looks in list_looks(annotated, frames)
    ]
    return [stretch for stretch in stretches if stretch.seen >= MIN_SEEN]
