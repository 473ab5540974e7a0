import numpy as np
import pytest

from deepfake_detector.verdicts.track_collector import NOT_FOLLOWED, TrackCollector

NOISE = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
ON_LEFT, ON_RIGHT = (0, 0, 50, 50), (120, 0, 170, 50)


def see(*faces):
    """Faces [N, 6]."""
    return np.array([(*box, *scores) for box, scores in faces], float).reshape(-1, 6)


def test_collects_each_face_over_time():
    collector = TrackCollector(min_face_score=0.5)
    first = collector.add(0, NOISE, see((ON_LEFT, (0.6, 0.3)), (ON_RIGHT, (0.1, 0.8))))
    second = collector.add(5, NOISE, see((ON_RIGHT, (0.2, 0.7))))
    assert (first.tolist(), second.tolist()) == ([1, 2], [2])
    left, right = collector.collect()
    assert (left.track, left.frames.tolist()) == (1, [0])
    assert (right.track, right.frames.tolist()) == (2, [0, 5])
    assert right.boxes_px.tolist() == [list(ON_RIGHT)] * 2
    assert right.real.tolist() == [0.1, 0.2]
    assert right.compute_fake_score() == pytest.approx([8 / 9, 7 / 9])
    assert (right.sharpness > 100).all()


def test_what_is_hardly_a_face_is_not_followed():
    collector = TrackCollector(min_face_score=0.5)
    numbers = collector.add(0, NOISE, see((ON_LEFT, (0.2, 0.2)), (ON_RIGHT, (0.3, 0.3))))
    assert numbers.tolist() == [NOT_FOLLOWED, 1]
    assert len(collector.collect()) == 1


def test_a_video_without_faces_has_no_evidence():
    collector = TrackCollector(min_face_score=0.5)
    assert collector.add(0, NOISE, see()).tolist() == []
    assert collector.collect() == []


def test_boxes_are_of_the_original_frame_whatever_the_pictures_size():
    """A picture of half the size: the face's right half is plain there."""
    picture = NOISE.copy()
    picture[:, 100:] = 0
    collector = TrackCollector(min_face_score=0.5)
    faces = see(((0, 0, 200, 200), (0.5, 0.5)), ((200, 0, 400, 200), (0.5, 0.5)))
    collector.add(0, picture, faces, scale=0.5)
    noisy, plain = collector.collect()
    assert noisy.sharpness[0] > 100
    assert plain.sharpness[0] == 0
    assert plain.boxes_px.tolist() == [[200, 0, 400, 200]]


def test_a_cut_begins_new_faces():
    collector = TrackCollector(min_face_score=0.5)
    collector.add(0, np.full_like(NOISE, (200, 0, 0)), see((ON_LEFT, (0.5, 0.5))))
    collector.add(5, np.full_like(NOISE, (0, 0, 200)), see((ON_LEFT, (0.5, 0.5))))
    assert [track.track for track in collector.collect()] == [1, 2]
