"""What a video file says about itself: who wrote it, with what, when.

Facts of the container, not of the picture: any program can change or remove them, and every
platform that re-encodes does. Nothing here enters a verdict. Whether a file has Content
Credentials (C2PA 2.1, appendix A) is found by its marks alone; whether they are valid is not
checked.
"""

import struct
from pathlib import Path

_KEYS = {
    "encoder": ("encoder", "encoded_by", "encoding_tool"),
    "software": ("com.apple.quicktime.software", "software", "com.android.version"),
    "make": ("com.apple.quicktime.make", "make", "com.android.manufacturer"),
    "device": ("com.apple.quicktime.model", "model", "com.android.model"),
    "handler": ("handler_name",),
    "created": ("com.apple.quicktime.creationdate", "creation_time", "date"),
}
"""Facts, and the keys under which FFmpeg gives them, the first that is there counts."""

MAX_CHARACTERS = 200

_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The UUID of the box of an MP4 file that holds Content Credentials."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_APP11, _SCAN = 0xEB, 0xDA  # JPEG: the segments of JUMBF boxes, and where the picture begins
_MAX_PARTS = 10_000  # boxes, chunks or segments; a file with more is not searched further


def read_facts(container, stream) -> dict[str, str]:
    """Read what a file says about itself.

    Args:
        container: opened by PyAV, like its video stream.

    Returns:
        `container` and `codec` in FFmpeg's words, and those of `encoder`, `software`, `make`,
        `device`, `handler` and `created` that the file has, as they stand there.
    """
    tags = {key.lower(): value for key, value in {**stream.metadata, **container.metadata}.items()}
    codec = stream.codec_context.codec.long_name
    facts = {"container": container.format.long_name, "codec": codec}
    for name, keys in _KEYS.items():
        values = [text for key in keys if (text := _clean(tags.get(key, "")))]
        if values:
            facts[name] = values[0]
    return facts


def _clean(text: str) -> str:
    """Return text in one line, without what does not print, cut off where it is too long."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split())[:MAX_CHARACTERS]


def has_content_credentials(path: Path) -> bool:
    """Tell whether an MP4, JPEG or PNG file has Content Credentials; others are not searched."""
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head.startswith(_PNG):
            return any(kind == b"caBX" for kind in _list_png_chunks(file))
        if head.startswith(_JPEG):
            return any(b"c2pa" in jumbf for jumbf in _list_jumbf_segments(file))
        return head[4:8] == b"ftyp" and any(own == _C2PA_BOX for own in _list_uuid_boxes(file))


def _list_uuid_boxes(file):
    """Yield the UUIDs of an MP4 file's own boxes (ISO 14496-12, 4.2)."""
    start = 0
    for _ in range(_MAX_PARTS):
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        body = 8
        if size == 1 and len(head) == 16:
            size, body = struct.unpack(">Q", head[8:])[0], 16
        if kind == b"uuid":
            file.seek(start + body)
            yield file.read(16)
        if size < body:  # 0: to the end of the file
            return
        start += size


def _list_png_chunks(file):
    file.seek(len(_PNG))
    for _ in range(_MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        yield kind
        file.seek(size + 4, 1)


def _list_jumbf_segments(file):
    file.seek(len(_JPEG))
    for _ in range(_MAX_PARTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == _SCAN:
            return
        content = file.read(max(struct.unpack(">H", head[2:])[0] - 2, 0))
        if head[1] == _APP11:
            yield content
