import cv2
import numpy as np
import pytest

from deepfake_detector.video.images import (
    decode_image,
    encode_jpeg,
    is_image,
    read_image,
    recompress_jpeg,
)

RED = np.full((16, 24, 3), [200, 30, 10], np.uint8)


def test_jpeg_comes_back_in_its_colors():
    image = decode_image(encode_jpeg(RED, 95))
    assert image.shape == RED.shape
    assert np.abs(image.astype(int) - RED).max() <= 3


def test_png_file_is_read_as_rgb(tmp_path):
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), cv2.cvtColor(RED, cv2.COLOR_RGB2BGR))
    assert is_image(path)
    assert (read_image(path) == RED).all()


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_what_is_no_image_is_an_error_that_names_the_file(content, tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^not an image that can be read"):
        decode_image(content)
    with pytest.raises(ValueError, match=r"^broken\.jpg: not an image"):
        read_image(path)


def test_missing_image_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")


def test_recompression_keeps_shape_and_loses_detail():
    noise = np.random.default_rng(1).integers(0, 256, RED.shape).astype(np.uint8)
    lossy = recompress_jpeg(noise, 20)
    assert lossy.shape == noise.shape
    assert (lossy != noise).any()
