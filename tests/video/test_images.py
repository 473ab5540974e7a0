"""Images are known by their content, shown as their EXIF asks, and whole or rejected."""

import errno
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake_detector.video.images import (
    IMAGE_ENDINGS,
    decode_image,
    encode_jpeg,
    is_image,
    read_image,
    recompress_jpeg,
    write_image,
)
from deepfake_detector.video.media.image_headers import read_image_header, sniff_kind

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 230)
CORNERS = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8).repeat(16, 0).repeat(24, 1)
"""As stored: 48 x 32 px with a color in each corner."""

SHOWN = {  # top left, top right, bottom left, bottom right, by hand from EXIF 2.32, 4.6.4.A
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}


def make_exif(orientation, order="<"):
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(f"{order}HIH", 42, 8, 1) + entry + bytes(4)


def make_jpeg(orientation, order="<"):
    content = cv2.imencode(".jpg", CORNERS[..., ::-1])[1].tobytes()
    exif = b"Exif\0\0" + make_exif(orientation, order)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]


def make_png(orientation, order="<"):
    content = cv2.imencode(".png", CORNERS[..., ::-1])[1].tobytes()
    chunk = b"eXIf" + make_exif(orientation, order)
    packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[:33] + packed + content[33:]  # behind IHDR


def make_webp(orientation, order="<"):
    content = cv2.imencode(".webp", CORNERS[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 95])[
        1
    ].tobytes()
    sides = (47).to_bytes(3, "little") + (31).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + sides
    exif = make_exif(orientation, order)
    chunks = extended + content[12:] + b"EXIF" + struct.pack("<I", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def make_tiff(orientation, order="<"):
    """A TIFF whose directory stands before its pixels."""
    rows = CORNERS.tobytes()
    height_px, width_px = CORNERS.shape[:2]
    entries = [
        (256, 4, 1, width_px), (257, 4, 1, height_px), (258, 3, 3, 8 + 2 + 10 * 12 + 4),
        (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8 + 2 + 10 * 12 + 4 + 6),
        (274, 3, 1, orientation), (277, 3, 1, 3), (278, 4, 1, height_px), (279, 4, 1, len(rows)),
    ]  # fmt: skip
    mark = b"II" if order == "<" else b"MM"
    content = mark + struct.pack(f"{order}HIH", 42, 8, len(entries))
    for tag, kind, count, value in entries:
        form = f"{order}HHIHxx" if kind == 3 and count == 1 else f"{order}HHII"
        content += struct.pack(form, tag, kind, count, value)
    return content + bytes(4) + struct.pack(f"{order}3H", 8, 8, 8) + rows


MAKERS = {"jpg": make_jpeg, "png": make_png, "webp": make_webp, "tiff": make_tiff}


def find_corners(image):
    height_px, width_px = image.shape[:2]
    places = [(4, 4), (4, width_px - 5), (height_px - 5, 4), (height_px - 5, width_px - 5)]
    colors = [image[place].astype(int) for place in places]
    named = [RED, GREEN, BLUE, WHITE]
    return tuple(min(named, key=lambda c, x=color: np.abs(x - c).sum()) for color in colors)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("ending", MAKERS)
def test_an_image_of_any_format_is_read_as_its_exif_asks(tmp_path, ending, orientation, order):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(MAKERS[ending](orientation, order))
    image = read_image(path)
    assert image.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    assert find_corners(image) == SHOWN[orientation]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(tmp_path, orientation):
    (tmp_path / "a.jpg").write_bytes(make_jpeg(orientation))
    assert find_corners(read_image(tmp_path / "a.jpg")) == SHOWN[1]


@pytest.mark.parametrize("name", ["face.jfif", "face", "face.mp4", "face.txt", "a:b%03d.JPG"])
@pytest.mark.parametrize("ending", MAKERS)
def test_an_image_is_known_by_its_content(tmp_path, ending, name):
    (tmp_path / name).write_bytes(MAKERS[ending](1))
    assert is_image(tmp_path / name)
    assert find_corners(read_image(tmp_path / name)) == SHOWN[1]


@pytest.mark.parametrize(
    "content", [b"text " * 20, b"BM, said the man", b"\0" * 64, b"RIFF1234AVI ", b"ftypheic" * 9]
)
def test_what_is_no_image_is_none_whatever_its_name(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    assert not is_image(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg: not an image that can be read; save it as"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("kept", [0.1, 0.25, 0.5, 0.75, 0.95])
@pytest.mark.parametrize("ending", [*IMAGE_ENDINGS, "directory first"])
def test_an_image_that_is_cut_off_is_rejected(tmp_path, ending, kept):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)
    path = tmp_path / ("a.tif" if ending == "directory first" else f"a{ending}")
    write_image(path, image)
    content = make_tiff(1) if ending == "directory first" else path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=rf"{path.name}: .*(cut off|damaged).*copy it again"):
        read_image(path)


def test_an_image_with_bytes_behind_its_end_is_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(make_jpeg(1) + b"more of a telephone" * 9)
    assert find_corners(read_image(tmp_path / "a.jpg")) == SHOWN[1]


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image():
    content = make_jpeg(1)
    thumbnail = b"\xff\xe2" + struct.pack(">H", 2 + len(content)) + content
    whole = content[:2] + thumbnail + content[2:]
    assert read_image_header(whole).is_complete
    assert not read_image_header(whole[:-50]).is_complete


def make_claim(kind, side_px):
    """The header of an image that claims to be a square of `side_px`."""
    if kind == "png":
        chunk = b"IHDR" + struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
        end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
        packed = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return b"\x89PNG\r\n\x1a\n" + packed + end
    if kind == "bmp":
        header = struct.pack("<IiiHHIIiiII", 40, side_px, side_px, 1, 24, 0, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header
    content = bytearray(MAKERS[kind](1))
    side = struct.pack(">HH", side_px % 65536, side_px % 65536)
    if kind == "jpg":
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = side
    elif kind == "webp":
        content[24:30] = (side_px - 1).to_bytes(3, "little") * 2
    else:
        content[18:22] = content[30:34] = struct.pack("<I", side_px)
    return bytes(content)


@pytest.mark.parametrize("kind", ["png", "bmp", "jpg", "webp", "tiff"])
def test_an_image_that_claims_too_many_pixels_is_rejected_before_it_is_decoded(
    tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    (tmp_path / "a").write_bytes(make_claim(kind, 60_000))
    with pytest.raises(ValueError, match=r"a: 60000x60000 px are over .* the limit; shrink it"):
        read_image(tmp_path / "a")


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_photo_in_a_container_of_videos_is_rejected_with_a_remedy(tmp_path, brand):
    (tmp_path / "IMG.HEIC").write_bytes(b"\0\0\0\x18ftyp" + brand + bytes(100))
    assert is_image(tmp_path / "IMG.HEIC")
    with pytest.raises(ValueError, match=r"IMG\.HEIC: .*HEIC or AVIF.*save it as JPEG or PNG"):
        read_image(tmp_path / "IMG.HEIC")


@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"a\nb.png", b"a:b.png"])
def test_an_image_of_any_name_is_read_and_named(tmp_path, name):
    path = tmp_path / name.decode("utf-8", "surrogateescape")
    path.write_bytes(make_png(1))
    assert read_image(path).shape == (32, 48, 3)
    path.write_bytes(make_png(1)[:200])
    with pytest.raises(ValueError, match="cut off") as rejection:
        read_image(path)
    assert str(rejection.value).encode("utf-8").isascii()
    assert "\n" not in str(rejection.value)


def test_an_error_of_the_decoder_is_a_rejection(tmp_path, monkeypatch):
    def fail(*_):
        raise cv2.error("(-215:Assertion failed) pixels <= MAX")

    monkeypatch.setattr(cv2, "imdecode", fail)
    (tmp_path / "a.png").write_bytes(make_png(1))
    with pytest.raises(ValueError, match=r"a\.png: not an image that can be read \(.*Assertion"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("ending", [".png", ".JPG", ".jfif", ""])
def test_what_is_written_is_read_back(tmp_path, ending):
    write_image(tmp_path / f"a{ending}", CORNERS)
    assert find_corners(read_image(tmp_path / f"a{ending}")) == SHOWN[1]
    assert [path.name for path in tmp_path.iterdir()] == [f"a{ending}"]


def test_an_image_that_could_not_be_written_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        write_image(tmp_path / "a.png", CORNERS)
    assert list(tmp_path.iterdir()) == []


def test_an_image_too_large_for_its_format_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"20000x2 px cannot be encoded as \.webp"):
        write_image(tmp_path / "a.webp", np.zeros((2, 20_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_no_prefix_of_an_image_breaks_its_reader():
    for make in MAKERS.values():
        content = make(6)
        for length in range(min(len(content), 400)):
            header = read_image_header(content[:length])
            assert header is None or header.kind == sniff_kind(content[:32])


RED_IMAGE = np.full((16, 24, 3), [200, 30, 10], np.uint8)


def test_jpeg_comes_back_in_its_colors():
    image = decode_image(encode_jpeg(RED_IMAGE, 95))
    assert image.shape == RED_IMAGE.shape
    assert np.abs(image.astype(int) - RED_IMAGE).max() <= 3


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_what_is_no_image_of_this_program_is_an_error(content):
    with pytest.raises(ValueError, match=r"^not an image that can be read"):
        decode_image(content)


def test_an_image_that_jpeg_cannot_hold_is_an_error():
    with pytest.raises(ValueError, match=r"70000x1 px cannot be encoded as \.jpg"):
        encode_jpeg(np.zeros((1, 70_000, 3), np.uint8), 95)


def test_missing_image_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")


def test_recompression_keeps_shape_and_loses_detail():
    noise = np.random.default_rng(1).integers(0, 256, RED_IMAGE.shape).astype(np.uint8)
    lossy = recompress_jpeg(noise, 20)
    assert lossy.shape == noise.shape
    assert (lossy != noise).any()
