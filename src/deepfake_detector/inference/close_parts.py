"""Which parts of a long video deserve more frames than were analyzed of all of it.

A long video is analyzed coarsely. More is worth seeing where a part that looks fake begins or
ends, where a few frames look fake that are too few for a part, and where the quality of the images
changes, as it does where another clip was cut in. Shapes: `u` frames of a track that are used.
"""

import numpy as np

from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.quality import measure_quality, name_group
from deepfake_detector.verdicts.segments import WINDOW_FRAMES, find_segments

MARGIN = WINDOW_FRAMES // 2 + 1
"""Analyzed frames before and after a place; so far a window blurs where a part begins."""

NEIGHBORS = 3
"""Frames before and after a place whose quality is compared."""

MIN_QUALITY_RATIO = 2.0
"""By which sharpness rises or falls where the quality changes."""


def choose_close_parts(
    tracks: list[FaceTrack], calibration: Calibration, frame_stride: int, seconds: dict[int, float]
) -> list[tuple[int, int]]:
    """Choose the parts, as first and last frame, the ones worth most first.

    Args:
        tracks: of the whole video, seen in every `frame_stride`th frame.
        seconds: the time of each analyzed frame, by its number.

    Returns:
        Parts may overlap; empty where nothing stands out.
    """
    edges, suspects, changes = [], [], []
    for track in tracks:
        used = find_usable(track, calibration.usable)
        if used.any():
            frames = track.frames[used]
            edges += _find_edges(track, seconds, calibration)
            suspects += _find_suspects(track, used, calibration)
            changes += [int(frames[place]) for place in _find_changes(track.sharpness[used])]
    ordered = [*edges, *(frame for _, frame in sorted(suspects, reverse=True)), *changes]
    margin = MARGIN * frame_stride
    return [(max(0, frame - margin), frame + margin) for frame in dict.fromkeys(ordered)]


def list_parts(
    more: set[int], frame_stride: int, seconds: dict[int, float]
) -> tuple[tuple[float, float], ...]:
    """List the parts, from and to in seconds, that lie within `frame_stride` of added frames.

    Args:
        more: frames that were added; may be empty.
        seconds: the time of each analyzed frame, by its number.
    """
    frames = np.array(sorted(more), int)
    groups = np.split(frames, np.flatnonzero(np.diff(frames) > frame_stride) + 1)
    return tuple((seconds[int(own[0])], seconds[int(own[-1])]) for own in groups if len(own))


def _find_edges(
    track: FaceTrack, seconds: dict[int, float], calibration: Calibration
) -> list[int]:
    """Find the first and the last frame of each segment."""
    times = np.array([seconds[number] for number in track.frames.tolist()])
    ends = [
        end
        for segment in find_segments(track, times, calibration)
        for end in (segment.start_seconds, segment.end_seconds)
    ]
    return [int(track.frames[np.searchsorted(times, end)]) for end in ends]


def _find_suspects(
    track: FaceTrack, used: np.ndarray, calibration: Calibration
) -> list[tuple[float, int]]:
    """Find frames that look fake by themselves on a face that does not: probability and number."""
    own = calibration.of_group(name_group(measure_quality(track, used)))
    scores, rule = track.compute_fake_score()[used], RULES[own.rule]
    if own.problem or own.compute_probability(rule(scores)) >= own.min_fake_probability:
        return []
    alone = [own.compute_probability(rule(scores[i : i + 1])) for i in range(len(scores))]
    return [
        (probability, int(frame))
        for probability, frame in zip(alone, track.frames[used], strict=True)
        if probability >= own.min_fake_probability
    ]


def _find_changes(sharpness: np.ndarray) -> list[int]:
    """Find the places in [u] where sharpness jumps, the middle of each run of such places."""
    places = range(NEIGHBORS, len(sharpness) - NEIGHBORS + 1)
    logs = np.log(np.maximum(sharpness, 1e-6))
    jumps = np.array(
        [
            np.median(logs[place : place + NEIGHBORS]) - np.median(logs[place - NEIGHBORS : place])
            for place in places
        ]
    )
    is_jump = np.abs(jumps) >= np.log(MIN_QUALITY_RATIO)
    runs = np.split(
        np.flatnonzero(is_jump), np.flatnonzero(np.diff(np.flatnonzero(is_jump)) > 1) + 1
    )
    return [int(run[len(run) // 2]) + NEIGHBORS for run in runs if len(run)]
