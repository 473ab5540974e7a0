import numpy as np
import pytest

from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.quality import Quality, measure_quality, name_group


def make_track(sides_px, sharpness):
    boxes = np.array([[0, 0, side, side + 10] for side in sides_px], float)
    n = len(boxes)
    return FaceTrack(
        1, np.arange(n), boxes, np.full(n, 0.5), np.full(n, 0.4), np.array(sharpness, float),
        brightness=np.full(n, 90.0), blockiness=np.full(n, 1.1),
    )  # fmt: skip


def test_quality_is_the_median_of_the_frames_that_are_used():
    track = make_track([100, 80, 60, 20], [300, 200, 100, 1])
    quality = measure_quality(track, np.array([True, True, True, False]))
    assert quality == Quality(80, 200, 90, 1.1, 3)


def test_a_face_that_is_never_used_has_no_quality():
    quality = measure_quality(make_track([100], [300]), np.array([False]))
    assert quality.frames == 0
    assert np.isnan(quality.face_px)


@pytest.mark.parametrize(
    ("quality", "group"),
    [
        (Quality(100, 300, 90, 1.0, 9), "clear"),
        (Quality(63, 300, 90, 1.0, 9), "small"),
        (Quality(100, 30, 90, 1.0, 9), "soft"),
        (Quality(100, 300, 90, 2.0, 9), "soft"),
        (Quality(100, 300, float("nan"), float("nan"), 9), "clear"),
    ],
)
def test_the_group_of_a_face_goes_by_size_sharpness_and_blocks(quality, group):
    assert name_group(quality) == group


def test_what_was_not_measured_is_no_reason():
    track = FaceTrack(1, np.arange(1), np.array([[0, 0, 90, 90.0]]), np.ones(1), np.ones(1),
                      np.array([200.0]))  # fmt: skip
    assert name_group(measure_quality(track, np.array([True]))) == "clear"
