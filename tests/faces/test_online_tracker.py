import numpy as np

from deepfake_detector.faces.online_tracker import MAX_GAP_FRAMES, FaceTracker

LEFT, RIGHT = (0, 0, 100, 100), (300, 0, 400, 100)


def see(*boxes):
    return np.reshape(boxes, (-1, 4)).astype(float)


def test_a_face_that_stays_keeps_its_number():
    tracker = FaceTracker()
    assert tracker.add(0, see(LEFT, RIGHT), False).tolist() == [1, 2]
    assert tracker.add(5, see(RIGHT, LEFT), False).tolist() == [2, 1]


def test_a_new_face_gets_the_next_number():
    tracker = FaceTracker()
    tracker.add(0, see(LEFT), False)
    assert tracker.add(5, see(RIGHT, LEFT), False).tolist() == [2, 1]


def test_a_frame_without_faces_has_no_numbers():
    assert FaceTracker().add(0, see(), False).tolist() == []


def test_a_face_keeps_its_number_where_few_frames_are_looked_at():
    tracker = FaceTracker()
    far = 10 * MAX_GAP_FRAMES
    assert tracker.add(0, see(LEFT), False).tolist() == [1]
    assert tracker.add(far, see(), False).tolist() == []
    assert tracker.add(2 * far, see(LEFT), False).tolist() == [1]


def test_a_short_gap_is_bridged_and_a_long_one_ends_the_track():
    tracker = FaceTracker()
    tracker.add(0, see(LEFT), False)
    tracker.add(5, see(), False)
    assert tracker.add(MAX_GAP_FRAMES, see(LEFT), False).tolist() == [1]
    tracker.add(MAX_GAP_FRAMES + 5, see(), False)
    tracker.add(MAX_GAP_FRAMES + 10, see(), False)
    later = 2 * MAX_GAP_FRAMES + 1
    assert tracker.add(later, see(LEFT), False).tolist() == [2]


def test_a_cut_ends_all_tracks():
    tracker = FaceTracker()
    tracker.add(0, see(LEFT, RIGHT), False)
    assert tracker.add(1, see(LEFT, RIGHT), True).tolist() == [3, 4]


def test_a_fast_face_is_followed_by_widened_boxes():
    """Moved by 0.8 of its width: overlap 20 / 180; widened to 200 px wide and high, 120 / 280."""
    tracker = FaceTracker()
    tracker.add(0, see(LEFT), False)
    assert tracker.add(5, see((80, 0, 180, 100)), False).tolist() == [1]
    assert tracker.add(10, see((280, 0, 380, 100)), False).tolist() == [2]  # by twice its width


def test_a_near_stranger_does_not_take_the_number_of_a_face_that_is_there():
    tracker = FaceTracker()
    tracker.add(0, see(LEFT), False)
    assert tracker.add(5, see((60, 0, 160, 100), LEFT), False).tolist() == [2, 1]


def test_memory_is_that_of_the_faces_in_sight():
    tracker = FaceTracker()
    for frame in range(0, 3000, 100):
        tracker.add(frame, see(LEFT), False)
    assert len(tracker._open) == 1


def test_the_faces_given_are_not_changed():
    faces = see(LEFT)
    FaceTracker().add(0, faces, False)
    assert np.array_equal(faces, [LEFT])
