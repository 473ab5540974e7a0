import numpy as np
import pytest

from deepfake_detector.forging.color_transfer import blur, blur_inside, match_appearance

EVERYWHERE = np.ones((120, 120), np.float32)


def make_image(color, seed=0, spread=12):
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, (120, 120, 1))
    return (np.asarray(color) + noise).astype(np.float32)


def test_blur_inside_lets_nothing_bleed_in_from_outside():
    image = np.full((20, 40, 3), 50, np.float32)
    image[:, 20:] = 250
    mask = np.zeros((20, 40), np.float32)
    mask[:, :20] = 1
    np.testing.assert_allclose(blur_inside(image, mask, 2.0)[:, :20], 50, atol=1e-3)


def test_wide_blur_at_a_smaller_size_is_about_the_exact_one():
    image = np.zeros((101, 101), np.float32)
    image[:, 50:] = 100
    step = blur(image, 10.0)[50]
    # a Gaussian's integral: 16%, 50%, 84% at -1, 0, +1 sigma from the edge
    np.testing.assert_allclose(step[[39, 59]], [15.9, 84.1], atol=3)


def test_matched_face_takes_light_and_strength_of_detail():
    face = make_image((90, 90, 90), seed=1, spread=20)
    reference = make_image((180, 180, 180), seed=2, spread=10)
    matched = match_appearance(face, reference, EVERYWHERE, 66.0)
    assert matched.mean() == pytest.approx(reference.mean(), abs=0.5)
    assert matched.std() == pytest.approx(reference.std(), rel=0.1)
    details = [(image - image.mean()).ravel() for image in (matched, face)]
    assert np.corrcoef(*details)[0, 1] > 0.9


def test_flat_face_is_not_blown_up_to_the_reference():
    face = np.full((120, 120, 3), 90, np.float32)
    reference = make_image((200, 150, 130), seed=2)
    matched = match_appearance(face, reference, EVERYWHERE, 66.0)
    assert matched.std(axis=(0, 1)).max() < 2
