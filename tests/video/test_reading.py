import struct

import cv2
import numpy as np
import pytest
from tests.video.small_clips import GREYS, make_frames

from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video


def test_written_frames_are_read_back_with_their_numbers(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=25)
    frames = dict(read_frames(tmp_path / "clip.mp4"))
    assert list(frames) == list(range(12))
    for number, image in frames.items():
        assert image.shape == (48, 64, 3)
        assert image.dtype == np.uint8
        assert abs(int(image.mean()) - GREYS[number]) <= 2


def test_every_fifth_frame_starts_at_the_first(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=25)
    frames = dict(read_frames(tmp_path / "clip.mp4", frame_stride=5))
    assert list(frames) == [0, 5, 10]
    assert abs(int(frames[10].mean()) - GREYS[10]) <= 2


def test_rotated_video_is_read_as_a_player_shows_it(noise):
    content = bytearray(noise.read_bytes())
    matrix = content.index(b"tkhd") + 44  # version 0 of the track header, ISO 14496-12, 8.3.2
    quarter_turn = (0, 65536, 0, -65536, 0, 0, 96 * 65536, 0, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9i", *quarter_turn)
    noise.write_bytes(content)
    _, image = next(read_frames(noise))
    opencv_image = cv2.VideoCapture(str(noise)).read()[1][..., ::-1]
    assert image.shape == (128, 96, 3)
    assert np.abs(image.astype(int) - opencv_image).max() <= 1
    assert (probe_video(noise).width_px, probe_video(noise).height_px) == (96, 128)


def test_video_broken_half_way_gives_its_first_frames_and_then_raises(noise):
    content = bytearray(noise.read_bytes())
    half = len(content) // 2
    content[half : half + 500] = bytes(500)
    noise.write_bytes(content)
    numbers = []

    def read_all():
        for number, _ in read_frames(noise):
            numbers.append(number)

    with pytest.raises(ValueError, match=r"noise\.mp4: breaks after \d+ frames"):
        read_all()
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) < 50
