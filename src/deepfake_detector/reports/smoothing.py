"""A track's box and fake share without the jitter of single frames.

Weights fall with the distance in frame numbers, so that it does not matter which frames were left
out. Shapes: `n` frames of a track.
"""

import numpy as np

from deepfake_detector.verdicts.face_track import FaceTrack

WINDOW_FRAMES = 15  # a third to half a second either way


def smooth_boxes(evidence: FaceTrack) -> np.ndarray:
    """Smooth the boxes_px [n, 4] of a track."""
    return smooth_values(evidence.frames, evidence.boxes_px)


def smooth_fake_score(evidence: FaceTrack) -> np.ndarray:
    """Smooth the fake share [n] of a track: its time line."""
    return smooth_values(evidence.frames, evidence.compute_fake_score())


def smooth_values(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Average values [n, ...] over their neighbours, with weights falling to 0 at the reach.

    The first and the last value take their neighbours on one side only.
    """
    first = np.searchsorted(frames, frames - WINDOW_FRAMES, side="right")
    last = np.searchsorted(frames, frames + WINDOW_FRAMES, side="left")
    smoothed = np.empty(values.shape)
    for index, (start, end) in enumerate(zip(first, last, strict=True)):
        weights = 1 - np.abs(frames[start:end] - frames[index]) / WINDOW_FRAMES
        smoothed[index] = np.average(values[start:end], axis=0, weights=weights)
    return smoothed
