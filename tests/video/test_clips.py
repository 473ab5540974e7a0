import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake_detector.video.clips import VideoMetadata, probe_video, read_frames, write_video

GREYS = [20 * number for number in range(12)]


def make_frames(greys=GREYS, height_px=48, width_px=64):
    return [np.full((height_px, width_px, 3), gray, np.uint8) for gray in greys]


def make_noise(count, height_px=96, width_px=128):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    return [np.roll(image, 3 * number, axis=1) for number in range(count)]


def remux(source: Path, target: Path, **options) -> Path:
    """Copy the packets of a video into another container."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


def cut_in_half(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise.mp4"
    write_video(path, make_noise(50), fps=25)
    return path


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


def test_probe_counts_what_decodes(tmp_path):
    write_video(tmp_path / "clip.mp4", make_frames(), fps=29.97)
    assert probe_video(tmp_path / "clip.mp4") == VideoMetadata(
        64, 48, pytest.approx(29.97), 12, "h264"
    )


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
