import pytest

from data_set import make_frames
from deepfake_detector.video.degraded_copies import COPIES, DegradedCopy, write_degraded_copy
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.writing import write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    write_video(path, make_frames(12, 1, 160, 96), fps=25, crf=12)
    return path


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.name)
def test_a_copy_has_the_same_frames_at_its_own_scale(video, copy, tmp_path):
    write_degraded_copy(video, copy, tmp_path / "copy.mp4")
    metadata = probe_video(tmp_path / "copy.mp4")
    size_px = tuple(side + side % 2 for side in (round(160 * copy.scale), round(96 * copy.scale)))
    assert (metadata.width_px, metadata.height_px) == size_px
    assert (metadata.frames, metadata.fps) == (12, 25)


def test_stronger_compression_leaves_fewer_bytes(video, tmp_path):
    sizes = []
    for crf in (30, 38):
        write_degraded_copy(video, DegradedCopy("copy", 1.0, crf), tmp_path / f"{crf}.mp4")
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[1] < sizes[0] < video.stat().st_size


def test_what_is_no_video_is_rejected(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"a\.mp4: not a video"):
        write_degraded_copy(tmp_path / "a.mp4", COPIES[0], tmp_path / "copy.mp4")
