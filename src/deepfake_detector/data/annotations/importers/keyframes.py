"""Faces between keyframes: tools store where a person moved a box, and show it moving between.

Linear in each side of the box, as CVAT and Label Studio draw it.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

MAX_GAP = 100_000
"""Frames between two keyframes, over an hour of video; more would rather be a wrong number."""

Box = tuple[float, float, float, float]


class Keyframe(NamedTuple):
    """A box that a person placed: is the face there in this frame, and in those that follow?"""

    row: int
    frame: int
    box: Box
    is_shown: bool
    goes_on: bool
    label: str = ""


def interpolate_track(
    keyframes: list[Keyframe], last_frame: int | None = None
) -> Iterator[tuple[int, int, Box, str]]:
    """Yield row, frame, box and label of a face in each frame where it is shown.

    Args:
        last_frame: of the video; a face whose last keyframe goes on is shown up to it. None: it
            ends with its last keyframe.

    Raises:
        ValueError: two keyframes are further apart than `MAX_GAP`.
    """
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.frame)
    for keyframe, following in zip_longest(ordered, ordered[1:]):
        if keyframe.is_shown:
            yield keyframe.row, keyframe.frame, keyframe.box, keyframe.label
        if not keyframe.goes_on:
            continue
        if following is None:
            end = keyframe.frame if last_frame is None else last_frame
            target = keyframe.box
        else:
            end, target = following.frame - 1, following.box
        gap = end - keyframe.frame
        if gap > MAX_GAP:
            raise ValueError(
                f"frames {keyframe.frame} and {end} of one face are over {MAX_GAP:,} apart; "
                "correct them"
            )
        for step in range(1, gap + 1):
            box = _mix(keyframe.box, target, step / (gap + 1))
            yield keyframe.row, keyframe.frame + step, box, keyframe.label


def _mix(box: Box, target: Box, part: float) -> Box:
    return tuple(a + (b - a) * part for a, b in zip(box, target, strict=True))
