"""What the bytes of an image file say before it is decoded: kind, size, orientation, its end.

An image is known by its content, never by its name. Sources: JPEG ITU-T T.81 annex B, PNG (W3C
2003, eXIf 2017), WebP container RFC 9649, BMP (BITMAPINFOHEADER), TIFF 6.0, EXIF 2.32.
"""

import struct
from dataclasses import dataclass

_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ORIENTATION_TAG = 0x0112
_TIFF_SIZES = (0x0100, 0x0101)  # ImageWidth, ImageLength
_TIFF_DATA = ((0x0111, 0x0117), (0x0144, 0x0145))  # offsets and byte counts of strips, of tiles
_PNG_CHUNKS_READ = 10_000  # of a broken file; real ones have a few hundred


@dataclass(frozen=True)
class ImageHeader:
    """What a header says.

    Attributes:
        kind: `JPEG`, `PNG`, `BMP`, `WebP`, `TIFF` or `HEIC` (also AVIF).
        size_px: width and height as stored; (0, 0) where that is not found.
        orientation: of EXIF, 1 to 8; 1 where there is none.
        is_complete: False where the file ends before its image does.
    """

    kind: str
    size_px: tuple[int, int] = (0, 0)
    orientation: int = 1
    is_complete: bool = True


def sniff_kind(start: bytes) -> str:
    """Tell the kind of an image by the first 32 bytes of a file; empty where it is none."""
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if start[4:8] == b"ftyp" and start[8:12] in _STILL_BRANDS:
        return "HEIC"
    if start[:2] == b"BM" and b"\0" in start:  # else a text
        return "BMP"
    return ""


def read_image_header(content: bytes) -> ImageHeader | None:
    """Read the header of an image file's content; None where it is no image.

    A header that is broken gives `is_complete=False`, or a size of (0, 0).
    """
    kind = sniff_kind(content[:32])
    if kind not in _READERS:
        return ImageHeader(kind) if kind else None
    try:
        return _READERS[kind](content)
    except (struct.error, IndexError):  # the header ends in the middle of a field
        return ImageHeader(kind, is_complete=False)


def _read_jpeg(content: bytes) -> ImageHeader:
    size_px, orientation, place = (0, 0), 1, 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            return ImageHeader("JPEG", size_px, orientation)  # damaged: left to the decoder
        marker = content[place + 1]
        if marker == 0xD9:
            return ImageHeader("JPEG", size_px, orientation)
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # no length follows
            place += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack_from(">H", content, place + 2)[0]
        segment = content[place + 4 : place + 2 + length]
        if marker in _START_OF_FRAME:
            size_px = struct.unpack_from(">HH", segment, 1)[::-1]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = _read_exif(segment[6:])
        place += 2 + length
        if marker == 0xDA:
            place = _find_marker(content, place)
    is_ended = content.find(b"\xff\xd9", place) >= 0
    return ImageHeader("JPEG", size_px, orientation, is_ended)


def _find_marker(content: bytes, place: int) -> int:
    """Find the next marker behind a scan's data, where 0xFF00 and restarts are none."""
    while 0 <= (place := content.find(b"\xff", place)) < len(content) - 1:
        if content[place + 1] != 0 and not 0xD0 <= content[place + 1] <= 0xD7:
            return place
        place += 2
    return len(content)


def _read_png(content: bytes) -> ImageHeader:
    size_px, orientation, place = (0, 0), 1, 8
    for _ in range(_PNG_CHUNKS_READ):
        if place + 12 > len(content):
            break
        length, name = struct.unpack_from(">I4s", content, place)
        if name == b"IHDR":
            size_px = struct.unpack_from(">II", content, place + 8)
        if name == b"eXIf":
            orientation = _read_exif(content[place + 8 : place + 8 + length])
        if name == b"IEND":
            return ImageHeader("PNG", size_px, orientation)
        place += 12 + length
    return ImageHeader("PNG", size_px, orientation, is_complete=False)


def _read_webp(content: bytes) -> ImageHeader:
    size_px, orientation, place = (0, 0), 1, 12
    end = 8 + struct.unpack_from("<I", content, 4)[0]
    while place + 8 <= min(end, len(content)):
        name, length = struct.unpack_from("<4sI", content, place)
        start = place + 8
        if name == b"VP8X":
            bits = content[start + 4 : start + 10]
            size_px = tuple(1 + int.from_bytes(bits[at : at + 3], "little") for at in (0, 3))
        elif name == b"VP8 " and size_px == (0, 0):
            size_px = tuple(
                side & 0x3FFF for side in struct.unpack_from("<HH", content, start + 6)
            )
        elif name == b"VP8L" and size_px == (0, 0):
            bits = struct.unpack_from("<I", content, start + 1)[0]
            size_px = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        elif name == b"EXIF":
            orientation = _read_exif(content[start : start + length].removeprefix(b"Exif\0\0"))
        place = start + length + length % 2
    return ImageHeader("WebP", size_px, orientation, len(content) >= end)


def _read_bmp(content: bytes) -> ImageHeader:
    offset, header_bytes = struct.unpack_from("<II", content, 10)
    if header_bytes == 12:
        width_px, height_px, _, bits = struct.unpack_from("<HHHH", content, 18)
        compression = 0
    else:
        width_px, height_px, _, bits, compression = struct.unpack_from("<iiHHI", content, 18)
    size_px = (abs(width_px), abs(height_px))
    pixel_bytes = size_px[1] * ((size_px[0] * bits + 31) // 32 * 4)
    is_complete = compression not in (0, 3) or len(content) >= offset + pixel_bytes
    return ImageHeader("BMP", size_px, is_complete=is_complete)


def _read_tiff(content: bytes) -> ImageHeader:
    tags = _read_tags(content)
    size_px = tuple(tags.get(tag, (0,))[0] for tag in _TIFF_SIZES)
    ends = (
        offset + length
        for offsets, lengths in _TIFF_DATA
        for offset, length in zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False)
    )
    is_complete = max(ends, default=0) <= len(content)
    return ImageHeader("TIFF", size_px, _get_orientation(tags), is_complete)


def clear_orientation(content: bytes) -> bytes:
    """Return the content of a TIFF file with orientation 1: decoders obey it only in part."""
    cleared = bytearray(content)
    order = "<" if content[:2] == b"II" else ">"
    place = struct.unpack_from(f"{order}I", content, 4)[0]
    for _ in range(struct.unpack_from(f"{order}H", content, place)[0]):
        if struct.unpack_from(f"{order}H", content, place + 2)[0] == _ORIENTATION_TAG:
            struct.pack_into(f"{order}H", cleared, place + 10, 1)
        place += 12
    return bytes(cleared)


def _read_exif(content: bytes) -> int:
    """Read the orientation of EXIF data, which is a TIFF file without a picture."""
    try:
        return _get_orientation(_read_tags(content))
    except struct.error:
        return 1


def _get_orientation(tags: dict[int, tuple[int, ...]]) -> int:
    orientation = tags.get(_ORIENTATION_TAG, (1,))[0]
    return orientation if 1 <= orientation <= 8 else 1


def _read_tags(content: bytes) -> dict[int, tuple[int, ...]]:
    """Read the whole numbers (SHORT, LONG) of the first directory of a TIFF file."""
    order = "<" if content[:2] == b"II" else ">"
    place = struct.unpack_from(f"{order}I", content, 4)[0]
    tags = {}
    for _ in range(struct.unpack_from(f"{order}H", content, place)[0]):
        tag, kind, count = struct.unpack_from(f"{order}HHI", content, place + 2)
        if kind in (3, 4) and 0 < count <= len(content):
            form = f"{order}{count}{'H' if kind == 3 else 'I'}"
            is_here = struct.calcsize(form) <= 4  # else the value's place stands in its place
            start = place + 10
            start = start if is_here else struct.unpack_from(f"{order}I", content, start)[0]
            tags[tag] = struct.unpack_from(form, content, start)
        place += 12
    return tags


_READERS = {
    "JPEG": _read_jpeg, "PNG": _read_png, "WebP": _read_webp, "BMP": _read_bmp, "TIFF": _read_tiff,
}  # fmt: skip
