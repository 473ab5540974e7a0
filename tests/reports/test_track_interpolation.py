import numpy as np
import pytest

from deepfake_detector.reports.track_interpolation import TrackInterpolator
from deepfake_detector.verdicts.face_track import FaceTrack


def see(track, frames, lefts, fakes):
    boxes = np.array([[left, 0, left + 10, 10] for left in lefts], float)
    fakes = np.array(fakes, float)
    return FaceTrack(track, np.array(frames), boxes, 1 - fakes, fakes, np.ones(len(fakes)))


def test_a_face_moves_in_a_straight_line_between_two_looks():
    places = TrackInterpolator([see(3, [0, 20], [0, 40], [1, 0])], frame_stride=20)
    found = places.find(5)
    assert found["track"].tolist() == [3]
    assert found[["left", "right", "fake"]].to_numpy().tolist() == [[10, 20, 0.75]]


def test_a_face_stays_until_the_next_look_and_then_is_gone():
    places = TrackInterpolator([see(1, [20, 40], [5, 5], [1, 1])], frame_stride=20)
    assert [len(places.find(frame)) for frame in (19, 20, 40, 59, 60)] == [0, 1, 1, 1, 0]


@pytest.mark.parametrize(("gap", "shown"), [(30, 1), (31, 0)])
def test_long_gaps_are_not_bridged(gap, shown):
    places = TrackInterpolator([see(1, [0, gap], [5, 5], [1, 1])], frame_stride=3)
    assert len(places.find(10)) == shown


def test_a_video_without_faces_has_none_in_any_frame():
    found = TrackInterpolator([], frame_stride=3).find(0)
    assert list(found.columns) == ["track", "left", "top", "right", "bottom", "real", "fake"]
    assert len(found) == 0
