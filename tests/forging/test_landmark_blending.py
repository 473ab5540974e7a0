import cv2
import numpy as np
import pytest
from tests.forging.test_landmark_masks import make_landmarks

from deepfake_detector.forging.landmark_blending import (
    STABLE,
    LandmarkedFace,
    blend_by_landmarks,
    find_best_fit,
    lay_on,
    make_stable_shape,
)


def make_picture(seed=0, side=100):
    noise = np.random.default_rng(seed).integers(0, 255, (side // 5, side // 5, 3), np.uint8)
    return noise.repeat(5, axis=0).repeat(5, axis=1)


def make_face(seed=0):
    return LandmarkedFace(make_picture(seed), make_landmarks())


def test_a_face_and_its_fake_are_alike_outside_the_face_and_differ_inside():
    for partner in (None, make_face(1)):
        differ = 0
        for seed in range(10):
            face = make_face()
            real, fake = blend_by_landmarks(face, partner, np.random.default_rng(seed))
            assert real.shape == fake.shape == face.image.shape
            assert real.dtype == fake.dtype == np.uint8
            for region in (np.s_[:5], np.s_[95:], np.s_[:, :15], np.s_[:, 85:]):
                assert np.array_equal(real[region], fake[region])
            differ += not np.array_equal(real[40:60, 40:60], fake[40:60, 40:60])
        assert differ == 10


def test_the_real_face_stays_as_it_is_when_another_is_laid_on():
    face = make_face()
    for seed in range(5):
        real, _ = blend_by_landmarks(face, make_face(1), np.random.default_rng(seed))
        assert np.array_equal(real, face.image)


def test_either_of_a_face_and_its_copy_may_be_the_changed_one():
    face = make_face()
    reals = [blend_by_landmarks(face, None, np.random.default_rng(n))[0] for n in range(20)]
    unchanged = sum(np.array_equal(real, face.image) for real in reals)
    assert 4 < unchanged < 16


def test_the_arguments_stay_as_they_are():
    face, partner = make_face(), make_face(1)
    blend_by_landmarks(face, partner, np.random.default_rng(0))
    assert np.array_equal(face.image, make_picture(0))
    assert np.array_equal(partner.image, make_picture(1))


def test_a_partner_is_turned_zoomed_and_moved_onto_the_face():
    face = LandmarkedFace(cv2.GaussianBlur(make_picture(), (0, 0), 3.0), make_landmarks())
    # the partner's picture is the face's, a quarter turn counter-clockwise and twice as large
    turned = np.rot90(face.image).repeat(2, axis=0).repeat(2, axis=1)
    x, y = face.landmarks.T
    partner = LandmarkedFace(turned, np.stack([2 * y + 0.5, 2 * (99 - x) + 0.5], axis=1))
    laid = lay_on(partner, face)
    assert laid.shape == face.image.shape
    assert laid.astype(float) == pytest.approx(face.image.astype(float), abs=4)


def test_a_partner_that_does_not_fit_is_not_laid_on():
    face = make_face()
    other = face.landmarks.copy()
    other[STABLE[0]] += 40  # an eye is elsewhere, by a face's width
    partner = LandmarkedFace(make_picture(1), other)
    assert lay_on(partner, face) is None
    alone, together = (
        blend_by_landmarks(face, who, np.random.default_rng(3)) for who in (None, partner)
    )
    assert np.array_equal(alone, together)


def test_stable_shapes_know_neither_size_nor_place():
    landmarks = make_landmarks()
    shape = make_stable_shape(landmarks)
    assert shape.shape == (8, 2)
    assert make_stable_shape(landmarks * 3 + [7, -4]) == pytest.approx(shape)
    assert shape * 40 == pytest.approx(landmarks[list(STABLE)] - landmarks[list(STABLE)].mean(0))


def test_the_nearest_shape_fits_best():
    shape = np.zeros((8, 2))
    assert find_best_fit(shape, np.stack([shape + 3, shape - 1, shape + 2])) == 1


def test_the_same_draw_gives_the_same_pair():
    first, second = (
        blend_by_landmarks(make_face(), make_face(1), np.random.default_rng(4)) for _ in range(2)
    )
    assert np.array_equal(first, second)
