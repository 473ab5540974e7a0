import pytest
from tests.video.small_clips import make_frames

from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.writing import write_video


def test_odd_sizes_are_padded_by_a_pixel(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(height_px=31, width_px=45), fps=25)
    metadata = probe_video(tmp_path / "clip.mp4")
    assert (metadata.width_px, metadata.height_px) == (46, 32)


def test_writing_no_frame_is_rejected_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"clip\.mp4: expected at least one frame, got none"):
        write_video(tmp_path / "clip.mp4", [], fps=25)
    assert list(tmp_path.iterdir()) == []


def test_writing_that_fails_keeps_the_old_file(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=25)
    before = (tmp_path / "clip.mp4").read_bytes()

    def broken():
        yield from make_frames()[:2]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_video(tmp_path / "clip.mp4", broken(), fps=25)
    assert (tmp_path / "clip.mp4").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
