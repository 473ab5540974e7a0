import pytest

from deepfake_detector.data.annotations.importers.keyframes import (
    MAX_GAP,
    Keyframe,
    interpolate_track,
)

LEFT, RIGHT = (0.0, 0.0, 10.0, 10.0), (8.0, 4.0, 18.0, 14.0)


def key(frame, box, is_shown=True, goes_on=True, row=1):
    return Keyframe(row, frame, box, is_shown, goes_on, "real")


def find_frames(keyframes, last_frame=None):
    return {frame: box for _, frame, box, _ in interpolate_track(keyframes, last_frame)}


def test_box_moves_evenly_between_keyframes_in_any_order():
    assert find_frames([key(6, RIGHT), key(2, LEFT)]) == {
        2: LEFT,
        3: (2.0, 1.0, 12.0, 11.0),
        4: (4.0, 2.0, 14.0, 12.0),
        5: (6.0, 3.0, 16.0, 13.0),
        6: RIGHT,
    }


def test_face_that_nothing_ends_stays_to_the_last_frame_where_that_is_known():
    assert list(find_frames([key(2, LEFT)])) == [2]
    assert find_frames([key(2, LEFT)], last_frame=4) == {2: LEFT, 3: LEFT, 4: LEFT}


def test_outside_ends_a_face_before_its_frame_and_disabled_after_it():
    outside = key(4, LEFT, is_shown=False, goes_on=False)
    assert list(find_frames([key(2, LEFT), outside, key(7, LEFT)])) == [2, 3, 7]
    disabled = key(4, LEFT, goes_on=False)
    assert list(find_frames([key(2, LEFT), disabled, key(7, LEFT)], last_frame=8)) == [
        2,
        3,
        4,
        7,
        8,
    ]


def test_frames_between_tell_the_row_of_the_keyframe_before():
    rows = [found[0] for found in interpolate_track([key(0, LEFT, row=5), key(2, RIGHT, row=6)])]
    assert rows == [5, 5, 6]


def test_no_keyframes_are_no_faces():
    assert find_frames([], last_frame=9) == {}


def test_keyframes_too_far_apart_are_rejected():
    with pytest.raises(ValueError, match=r"over 100,000 apart"):
        find_frames([key(0, LEFT), key(MAX_GAP + 2, LEFT)])
