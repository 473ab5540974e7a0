import numpy as np
import pytest

from deepfake_detector.reports.smoothing import (
    WINDOW_FRAMES,
    smooth_boxes,
    smooth_fake_score,
    smooth_values,
)
from deepfake_detector.verdicts.face_track import FaceTrack


def test_neighbours_weigh_less_the_further_they_are():
    """At frame 5: weights 2/3, 1, 2/3 of 0, 1, 0."""
    smoothed = smooth_values(np.array([0, 5, 10]), np.array([0.0, 1.0, 0.0]))
    assert smoothed[1] == pytest.approx(1 / (1 + 4 / 3))


def test_the_first_frame_has_neighbours_on_one_side():
    """At frame 0: weights 1, 2/3, 1/3 of 1, 0, 0."""
    smoothed = smooth_values(np.array([0, 5, 10]), np.array([1.0, 0.0, 0.0]))
    assert smoothed[0] == pytest.approx(0.5)


def test_frames_beyond_the_reach_do_not_count():
    values = np.array([1.0, 0.0])
    assert smooth_values(np.array([0, WINDOW_FRAMES]), values) == pytest.approx(values)


def test_what_stays_is_left_as_it_is():
    evidence = FaceTrack(
        track=1,
        frames=np.array([0, 3, 10]),
        boxes_px=np.tile([1.0, 2.0, 3.0, 4.0], (3, 1)),
        real=np.full(3, 0.2),
        fake=np.full(3, 0.6),
        sharpness=np.ones(3),
    )
    assert smooth_boxes(evidence) == pytest.approx(evidence.boxes_px)
    assert smooth_fake_score(evidence) == pytest.approx([0.75] * 3)
