"""The frames that show best why a video was judged as it was: its most fake and most real faces.

Shapes: `n` frames of a track.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.face_track import TrackEvidence, find_usable

MOST = 8
"""Faces in a strip."""


@dataclass(frozen=True)
class Pick:
    """A face in a frame: its track, its box_px [4], and how fake it looks there, 0-1."""

    track: int
    frame: int
    box_px: np.ndarray
    fake_share: float


def pick_faces(tracks: list[TrackEvidence], usable: UsableParams) -> tuple[list[Pick], list[Pick]]:
    """Pick the most suspicious faces, most fake first, and the most ordinary, most real first.

    Faces that do not count are left out; no face is in both; those of one track are some time
    apart, as far as the video is long enough, for neighbours look the same.
    """
    picks = sorted(
        (pick for track in tracks for pick in _list_picks(track, usable)),
        key=lambda pick: (-pick.fake_share, pick.track, pick.frame),
    )
    apart = _measure_distance(picks)
    half = (len(picks) + 1) // 2
    return _thin_out(picks[:half], apart), _thin_out(picks[half:][::-1], apart)


def _list_picks(track: TrackEvidence, usable: UsableParams):
    shares = track.compute_fake_share()
    for index in np.flatnonzero(find_usable(track, usable)):
        frame, box_px = int(track.frames[index]), track.boxes_px[index]
        yield Pick(track.track, frame, box_px, float(shares[index]))


def _measure_distance(picks: list[Pick]) -> int:
    """Give how many frames apart faces are to be: a strip's faces over a quarter of the video."""
    frames = [pick.frame for pick in picks]
    return (max(frames) - min(frames)) // (4 * MOST) if picks else 0


def _thin_out(picks: list[Pick], apart: int) -> list[Pick]:
    kept: list[Pick] = []
    for pick in picks:
        near = any(k.track == pick.track and abs(k.frame - pick.frame) < apart for k in kept)
        if not near and len(kept) < MOST:
            kept.append(pick)
    return kept
