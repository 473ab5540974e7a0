"""When a face is fake: the parts of a video whose own frames make a track likely fake.

A window slides over the frames in which a face is used. The highest of many windows is high by
chance, so the probability from which one is likely fake is counted on the highest windows of real
validation videos. Shapes: `n` frames of a track, `u` of them used.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.quality import measure_quality, name_group

WINDOW_FRAMES = 5
"""Used frames whose scores decide on the one in their middle; an odd number."""

MAX_GAP_SECONDS = 1.0
"""Parts that are less apart are one segment: a turned head hides a face for so long."""


@dataclass(frozen=True)
class Segment:
    """A part of a video in which a face is likely fake: its track, and when, in seconds."""

    track: int
    start_seconds: float
    end_seconds: float
    probability: float


def find_segments(
    track: FaceTrack, seconds: np.ndarray, calibration: Calibration
) -> list[Segment]:
    """Find the parts of a track that are likely fake, in the order of time.

    Args:
        seconds: when each frame of the track is shown, [n].

    Returns:
        Empty where the track has too few frames, or its quality no answer.
    """
    used = find_usable(track, calibration.usable)
    if used.sum() < calibration.usable.min_frames:
        return []
    own = calibration.of_group(name_group(measure_quality(track, used)))
    if own.problem or own.min_fake_probability >= 1:
        return []
    scores, times = track.compute_fake_score()[used], seconds[used]  # [u]
    is_fake = slide_window(scores, own) >= get_segment_threshold(own)
    return [
        Segment(
            track.track,
            float(times[first]),
            float(times[last]),
            own.compute_probability(RULES[own.rule](scores[first : last + 1])),
        )
        for first, last in _list_runs(is_fake, times)
    ]


def get_segment_threshold(calibration: Calibration) -> float:
    """Return the probability from which a window is likely fake by itself."""
    if calibration.min_segment_probability is None:
        return calibration.min_fake_probability
    return calibration.min_segment_probability


def slide_window(scores: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Return the probability [u] of the window around each used frame, moved in at the ends."""
    size, rule = min(WINDOW_FRAMES, len(scores)), RULES[calibration.rule]
    own = np.array(
        [
            calibration.compute_probability(rule(scores[start : start + size]))
            for start in range(len(scores) - size + 1)
        ]
    )
    centered = np.arange(len(scores)) - size // 2
    return own[np.clip(centered, 0, len(scores) - size)]


def _list_runs(is_fake: np.ndarray, times: np.ndarray) -> list[tuple[int, int]]:
    """List first and last place of each run of fake frames; near runs are joined."""
    runs: list[tuple[int, int]] = []
    for place in np.flatnonzero(is_fake).tolist():
        if runs and _is_near(runs[-1][1], place, times):
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _is_near(before: int, place: int, times: np.ndarray) -> bool:
    return place == before + 1 or times[place] - times[before] <= MAX_GAP_SECONDS
