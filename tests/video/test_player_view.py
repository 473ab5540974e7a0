"""What a player shows is what is read: stream, orientation, times, tones, and what is none."""

import os
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import make_frame, write_clip, write_sound
from deepfake_detector.video.frame_reader import FrameReader
from deepfake_detector.video.images import read_image, write_image
from deepfake_detector.video.media.orientation import matrix_to_orientation, orient
from deepfake_detector.video.media.tone_mapping import map_tones
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.packets import scan_packets
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.sampling import Sampling


def read_all(path):
    return list(FrameReader(path, scan_packets(path)).read(lambda number: True))


RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 230)
CORNERS = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8).repeat(48, 0).repeat(64, 1)

MATRICES = {  # a, b, c, d of x' = a x + c y, y' = b x + d y, and the corners that are then shown
    "as stored": ((1, 0, 0, 1), (RED, GREEN, BLUE, WHITE)),
    "mirrored": ((-1, 0, 0, 1), (GREEN, RED, WHITE, BLUE)),
    "half a turn": ((-1, 0, 0, -1), (WHITE, BLUE, GREEN, RED)),
    "upside down": ((1, 0, 0, -1), (BLUE, WHITE, RED, GREEN)),
    "transposed": ((0, 1, 1, 0), (RED, BLUE, GREEN, WHITE)),
    "clockwise": ((0, 1, -1, 0), (BLUE, RED, WHITE, GREEN)),
    "counter-clockwise": ((0, -1, 1, 0), (GREEN, WHITE, RED, BLUE)),
    "transposed over the other diagonal": ((0, -1, -1, 0), (WHITE, GREEN, BLUE, RED)),
}


def find_corners(image):
    height_px, width_px = image.shape[:2]
    places = [(8, 8), (8, width_px - 9), (height_px - 9, 8), (height_px - 9, width_px - 9)]
    named = [RED, GREEN, BLUE, WHITE]
    return tuple(
        min(named, key=lambda color, place=place: np.abs(image[place].astype(int) - color).sum())
        for place in places
    )


def set_matrix(path, a, b, c, d):
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44  # version 0 of the track header, ISO 14496-12, 8.3.2
    one = 1 << 16
    content[place : place + 36] = struct.pack(
        ">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(content)


@pytest.mark.parametrize("name", MATRICES)
def test_a_video_is_read_as_a_player_turns_and_mirrors_it(tmp_path, name):
    matrix, shown = MATRICES[name]
    path = write_clip(tmp_path / "a.mp4", [CORNERS] * 3)
    set_matrix(path, *matrix)
    frames = [image for _, image in read_frames(path)]
    (batch,) = FrameReader(path, scan_packets(path)).read(lambda number: True)
    swapped = matrix[0] == 0
    for image in (*frames, *(frame.image for frame in batch)):
        assert image.shape == ((128, 96, 3) if swapped else (96, 128, 3))
        assert find_corners(image) == shown
    metadata = probe_video(path)
    assert (metadata.width_px, metadata.height_px) == ((96, 128) if swapped else (128, 96))


@pytest.mark.parametrize("degrees", range(0, 360, 15))
def test_an_angle_between_is_rounded_to_a_quarter(degrees):
    cos, sin = (round(65536 * f(np.radians(degrees))) for f in (np.cos, np.sin))
    matrix = np.array([cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30])
    turned = orient(np.array([[1, 2], [3, 4]]), matrix_to_orientation(matrix))
    quarters = [[[1, 2], [3, 4]], [[3, 1], [4, 2]], [[4, 3], [2, 1]], [[2, 4], [1, 3]]]
    near = {round(degrees / 90 + eps) % 4 for eps in (-0.01, 0.01)}
    assert turned.tolist() in [quarters[quarter] for quarter in near]


def add_streams(path, target, others, container_options=None):
    """Write a file whose first streams are others, each a size and a disposition, then a clip."""
    with av.open(str(path)) as old, av.open(str(target), "w") as new:
        streams = []
        for (width_px, height_px), disposition in others:
            stream = new.add_stream("mjpeg", rate=25)
            stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuvj420p"
            stream.disposition = disposition
            streams.append(stream)
        copied = new.add_stream_from_template(old.streams.video[0])
        copied.disposition = av.stream.Disposition.default
        for stream in streams:
            picture = np.zeros((stream.height, stream.width, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = 0
            new.mux(stream.encode(frame))
            new.mux(stream.encode())
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                new.mux(packet)


@pytest.mark.parametrize(
    ("ending", "size_px", "disposition"),
    [
        ("mp4", (400, 400), av.stream.Disposition.attached_pic),
        ("mkv", (48, 32), av.stream.Disposition(0)),
        ("mov", (400, 400), av.stream.Disposition(0)),
    ],
)
def test_the_default_stream_is_read_and_no_cover_or_preview(
    tmp_path, ending, size_px, disposition
):
    path = write_clip(tmp_path / "clip.mp4", [CORNERS] * 5)
    add_streams(path, tmp_path / f"a.{ending}", [(size_px, disposition)])
    metadata = probe_video(tmp_path / f"a.{ending}")
    assert (metadata.width_px, metadata.height_px, metadata.frames) == (128, 96, 5)
    assert find_corners(next(read_frames(tmp_path / f"a.{ending}"))[1]) == RED_FIRST


RED_FIRST = (RED, GREEN, BLUE, WHITE)


def make_song(path):
    """Sound with a cover picture (APIC, ID3 2.3)."""
    cover = path.with_name("cover.jpg")
    write_image(cover, CORNERS)
    picture = b"\0image/jpeg\0\x03\0" + cover.read_bytes()
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = len(frame)
    synchsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    silence = (b"\xff\xfb\x90\x00" + bytes(413)) * 40  # MPEG 1 layer 3, 128 kbit/s, 44.1 kHz
    path.write_bytes(b"ID3\x03\0\0" + synchsafe + frame + silence)
    return path


@pytest.mark.parametrize("make", [make_song, write_sound])
def test_sound_is_rejected_as_sound_with_a_cover_and_without(tmp_path, make):
    path = tmp_path / ("a.mp3" if make is make_song else "a.m4a")
    make(path)
    with pytest.raises(ValueError, match=rf"{path.name}: not a video \(sound without a moving"):
        probe_video(path)


def shift_times(path, target, seconds):
    """Copy a clip with all its times later."""
    with av.open(str(path)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = stream
                new.mux(packet)
    return target


@pytest.mark.parametrize("start", [0, 7.5, 90001])
def test_times_count_from_the_first_frame(tmp_path, start):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 16, fps=10)
    path = shift_times(path, tmp_path / "a.ts", start)
    reader = FrameReader(path, scan_packets(path), max_seconds=10)
    (batch,) = reader.read(lambda number: True)
    assert [frame.seconds for frame in batch] == pytest.approx([n / 10 for n in range(16)])
    assert scan_packets(path).seconds == pytest.approx(1.6, abs=0.05)


def write_avi(path, count, claimed):
    """Write an AVI file of pictures as of a stream: without sizes, with `claimed` frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuvj420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.roll(CORNERS, number, 1), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    content = bytearray(path.read_bytes())
    for place in (content.index(b"avih") + 24, content.index(b"strh") + 40):
        content[place : place + 4] = struct.pack("<I", claimed)
    content[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("claimed", [0, 1, 1 << 30, 0xFFFFFFFF])
def test_a_count_in_a_header_is_a_hint(tmp_path, claimed):
    path = write_avi(tmp_path / "a.avi", 40, claimed)
    assert probe_video(path).frames == 40
    assert scan_packets(path).frames == 40
    sampler = Sampling(3, 1200).make_sampler(scan_packets(path).frames)
    assert sampler.frame_stride == 3
    reader = FrameReader(path, scan_packets(path), max_seconds=5)
    wanted = [f.number for batch in reader.read(sampler.is_wanted) for f in batch]
    assert wanted == list(range(0, 40, 3))
    assert reader.problem == ""


def test_an_avi_file_that_is_cut_off_is_rejected(tmp_path):
    path = write_avi(tmp_path / "a.avi", 40, 40)
    size = path.stat().st_size
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack("<I", size - 8) + content[8 : size // 2])
    with pytest.raises(ValueError, match=r"a\.avi: cut off: \d+ of \d+ bytes are there"):
        probe_video(path)


def write_encoded(path, image, count=3, codec="libx264", **settings):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=settings.pop("options", {}))
        stream.width, stream.height = image.shape[1], image.shape[0]
        stream.pix_fmt = settings.pop("pix_fmt", "yuv420p")
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(("turned", "aspect"), [(False, 4 / 3), (True, 3 / 4)])
def test_pixels_that_are_not_square_stay_as_stored_and_are_told(tmp_path, turned, aspect):
    path = write_encoded(tmp_path / "a.mp4", CORNERS, sample_aspect_ratio=Fraction(4, 3))
    if turned:
        set_matrix(path, 0, 1, -1, 0)
    metadata = probe_video(path)
    assert (metadata.width_px, metadata.height_px) == ((96, 128) if turned else (128, 96))
    assert metadata.pixel_aspect == pytest.approx(aspect)


def make_hdr_frame(nits, transfer):
    """A grey frame of one luminance: 10 bits, limited range, BT.2020."""
    if transfer == "pq":  # SMPTE ST 2084, the inverse of its EOTF
        y = (nits / 10000) ** (2610 / 16384)
        c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
        coded = ((c1 + c2 * y) / (1 + c3 * y)) ** (2523 / 32)
    else:  # ITU-R BT.2100, inverse OOTF of a display of 1000 cd/m2, then the OETF
        scene = (nits / 1000) ** (1 / 1.2)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        coded = (3 * scene) ** 0.5 if scene <= 1 / 12 else a * np.log(12 * scene - b) + c
    planes = np.full((48, 32), 512 * 64, np.uint16)
    frame = av.VideoFrame(32, 32, "yuv420p10le")
    luma = np.full((32, 32), round(64 + 876 * coded), np.uint16)
    for plane, values in zip(
        frame.planes, (luma, planes[:16, :16] // 64, planes[:16, :16] // 64), strict=True
    ):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = 9, 1
    frame.color_trc = {"pq": 16, "hlg": 18}[transfer]
    return frame


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_hdr_is_shown_with_the_tones_of_sdr(transfer):
    levels = [map_tones(make_hdr_frame(n, transfer), transfer).mean() for n in (0, 20, 203, 1000)]
    assert levels == sorted(levels)
    assert levels[0] < 3
    assert 60 < levels[1] < 110  # a dark grey
    assert 175 < levels[2] < 205  # the white of paper, by Hable's curve: 255 * 0.51 ** (1 / 2.2)
    assert levels[3] > 250


def test_hdr_is_told_and_read_as_sdr(tmp_path):
    path = write_encoded(
        tmp_path / "a.mp4", CORNERS // 2, pix_fmt="yuv420p10le", color_trc=16, colorspace=9,
        color_primaries=9,
    )  # fmt: skip
    assert probe_video(path).transfer == "pq"
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert np.array_equal(next(read_frames(path))[1], map_tones(frame, "pq"))


@pytest.mark.parametrize("name", ["a:b.mp4", "http:x.mp4", "%03d.mp4", "a b'\".mp4", "-a.mp4"])
def test_a_video_of_any_name_is_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "plain.mp4", [CORNERS] * 3).rename(tmp_path / name)
    assert probe_video(Path(name)).frames == 3
    assert scan_packets(Path(name)).frames == 3


def test_a_video_whose_name_is_no_text_is_read_and_named(tmp_path):
    path = tmp_path / b"\xff\xfe.mp4".decode("utf-8", "surrogateescape")
    write_clip(tmp_path / "plain.mp4", [CORNERS] * 3).rename(path)
    assert probe_video(path).frames == 3
    path.write_text("text " * 99)
    with pytest.raises(ValueError, match="not a video") as rejection:
        probe_video(path)
    assert str(rejection.value).encode("utf-8").startswith(rb"\xff\xfe.mp4")


def make_fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_fifo, "a pipe or a device"),
        (lambda path: path.mkdir(), "a folder"),
        (lambda path: path.symlink_to("not there"), "a link to a file that is not there"),
        (lambda path: path.symlink_to("/dev/zero"), "a pipe or a device"),
        (lambda path: path.touch(), r"empty file \(0 bytes\)"),
    ],
)
def test_what_is_no_file_is_rejected_before_it_is_opened(tmp_path, make, reason):
    make(tmp_path / "a.mp4")
    for read in (probe_video, scan_packets, read_image):
        with pytest.raises(ValueError, match=rf"a\.mp4: {reason}"):
            read(tmp_path / "a.mp4")


def make_gif(width_px, height_px):
    """Three frames of a GIF in 89 bytes or so, of any size."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width_px, height_px, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width_px, height_px, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * 3 + b";"


@pytest.mark.parametrize("side_px", [16_000, 65_535])
def test_a_small_file_of_huge_frames_is_rejected_without_their_memory(tmp_path, side_px):
    path = tmp_path / "a.gif"
    path.write_bytes(make_gif(side_px, side_px))
    tracemalloc.start()
    for read in (probe_video, read_all):
        with pytest.raises(ValueError, match=r"a\.gif: .*pixels"):
            read(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("seconds", [1e5, 1e9])
def test_times_over_a_day_are_rejected_however_many_frames_were_good(tmp_path, seconds):
    path = write_clip(tmp_path / "a.mp4", [CORNERS] * 6)
    with av.open(str(path)) as old, av.open(str(tmp_path / "a.mkv"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.dts is not None):
            if number == 5:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = stream
            new.mux(packet)
    for read in (probe_video, read_all):
        with pytest.raises(ValueError, match=r"a\.mkv: frame \d is at second .*the limit"):
            read(tmp_path / "a.mkv")


@pytest.mark.parametrize("rate", ["1:1000000000", "1000000000:1", "0:0"])
def test_a_rate_that_cannot_be_meant_is_not_believed(tmp_path, rate):
    header = f"YUV4MPEG2 W64 H64 F{rate} Ip A1:1 C420jpeg\n".encode()
    (tmp_path / "a.y4m").write_bytes(header + b"FRAME\n" + bytes(64 * 64 * 3 // 2))
    assert probe_video(tmp_path / "a.y4m").fps == 25
