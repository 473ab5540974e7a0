import numpy as np

from deepfake_detector.faces.offline_tracker import (
    FrameDetections,
    Track,
    make_empty_detections,
    make_tracks,
    smooth_track,
)

LEFT_FACE = [0.0, 0.0, 10.0, 10.0]
RIGHT_FACE = [50.0, 0.0, 60.0, 10.0]


def make_look(frame, boxes, confidence=0.99):
    boxes = np.array(boxes, float).reshape(-1, 4)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return FrameDetections(frame, boxes, landmarks, np.full(len(boxes), confidence))


def move(box, right):
    return [box[0] + right, box[1], box[2] + right, box[3]]


def make_track(lefts):
    boxes = np.array([[left, 0, left + 10, 10] for left in lefts], float)
    return Track(0, boxes, np.repeat(boxes[:, None, :2], 5, axis=1), 1.0)


def test_boxes_between_two_looks_are_interpolated():
    frame_detections = [make_look(frame, [move(LEFT_FACE, frame / 2)]) for frame in (0, 5, 10)]
    (track,) = make_tracks(frame_detections, 0.95)
    assert list(track.frames) == list(range(11))
    np.testing.assert_allclose(track.boxes_px[:, 0], np.arange(11) / 2)
    np.testing.assert_allclose(track.landmarks_px[4, 2], [2.0, 0.0])


def test_two_faces_keep_their_tracks_whatever_their_order_in_a_look():
    frame_detections = [
        make_look(0, [LEFT_FACE, RIGHT_FACE]),
        make_look(1, [RIGHT_FACE, LEFT_FACE]),
        make_look(2, [LEFT_FACE, RIGHT_FACE]),
    ]
    left, right = make_tracks(frame_detections, 0.95)
    np.testing.assert_allclose(left.boxes_px, [LEFT_FACE] * 3)
    np.testing.assert_allclose(right.boxes_px, [RIGHT_FACE] * 3)


def test_face_hidden_for_ten_frames_is_one_track():
    seen = [*range(4), *range(14, 18)]
    frame_detections = [
        make_look(n, [LEFT_FACE]) if n in seen else make_empty_detections(n) for n in range(18)
    ]
    (track,) = make_tracks(frame_detections, 0.95)
    assert len(track) == 18


def test_face_hidden_for_a_second_is_two_tracks():
    seen = [*range(4), *range(29, 33)]
    frame_detections = [
        make_look(n, [LEFT_FACE]) if n in seen else make_empty_detections(n) for n in range(33)
    ]
    first, second = make_tracks(frame_detections, 0.95)
    assert (list(first.frames), list(second.frames)) == (seen[:4], seen[4:])


def test_false_alarm_of_two_looks_is_dropped():
    frame_detections = [
        make_look(n, [LEFT_FACE, RIGHT_FACE] if n < 2 else [LEFT_FACE]) for n in range(6)
    ]
    (track,) = make_tracks(frame_detections, 0.95)
    np.testing.assert_allclose(track.boxes_px[0], LEFT_FACE)


def test_track_of_low_confidence_is_dropped():
    assert make_tracks([make_look(n, [LEFT_FACE], 0.9) for n in range(6)], 0.95) == []


def test_single_picture_needs_a_single_look():
    (track,) = make_tracks([make_look(0, [LEFT_FACE])], 0.95)
    assert len(track) == 1


def test_nothing_seen_gives_no_track():
    assert make_tracks([make_empty_detections(n) for n in range(5)], 0.95) == []
    assert make_tracks([], 0.95) == []


def test_smoothing_averages_inside_and_keeps_the_ends():
    smooth = smooth_track(make_track([0, 3, 0, 3, 6]), 3)
    np.testing.assert_allclose(smooth.boxes_px[:, 0], [0, 1, 2, 3, 6])
    np.testing.assert_allclose(smooth.landmarks_px[:, 0, 0], [0, 1, 2, 3, 6])


def test_smoothing_over_one_frame_changes_nothing():
    track = make_track([0, 3, 0])
    np.testing.assert_allclose(smooth_track(track, 1).boxes_px, track.boxes_px)
