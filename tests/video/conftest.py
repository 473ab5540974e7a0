import pytest
from tests.video.small_clips import make_noise

from deepfake_detector.video.writing import write_video


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise.mp4"
    write_video(path, make_noise(50), fps=25)
    return path
