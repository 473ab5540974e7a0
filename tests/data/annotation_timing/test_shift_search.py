import numpy as np
import pandas as pd
import pytest

from deepfake_detector.data.annotation_timing.followed_faces import FollowedFace
from deepfake_detector.data.annotation_timing.shift_search import measure_shifts
from deepfake_detector.data.annotation_timing.video_alignment import (
    ALIGNED,
    SHIFTED,
    UNDECIDABLE,
    decide,
)

FRAMES = 120
SIZE = 80.0


def make_path(motion_px: float, frames=FRAMES, seed=0) -> np.ndarray:
    """Make the boxes of a face that sways about, [frames, 4]."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(0, 1, (frames + 30, 2))
    kernel = np.hanning(15) / np.hanning(15).sum()
    smooth = np.stack([np.convolve(axis, kernel, "same") for axis in steps.T], axis=1)
    corners = 100 + motion_px * (smooth - smooth.mean(axis=0))[15:-15] / smooth.std()
    return np.concatenate([corners, corners + SIZE], axis=1)


def annotate(path, shift=0, face="0", every=1):
    """Annotate a path with frame numbers that are too high by `shift`."""
    frames = np.arange(0, len(path), every)
    table = pd.DataFrame(path[frames], columns=["left", "top", "right", "bottom"])
    return table.assign(frame=frames + shift, face=face)


def find(*paths, centers=(15, 46, 77, 104), noise_px=0.8, bias_px=(6, -4, -5, 3)):
    """Find and follow the faces as a detector with noise and a habit of its own does."""
    generator = np.random.default_rng(1)
    return [
        FollowedFace(
            center, center - 15,
            path[center - 15 : center + 16] + np.array(bias_px)
            + generator.normal(0, noise_px, (len(path[center - 15 : center + 16]), 4)), 1.0,
        )
        for path in paths
        for center in centers
    ]  # fmt: skip


@pytest.mark.parametrize("shift", [-10, -3, -2, 0, 2, 3, 7, 10])
def test_shift_of_a_moving_face_is_found(shift):
    path = make_path(12)
    curve = measure_shifts(annotate(path, shift), find(path))
    assert curve.best == -shift  # what is to be added
    status, found, sureness, _ = decide(curve)
    assert (status, found) == ((SHIFTED if shift else ALIGNED), -shift)
    assert sureness >= 2.8


def test_annotations_of_every_fifth_frame_will_do():
    path = make_path(12)
    assert measure_shifts(annotate(path, 5, every=5), find(path)).best == -5


def test_two_faces_are_told_apart():
    one, two = make_path(12), make_path(12, seed=5) + np.array([150, 0, 150, 0])
    rows = pd.concat([annotate(one, 3, "a"), annotate(two, 3, "b")])
    curve = measure_shifts(rows, find(one, two))
    assert decide(curve)[:2] == (SHIFTED, -3)
    assert curve.faces > measure_shifts(annotate(one, 3), find(one)).faces


def test_face_that_hardly_moves_is_undecidable():
    path = make_path(0.3)
    for shift in (0, 3):
        status, found, _, reason = decide(measure_shifts(annotate(path, shift), find(path)))
        assert (status, found) == (UNDECIDABLE, 0)
        assert "hardly moves" in reason


def test_too_few_faces_are_undecidable():
    path = make_path(12)
    for faces, count in (([], 0), (find(path, centers=(15,)), 21)):
        status, _, _, reason = decide(measure_shifts(annotate(path), faces))
        assert status == UNDECIDABLE
        assert reason == f"only {count} faces to compare, 24 are needed"


def test_gap_is_not_interpolated_over():
    """Between frames 40 and 80 the face jumps; a straight line would be compared otherwise."""
    path = make_path(12)
    rows = annotate(path)
    rows = rows[(rows["frame"] < 40) | (rows["frame"] >= 80)]
    curve = measure_shifts(rows, find(path))
    assert curve.best == 0
    assert curve.faces == len([*range(10, 30), *range(90, 110)])


def test_false_alarms_elsewhere_do_not_count():
    path = make_path(12)
    alarms = np.tile([400.0, 300, 440, 340], (FRAMES, 1))
    with_alarms = measure_shifts(annotate(path, 3), find(path, alarms))
    assert with_alarms.best == -3
    assert with_alarms.faces == measure_shifts(annotate(path, 3), find(path)).faces
