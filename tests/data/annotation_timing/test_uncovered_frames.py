from deepfake_detector.data.annotation_timing.uncovered_frames import (
    Stretch,
    find_uncovered,
    list_looks,
)

FRAMES = 60


def find(annotated, has_face=lambda frame: True):
    return find_uncovered(set(annotated), FRAMES, has_face)


def test_annotation_that_ends_early_or_begins_late_is_found():
    assert find(range(40)) == [Stretch(40, 59, 5, 5)]
    assert find(range(20, 60)) == [Stretch(0, 19, 5, 5)]


def test_gap_between_annotations_is_found():
    assert find([*range(20), *range(40, 60)]) == [Stretch(20, 39, 5, 5)]


def test_video_annotated_whole_or_shifted_by_ten_has_none():
    assert find(range(60)) == []
    assert find(range(10, 70)) == []
    assert find(range(-10, 50)) == []
    assert find(range(0, 60, 5)) == []


def test_stretch_without_a_face_or_with_false_alarms_is_none():
    assert find(range(40), lambda frame: frame < 40) == []
    assert find(range(40), lambda frame: frame in (40, 49)) == []
    assert find(range(40), lambda frame: frame > 45) == [Stretch(40, 59, 3, 5)]


def test_frames_looked_at_are_spread_over_the_stretch():
    assert list_looks(set(range(40)), FRAMES) == [(40, 59, [40, 44, 49, 54, 59])]
    assert list_looks(set(), FRAMES) == [(0, 59, [0, 14, 29, 44, 59])]
