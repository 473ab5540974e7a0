import pytest

from clips import make_frame, write_clip
from deepfake_detector.video.sampling import Sampler, choose_sampler, count_frames_in_header


def list_wanted(sampler, count):
    return [number for number in range(count) if sampler.is_wanted(number)]


def test_what_a_person_asks_for_is_done_however_long_the_video():
    assert list_wanted(Sampler(4), 20) == [0, 4, 8, 12, 16]
    assert len(list_wanted(Sampler(1), 5000)) == 5000


def test_a_video_longer_than_its_header_said_is_looked_at_less_and_less():
    sampler = Sampler(1, max_frames=4)
    assert list_wanted(sampler, 33) == [0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32]
    assert sampler.frame_stride == 8


@pytest.mark.parametrize(("max_frames", "frame_stride"), [(100, 3), (10, 3), (9, 4), (1, 30)])
def test_a_long_video_is_looked_at_evenly(tmp_path, max_frames, frame_stride):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 30)
    assert count_frames_in_header(path) == 30
    sampler = choose_sampler(path, 3, max_frames)
    assert sampler.frame_stride == frame_stride
    assert len(list_wanted(sampler, 30)) <= max_frames


def test_without_a_number_of_frames_the_header_is_asked_for_its_length(tmp_path):
    path = write_clip(tmp_path / "a.mkv", [make_frame()] * 30)
    assert count_frames_in_header(path) == 30
