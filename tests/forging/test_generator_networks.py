import re
import shutil

import cv2
import numpy as np
import pytest

from deepfake_detector.forging.generator_networks import (
    AUTOENCODERS,
    SUPER_RESOLVERS,
    encode_and_decode,
    enlarge,
    load_network,
)
from deepfake_detector.video.reading import read_frames


@pytest.fixture(scope="module")
def face(sample):
    _, frame = next(read_frames(sample / "videos/franck_3.mp4"))
    return np.ascontiguousarray(frame[60:252, 120:312])  # 192 x 192, of 288 x 360


def expect_likeness(generated, face):
    """Expect the same picture at the same place, in the same colors."""
    assert generated.shape == face.shape
    assert generated.dtype == np.uint8
    similar = cv2.PSNR(face, np.ascontiguousarray(generated))
    assert similar > 27
    for shift in ((0, 2), (2, 0), (0, -2), (-2, 0)):
        moved = np.roll(generated, shift, axis=(0, 1))
        assert cv2.PSNR(face, moved) < similar - 1
    assert cv2.PSNR(face, np.ascontiguousarray(generated[..., ::-1])) < similar - 1


@pytest.mark.parametrize("scale", SUPER_RESOLVERS)
def test_a_small_face_becomes_as_large_and_looks_as_it_was(scale, face):
    small = cv2.resize(face, (192 // scale, 192 // scale), interpolation=cv2.INTER_AREA)
    expect_likeness(enlarge(small, scale), face)


@pytest.mark.parametrize("decoder", AUTOENCODERS)
def test_a_decoded_face_looks_as_it_was(decoder, face):
    expect_likeness(encode_and_decode(face, decoder), face)
    odd = np.ascontiguousarray(face[3:, 2:-3])  # 189 x 187
    expect_likeness(encode_and_decode(odd, decoder), odd)


@pytest.mark.parametrize("scale", SUPER_RESOLVERS)
def test_a_gray_picture_of_a_few_pixels_stays_gray_to_its_corners(scale):
    large = enlarge(np.full((1, 4, 3), 127, np.uint8), scale)
    assert large.shape == (scale, 4 * scale, 3)
    assert np.abs(large.astype(int) - 127).max() < 12


def test_the_network_of_another_scale_is_refused(tmp_path):
    path = tmp_path / "esrgan_slim_x2.onnx"
    shutil.copy(SUPER_RESOLVERS[3], path)
    with pytest.raises(
        ValueError, match=f"{re.escape(str(path))}: expected SHA-256 b83f.*got 40f4.*restore it"
    ):
        load_network(path)
