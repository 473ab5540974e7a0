import av
import cv2
import numpy as np
import pytest
from tests.video.small_clips import cut_in_half, make_frames, make_noise, remux

from deepfake_detector.video.metadata import VideoMetadata, probe_video
from deepfake_detector.video.packets import PacketScan, scan_packets
from deepfake_detector.video.writing import write_video


def test_probe_counts_what_decodes(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=29.97)
    assert probe_video(tmp_path / "clip.mp4") == VideoMetadata(
        64, 48, pytest.approx(29.97), 12, "h264"
    )


def test_empty_file_is_rejected(tmp_path):
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(ValueError, match=r"clip\.mp4: empty file \(0 bytes\)"):
        probe_video(tmp_path / "clip.mp4")


def test_text_named_mp4_is_rejected(tmp_path):
    (tmp_path / "clip.mp4").write_text("this is not a video\n" * 50)
    with pytest.raises(ValueError, match=r"clip\.mp4: not a video"):
        probe_video(tmp_path / "clip.mp4")


def test_text_file_that_ffmpeg_would_play_is_rejected(tmp_path):
    (tmp_path / "notes.txt").write_text("notes\n" * 50)
    with pytest.raises(ValueError, match=r"notes\.txt: not a video"):
        probe_video(tmp_path / "notes.txt")


def test_picture_is_rejected(tmp_path):
    cv2.imwrite(str(tmp_path / "face.png"), np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match=r"face\.png: not a video"):
        probe_video(tmp_path / "face.png")


def test_mp4_without_its_header_is_rejected(noise):
    with pytest.raises(ValueError, match=r"noise\.mp4: not a video, or cut off before its header"):
        probe_video(cut_in_half(noise))


def test_mp4_cut_off_after_its_header_is_rejected(noise):
    path = cut_in_half(remux(noise, noise.with_name("fast.mp4"), movflags="faststart"))
    with pytest.raises(ValueError, match=r"fast\.mp4: (cut off: it holds|breaks after)"):
        probe_video(path)


def test_matroska_cut_off_is_rejected(noise):
    path = cut_in_half(remux(noise, noise.with_name("clip.mkv")))
    with pytest.raises(ValueError, match=r"clip\.mkv: cut off: it holds 0\.\d of 2\.0 seconds"):
        probe_video(path)


def test_video_that_changes_its_size_is_rejected(tmp_path):
    parts = [tmp_path / "small.ts", tmp_path / "large.ts"]
    for part, height_px in zip(parts, (48, 96), strict=True):
        write_video(part.with_suffix(".mp4"), make_noise(5, height_px), fps=25)
        remux(part.with_suffix(".mp4"), part)
    (tmp_path / "clip.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(
        ValueError, match=r"clip\.ts: frame 5 is 128x96 px, those before are 128x48"
    ):
        probe_video(tmp_path / "clip.ts")


def test_packets_tell_rate_frames_and_seconds_without_decoding(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=10)
    assert scan_packets(tmp_path / "clip.mp4") == PacketScan(10.0, 12, pytest.approx(1.2))


def test_packets_are_counted_where_the_header_has_no_number_of_frames(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in make_frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 0
    assert scan_packets(path) == PacketScan(10.0, 12, pytest.approx(1.2))
