from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from deepfake_detector.forging.resynthesis import (
    GENERATOR_PROBS,
    SUPER_RESOLUTION,
    resynthesize,
    resynthesize_with,
)
from deepfake_detector.video.reading import read_frames

SEEDS = range(6)


@pytest.fixture(scope="module")
def face(sample):
    _, frame = next(read_frames(sample / "videos/franck_3.mp4"))
    return np.ascontiguousarray(frame[60:251, 120:309])  # 191 x 189, of 288 x 360


@pytest.mark.parametrize("kind", GENERATOR_PROBS)
def test_a_generated_face_differs_little_and_not_in_its_colors(kind, face):
    original = face.copy()
    for seed in SEEDS:
        generated = resynthesize_with(kind, face, np.random.default_rng(seed))
        assert generated.shape == face.shape
        assert generated.dtype == np.uint8
        assert np.mean(generated != face) > 0.1
        assert cv2.PSNR(face, generated) > 24
        assert generated.mean((0, 1)) == pytest.approx(face.mean((0, 1)), abs=3)
    assert np.array_equal(face, original)


@pytest.mark.parametrize("kind", sorted(GENERATOR_PROBS.keys() - {SUPER_RESOLUTION}))
def test_a_decoder_changes_noise_by_at_most_five_levels_in_the_mean(kind):
    noise = np.random.default_rng(0).integers(60, 190, (64, 64, 3), np.uint8)
    for seed in SEEDS:
        generated = resynthesize_with(kind, noise, np.random.default_rng(seed))
        change = np.abs(generated.astype(float) - noise).mean()
        assert 0.5 < change < 5.5  # rounded to whole levels


@pytest.mark.parametrize("kind", GENERATOR_PROBS)
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 2)])
def test_pictures_of_any_size_keep_it(kind, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for seed in SEEDS:
        generated = resynthesize_with(kind, image, np.random.default_rng(seed))
        assert generated.shape == image.shape
        assert generated.dtype == np.uint8


def test_a_seed_gives_the_same_picture_and_another_seed_another(face):
    first, again, other = (resynthesize(face, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_threads_get_what_one_thread_gets(face):
    small = np.ascontiguousarray(face[:64, :64])

    def make(seed):
        return resynthesize(small, np.random.default_rng(seed))

    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(make, range(16)))
    assert all(np.array_equal(made, make(seed)) for seed, made in enumerate(together))
