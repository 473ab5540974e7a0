"""Do two programs find the same faces? Compared frame by frame, in whatever order they give them.

Shapes: `B` frames, `M` rows of faces.
"""

from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-3
"""Of the coordinates, in fractions of the frame, and of the scores: the last bits of sums differ
from program to program, and there are thousands of them in a network."""

MAX_DIFFERENT = 1e-3
"""Share of faces that may differ: of two that overlap by just the limit, the other may be kept."""


@dataclass(frozen=True)
class Agreement:
    """How alike two sets of faces are.

    Attributes:
        different: faces of either side without one within `TOLERANCE` on the other.
        largest: the largest difference of a number within the others.
    """

    frames: int
    faces: int
    different: int
    largest: float


def compare_faces(expected: dict, found: dict) -> Agreement:
    """Compare faces, each `{"boxes": [B, M, 4], "scores": [B, M, 2]}`, rows of zero being none."""
    faces = different = 0
    largest = 0.0
    for rows, other_rows in zip(_list_faces(expected), _list_faces(found), strict=True):
        distances = np.abs(rows[:, None] - other_rows[None]).max(axis=2, initial=0.0)
        nearest = distances.min(axis=1, initial=np.inf)  # of each expected face
        nearest_back = distances.min(axis=0, initial=np.inf)
        faces += len(rows)
        different += int((nearest > TOLERANCE).sum() + (nearest_back > TOLERANCE).sum())
        largest = max(largest, nearest[nearest <= TOLERANCE].max(initial=0.0))
    return Agreement(len(expected["boxes"]), faces, different, float(largest))


def check_agreement(agreement: Agreement, name: str) -> None:
    """Reject faces that are not the same.

    Raises:
        ValueError: more than `MAX_DIFFERENT` of the faces differ; the message names the format.
    """
    if agreement.different > MAX_DIFFERENT * agreement.faces:
        raise ValueError(
            f"{name}: {agreement.different} of {agreement.faces} faces in {agreement.frames} "
            "frames are not those that Keras finds; nothing was exported"
        )


def _list_faces(outputs: dict):
    """Give the faces of each frame, rows [M, 6]."""
    rows = np.concatenate([outputs["boxes"], outputs["scores"]], axis=2)  # [B, most, 6]
    for frame in rows:
        yield frame[frame[:, 4:].sum(axis=1) > 0]
