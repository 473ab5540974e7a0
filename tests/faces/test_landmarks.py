import re

import numpy as np
import pytest

from deepfake_detector.faces.landmarks import MIN_PRESENCE, FaceLandmarker, cut_square
from deepfake_detector.video.reading import read_frames

FRANCK_BOX = np.array([140.95, 72.34, 270.79, 255.74])  # of the sample, frame 0 of franck_3.mp4
MIRRORED = {33: 263, 133: 362, 61: 291, 234: 454, 1: 1, 152: 152}  # corners, cheeks, nose, chin
LEFT_EYE, RIGHT_EYE, NOSE, CHIN, MOUTH = [33, 133], [362, 263], 1, 152, [61, 291]


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="module")
def franck(sample):
    _, image = next(read_frames(sample / "videos/franck_3.mp4"))
    return image


def test_a_square_is_one_and_a_half_times_the_longer_side_of_the_box():
    image = np.arange(100).repeat(100).reshape(100, 100, 1).repeat(3, axis=2)  # a row's number
    square, corner = cut_square(image, np.array([40.0, 30, 50, 50]))  # 10 x 20 around (45, 40)
    assert square.shape == (30, 30, 3)
    assert corner.tolist() == [30, 25]
    assert square[:, 0, 0].tolist() == list(range(25, 55))


def test_a_square_beyond_the_edge_repeats_the_pixels_of_the_edge():
    image = np.zeros((10, 10, 3), np.uint8)
    image[:, 0], image[:, 9] = 7, 9
    square, corner = cut_square(image, np.array([0.0, 0, 10, 10]))
    assert corner.tolist() == [-2, -2]  # 15 px around (5, 5), from -2.5
    assert square.shape == (15, 15, 3)
    assert np.all(square[:, :3] == 7)
    assert np.all(square[:, 11:] == 9)
    assert not square[:, 3:11].any()


def test_landmarks_stand_where_eyes_mouth_and_chin_are(landmarker, franck):
    (points,), (presence,) = landmarker.find_in_boxes([franck], FRANCK_BOX[None])
    assert presence > 0.9
    assert points.shape == (468, 2)
    assert points.dtype == np.float32
    left_eye, right_eye, mouth = (points[i].mean(0) for i in (LEFT_EYE, RIGHT_EYE, MOUTH))
    assert left_eye[0] < points[NOSE, 0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < points[NOSE, 1] < mouth[1] < points[CHIN, 1]
    assert np.all(points > FRANCK_BOX[:2] - 10)
    assert np.all(points < FRANCK_BOX[2:] + 10)


def test_the_mirror_image_has_mirrored_landmarks(landmarker, franck):
    width = franck.shape[1]
    mirrored_box = np.array([width, 0, width, 0]) + FRANCK_BOX[[2, 1, 0, 3]] * [-1, 1, -1, 1]
    both, _ = landmarker.find_in_boxes(
        [franck, franck[:, ::-1]], np.stack([FRANCK_BOX, mirrored_box])
    )
    seen = both[1][list(MIRRORED.values())]
    expected = both[0][list(MIRRORED)] * [-1, 1] + [width, 0]
    assert np.abs(seen - expected).max() < 6  # px of a turned face of 130 x 183 px


def test_pictures_of_any_size_share_a_batch(landmarker, franck):
    square, corner = cut_square(franck, FRANCK_BOX)
    large = square.repeat(2, axis=0).repeat(2, axis=1)
    together, presence = landmarker.find([square, large])
    assert presence.shape == (2,)
    assert together[1] / 2 == pytest.approx(together[0], abs=1.5)
    alone, _ = landmarker.find_in_boxes([franck], FRANCK_BOX[None])
    assert alone[0] - corner == pytest.approx(together[0], abs=0.01)


def test_a_blank_picture_has_no_face(landmarker):
    _, presence = landmarker.find([np.full((64, 64, 3), 127, np.uint8)])
    assert 0 <= presence[0] < MIN_PRESENCE


def test_no_pictures_have_no_landmarks(landmarker):
    for landmarks, presence in (
        landmarker.find([]),
        landmarker.find_in_boxes([], np.zeros((0, 4))),
    ):
        assert landmarks.shape == (0, 468, 2)
        assert presence.shape == (0,)


def test_another_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "face_mesh.onnx"
    path.write_bytes(b"another")
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}: expected SHA-256 9b56"):
        FaceLandmarker(threads=1, path=path)
