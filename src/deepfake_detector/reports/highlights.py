"""The frames that show best why a video was judged as it was: its most fake and most real faces.

Shapes: `n` frames of a track.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.face_track import FaceTrack, find_classified

MOST = 8
"""Faces in a strip."""


@dataclass(frozen=True)
class Highlight:
    """A face in a frame: its track, its box_px [4], and how fake it looks there, 0-1."""

    track: int
    frame: int
    box_px: np.ndarray
    fake_score: float


def choose_highlights(
    tracks: list[FaceTrack], usable: UsableParams
) -> tuple[list[Highlight], list[Highlight]]:
    """Return the most suspicious faces, most fake first, and the most ordinary ones.

    Left out are faces that do not count and scores that stand between those of others. No face is
    in both; those of one track are some time apart, as far as the video is long enough, for
    neighbours look the same.
    """
    highlights = sorted(
        (highlight for track in tracks for highlight in _list_highlights(track, usable)),
        key=lambda highlight: (-highlight.fake_score, highlight.track, highlight.frame),
    )
    apart = _measure_distance(highlights)
    half = (len(highlights) + 1) // 2
    return _thin_out(highlights[:half], apart), _thin_out(highlights[half:][::-1], apart)


def _list_highlights(track: FaceTrack, usable: UsableParams):
    fake_scores = track.compute_fake_score()
    for index in np.flatnonzero(find_classified(track, usable)):
        frame, box_px = int(track.frames[index]), track.boxes_px[index]
        yield Highlight(track.track, frame, box_px, float(fake_scores[index]))


def _measure_distance(highlights: list[Highlight]) -> int:
    """Give how many frames apart faces are to be: a strip's faces over a quarter of the video."""
    frames = [highlight.frame for highlight in highlights]
    return (max(frames) - min(frames)) // (4 * MOST) if highlights else 0


def _thin_out(highlights: list[Highlight], apart: int) -> list[Highlight]:
    kept: list[Highlight] = []
    for highlight in highlights:
        near = any(
            k.track == highlight.track and abs(k.frame - highlight.frame) < apart for k in kept
        )
        if not near and len(kept) < MOST:
            kept.append(highlight)
    return kept
