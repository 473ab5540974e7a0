"""A face forged through a video by its 468 landmarks: what is drawn stays through the video."""

import numpy as np
import pytest

from deepfake_detector.faces.alignment import TEMPLATE
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.forging import landmark_forger
from deepfake_detector.forging.landmark_forger import (
    make_expression_warp,
    make_resynthesis,
    resynthesize_frames,
)
from deepfake_detector.forging.video_forger import forge_frames

FACE = 40 * TEMPLATE + 30
ANGLES = np.linspace(0, 2 * np.pi, 468, endpoint=False)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


class Landmarker:
    """Sees a round face in the middle of the box, in as many pictures as it is told."""

    def __init__(self, seen):
        self._seen = seen

    def find_in_boxes(self, images, boxes_px):
        self._seen -= 1
        middle = (boxes_px[0, :2] + boxes_px[0, 2:]) / 2
        return (middle + 20 * CIRCLE)[None], np.array([float(self._seen >= 0)])


@pytest.fixture
def see(monkeypatch):
    def see(frames):
        made = Landmarker(frames)
        monkeypatch.setattr(landmark_forger, "FaceLandmarker", lambda threads: made)

    return see


def make_video(frames=4, step=0):
    image = np.random.default_rng(0).integers(0, 255, (110, 120, 3)).astype(np.uint8)
    moved = np.stack([FACE + np.array([step * number, 0]) for number in range(frames)])
    track = Track(0, np.zeros((frames, 4)), moved, 1.0)
    images = [np.roll(image, step * number, axis=1) for number in range(frames)]
    return list(enumerate(images)), track


def measure_changes(frames, track, forger):
    forged = forge_frames(frames, track, forger)
    return [new.astype(int) - old for (_, old), new in zip(frames, forged, strict=True)]


def test_resynthesis_changes_the_same_face_in_the_same_way(see):
    see(4)
    frames, track = make_video()
    changes = measure_changes(frames, track, make_resynthesis(track, [1, 2]))
    assert np.abs(changes[0]).max() > 0
    for change in changes[1:]:
        np.testing.assert_array_equal(change, changes[0])


def test_what_is_drawn_moves_with_the_face(see):
    see(4)
    frames, track = make_video(step=2)
    changes = measure_changes(frames, track, make_resynthesis(track, [1, 2]))
    inside = slice(25, 85)
    for number, change in enumerate(changes):
        back = np.roll(change, -2 * number, axis=1)[inside, 15:80]
        assert np.mean(back != changes[0][inside, 15:80]) < 0.05


def test_expression_comes_and_goes(see):
    see(20)
    frames, track = make_video(20)
    changes = measure_changes(frames, track, make_expression_warp(track, [1, 2]))
    sizes = [float(np.abs(change).mean()) for change in changes]
    assert max(sizes) > 1.1 * min(sizes) > 0


def test_landmarks_that_are_lost_move_along(see):
    see(1)
    frames, track = make_video(step=2)
    changes = measure_changes(frames, track, make_resynthesis(track, [1, 2]))
    assert all(np.abs(change).max() > 0 for change in changes)


def test_face_without_landmarks_is_an_error(see):
    see(0)
    frames, track = make_video()
    with pytest.raises(ValueError, match=r"expected 468 landmarks .* try --method self_blend"):
        measure_changes(frames, track, make_resynthesis(track, [1, 2]))


def test_whole_picture_is_drawn_by_one_generator():
    frames, _ = make_video(2)
    first, second = resynthesize_frames(frames, [3])
    np.testing.assert_array_equal(first, second)
    assert np.abs(first.astype(int) - frames[0][1]).mean() > 0.5
