"""How good the images of a face are, and which kinds of quality are calibrated apart.

A detector that tells clear faces apart may know nothing of the same faces after strong compression
or at a quarter of their size: there a fake scores like a real face. So a face's probability and
what it is called depend on the group of quality it is in.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable

SMALL_PX = 64
"""A face whose shorter side is less, half of the time, is `small`."""

SOFT = 60.0
"""A face whose sharpness is less, half of the time, is `soft`: blurred, enlarged, or compressed
until its detail is gone."""

BLOCKY = 1.35
"""A video whose frames have more blockiness, half of the time, is strongly compressed."""

WORDS = {
    "clear": "clear images",
    "soft": "blurred or strongly compressed images",
    "small": "small faces",
}
"""The groups, and what people read of them."""


@dataclass(frozen=True)
class Quality:
    """Medians over the frames in which a face is used; `frames` is their number."""

    face_px: float
    sharpness: float
    brightness: float
    blockiness: float
    frames: int


def measure_quality(track: FaceTrack, used: np.ndarray) -> Quality:
    """Measure a track over the frames where it is used, bool [n]; NaN where there is none."""
    if not used.any():
        return Quality(*[float("nan")] * 4, 0)
    sides_px = (track.boxes_px[:, 2:] - track.boxes_px[:, :2]).min(axis=1)
    columns = (sides_px, track.sharpness, track.brightness, track.blockiness)
    medians = [
        float("nan") if column is None else float(np.median(column[used])) for column in columns
    ]
    return Quality(*medians, int(used.sum()))


def name_group(quality: Quality) -> str:
    """Return the group of `WORDS` that a face belongs to; what was not measured is no reason."""
    if quality.face_px < SMALL_PX:
        return "small"
    if quality.sharpness < SOFT or quality.blockiness > BLOCKY:
        return "soft"
    return "clear"


def name_video_group(tracks: list[FaceTrack], usable: UsableParams) -> str:
    """Return the group of the face that is used most; empty where none is used."""
    used = [find_usable(track, usable) for track in tracks]
    best = max(range(len(used)), key=lambda index: used[index].sum(), default=None)
    if best is None or not used[best].any():
        return ""
    return name_group(measure_quality(tracks[best], used[best]))
