import cv2
import numpy as np

from clips import write_clip
from deepfake_detector.data.annotation_timing.followed_faces import (
    REACH,
    choose_centers,
    find_and_follow,
)
from deepfake_detector.faces.offline_tracker import FrameDetections

SIZE = 60


def make_scene(shift_px: float):
    """Make a textured face at 40 + `shift_px` on a still, textured background."""
    generator = np.random.default_rng(0)
    back = cv2.resize(generator.integers(90, 130, (15, 20, 3), np.uint8), (200, 150))
    face = cv2.resize(generator.integers(0, 255, (12, 12, 3), np.uint8), (SIZE, SIZE))
    move = np.float32([[1, 0, 40 + shift_px], [0, 1, 50]])
    moved = cv2.warpAffine(face, move, (200, 150))
    mask = cv2.warpAffine(np.full((SIZE, SIZE), 255, np.uint8), move, (200, 150))
    return np.where(mask[..., None] > 127, moved, back)


class FaceAt:
    """Stands in for MTCNN: knows where the face is in the frame it is shown, which is shrunk."""

    def __init__(self, shifts, centers):
        self.shifts = [shifts[center] for center in centers]

    def detections(self, image, frame=0):
        left, scale = 40 + self.shifts.pop(0), image.shape[1] / 200
        box = np.array([[left, 50, left + SIZE, 50 + SIZE]]) * scale
        return FrameDetections(frame, box, np.zeros((1, 5, 2)), np.ones(1))


def test_windows_are_spread_over_a_video_and_do_not_overlap():
    assert choose_centers(31) == [15]
    assert choose_centers(20) == [10]
    assert choose_centers(124) == [15, 46, 77, 108]
    centers = choose_centers(3000)
    assert len(centers) == 8
    assert min(np.diff(centers)) > 2 * REACH


def test_face_is_followed_both_ways(tmp_path):
    shifts = 20 * np.sin(np.arange(70) / 8)
    clip = write_clip(tmp_path / "clip.mp4", [make_scene(shift) for shift in shifts])
    centers = choose_centers(70)
    faces, images = find_and_follow(clip, centers, FaceAt(shifts, centers), 120)
    assert [(face.center, face.first, len(face.boxes_px)) for face in faces] == [
        (17, 2, 31),
        (52, 37, 31),
    ]
    assert sorted(images) == centers
    for face in faces:
        lefts = 40 + shifts[face.first : face.first + 31]
        assert np.abs(face.boxes_px[:, 0] - lefts).max() < 2.5
        assert np.abs(face.boxes_px[:, 2] - face.boxes_px[:, 0] - SIZE).max() < 3


def test_window_at_the_ends_of_a_short_video_is_as_long_as_it_is(tmp_path):
    shifts = np.linspace(0, 10, 12)
    clip = write_clip(tmp_path / "clip.mp4", [make_scene(shift) for shift in shifts])
    ((face,), _) = find_and_follow(clip, [6], FaceAt(shifts, [6]), SIZE)
    assert (face.first, len(face.boxes_px)) == (0, 12)


def test_face_that_is_cut_away_is_followed_to_the_cut(tmp_path):
    frames = [make_scene(0)] * 20 + [np.full((150, 200, 3), 90, np.uint8)] * 11
    clip = write_clip(tmp_path / "clip.mp4", frames)
    ((face,), _) = find_and_follow(clip, [15], FaceAt(np.zeros(31), [15]), SIZE)
    assert face.first == 0
    assert len(face.boxes_px) <= 21
