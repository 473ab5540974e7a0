import cv2
import numpy as np
import pytest

from deepfake_detector.faces.alignment import TEMPLATE
from deepfake_detector.faces.offline_tracker import FrameDetections, Track, make_empty_detections
from deepfake_detector.forging.video_forger import (
    Donor,
    choose_donor_frames,
    crop_face,
    forge_frames,
    make_swap,
    read_donor,
)

FACE = 40 * TEMPLATE + 20  # a face of 40 x 40 px


def turn(landmarks, alpha):
    """Move the nose sideways, as a turning head does, by a share of the face."""
    turned = landmarks.copy()
    turned[2, 0] += 40 * alpha
    return turned


def make_track(length, first_frame=0):
    return Track(first_frame, np.zeros((length, 4)), np.stack([FACE] * length), 1.0)


class OneFaceFinder:
    """Sees the same face in every picture that is not black."""

    def detections(self, image, frame=0):
        if not image.any():
            return make_empty_detections(frame)
        return FrameDetections(frame, np.array([[20.0, 20, 60, 60]]), FACE[None], np.ones(1))


def test_donor_starts_where_its_pose_fits_and_plays_on():
    donor = np.stack([turn(FACE, alpha) for alpha in (0.0, 0.05, 0.10, 0.15, 0.20)])
    target = np.stack([turn(FACE, alpha) for alpha in (0.10, 0.15, 0.20)])
    assert choose_donor_frames(target, donor).tolist() == [2, 3, 4]


def test_donor_plays_backward_where_that_fits():
    donor = np.stack([turn(FACE, alpha) for alpha in (0.0, 0.05, 0.10, 0.15, 0.20)])
    target = np.stack([turn(FACE, alpha) for alpha in (0.15, 0.10, 0.05, 0.0, 0.05)])
    assert choose_donor_frames(target, donor).tolist() == [3, 2, 1, 0, 1]


def test_donor_that_is_larger_and_elsewhere_has_the_same_pose():
    donor = np.stack([turn(FACE, 0.1), turn(FACE, 0.0)]) * 3 + 100
    assert choose_donor_frames(FACE[None], donor).tolist() == [1]


def test_still_image_serves_every_frame():
    assert choose_donor_frames(np.stack([FACE] * 4), FACE[None]).tolist() == [0] * 4


def test_crop_is_a_view_around_the_face_and_stays_in_the_picture():
    image = np.zeros((200, 300, 3), np.uint8)
    crop, (left, top) = crop_face(image, FACE)
    # the face's middle is (40, 43), its width 26.4 px, so 1.3 of it reach 34 px
    assert (left, top) == (5, 8)
    assert crop.shape[:2] == (70, 70)
    crop[0, 0] = 9
    assert image[top, left, 0] == 9
    edge, corner = crop_face(image, FACE - 30)
    assert corner.tolist() == [0, 0]
    assert edge.shape[0] < 70


def test_frames_outside_the_track_stay_as_they_are():
    frames = [(number, np.full((80, 80, 3), 100, np.uint8)) for number in range(4)]
    places = []

    def forge(image, landmarks, place):
        places.append(place)
        return image + 1

    forged = list(forge_frames(frames, make_track(2, first_frame=1), forge))
    assert places == [0, 1]
    assert [image[40, 40, 0] for image in forged] == [100, 101, 101, 100]
    assert all((image == 100).all() for _, image in frames)


def test_forger_gets_landmarks_within_its_crop():
    image = np.zeros((200, 200, 3), np.uint8)
    seen = []

    def forge(crop, landmarks, place):
        seen.append(landmarks)
        return crop

    list(forge_frames([(0, image)], make_track(1), forge))
    np.testing.assert_allclose(seen[0], FACE - [5, 8])


def test_swap_uses_the_chosen_donor_frame():
    crops = [np.full((80, 80, 3), 120, np.uint8) for _ in range(2)]
    crops[1][46:49, 33:36] = 0  # a mark beside the nose, in the second donor frame only
    donor = Donor(crops, np.stack([turn(FACE, 0.2), FACE]))
    image = np.random.default_rng(0).integers(80, 120, (80, 80, 3), dtype=np.uint8)
    forged = make_swap(make_track(1), donor, 0.12)(image, FACE, 0)
    assert forged[47, 34].mean() < forged[40:54, 38:44].mean() - 20


def test_donor_of_an_image_is_its_face(tmp_path):
    path = tmp_path / "gesicht ä.png"
    cv2.imencode(".png", np.full((90, 90, 3), 128, np.uint8))[1].tofile(path)
    donor = read_donor(path, OneFaceFinder(), 0.95, 5)
    crop, corner = crop_face(np.zeros((90, 90, 3)), FACE)
    assert donor.crops[0].shape == crop.shape
    np.testing.assert_allclose(donor.landmarks, (FACE - corner)[None])


def test_donor_without_a_face_is_named(tmp_path):
    path = tmp_path / "nobody.png"
    cv2.imwrite(str(path), np.zeros((90, 90, 3), np.uint8))
    with pytest.raises(ValueError, match=r"nobody\.png: expected a donor's face, found none"):
        read_donor(path, OneFaceFinder(), 0.95, 5)


def test_donor_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_text("no picture")
    with pytest.raises(ValueError, match=r"broken\.jpg: not a video"):
        read_donor(path, OneFaceFinder(), 0.95, 5)
