import re
import shutil

import cv2
import numpy as np
import pytest

from deepfake_detector.forging.super_resolution import (
    MODEL_PATHS,
    SCALES,
    SuperResolver,
    load_super_resolver,
)
from deepfake_detector.video.reading import read_frames


@pytest.mark.parametrize("scale", SCALES)
def test_a_small_face_becomes_as_large_and_looks_as_it_was(sample, scale):
    _, frame = next(read_frames(sample / "videos/franck_3.mp4"))
    face = np.ascontiguousarray(frame[60:252, 120:312])  # 192 x 192, of 288 x 360
    small = cv2.resize(face, (192 // scale, 192 // scale), interpolation=cv2.INTER_AREA)
    large = load_super_resolver(scale).enlarge(small)
    assert large.shape == face.shape
    assert large.dtype == np.uint8
    similar = cv2.PSNR(face, large)
    assert similar > 27
    for shift in ((0, 2), (2, 0), (0, -2), (-2, 0)):
        moved = np.roll(large, shift, axis=(0, 1))
        assert cv2.PSNR(face, moved) < similar - 1  # it is where it was
    swapped = np.ascontiguousarray(large[..., ::-1])
    assert cv2.PSNR(face, swapped) < similar - 1  # red is red


@pytest.mark.parametrize("scale", SCALES)
def test_a_gray_picture_of_a_few_pixels_stays_gray_to_its_corners(scale):
    large = load_super_resolver(scale).enlarge(np.full((1, 4, 3), 127, np.uint8))
    assert large.shape == (scale, 4 * scale, 3)
    assert np.abs(large.astype(int) - 127).max() < 12


def test_the_network_of_another_scale_is_refused(tmp_path):
    path = tmp_path / "esrgan_slim_x2.onnx"
    shutil.copy(MODEL_PATHS[3], path)
    with pytest.raises(
        ValueError, match=f"{re.escape(str(path))}: expected SHA-256 b83f.*got 40f4.*restore it"
    ):
        SuperResolver(2, path)
