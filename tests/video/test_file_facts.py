import struct

import av
import cv2
import numpy as np
import pytest

from clips import make_frame, write_clip
from deepfake_detector.video.file_facts import MAX_CHARACTERS, has_content_credentials
from deepfake_detector.video.packets import scan_packets

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def write_with_tags(path, tags):
    """Write a clip of one frame with tags of its container."""
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(tags)
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return path


def make_box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def test_what_wrote_a_clip_is_told(tmp_path):
    facts = scan_packets(write_clip(tmp_path / "a.mp4", [make_frame()] * 3)).facts
    assert facts["container"] == "QuickTime / MOV"
    assert facts["codec"].startswith("H.264")
    assert facts["encoder"].startswith("Lavf")
    assert "created" not in facts


def test_a_telephone_names_itself_and_its_software(tmp_path):
    tags = {
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 15",
        "com.apple.quicktime.software": "17.1",
        "com.apple.quicktime.creationdate": "2026-05-01T10:00:00+0200",
        "creation_time": "2026-05-02T08:00:00.000000Z",
    }
    facts = scan_packets(write_with_tags(tmp_path / "a.mp4", tags)).facts
    told = {name: facts[name] for name in ("make", "device", "software", "created")}
    assert told == {
        "make": "Apple",
        "device": "iPhone 15",
        "software": "17.1",
        "created": "2026-05-01T10:00:00+0200",
    }


def test_what_does_not_print_and_what_is_endless_is_cut(tmp_path):
    tags = {"software": "one\ntwo\x1b[31m" + "x" * 500}
    software = scan_packets(write_with_tags(tmp_path / "a.mp4", tags)).facts["software"]
    assert software.startswith("one two [31mx")
    assert len(software) == MAX_CHARACTERS


def test_content_credentials_of_an_mp4_are_found_by_their_box(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 3)
    assert not has_content_credentials(path)
    content = path.read_bytes()
    path.write_bytes(content + make_box(b"uuid", b"\0" * 16))
    assert not has_content_credentials(path)
    path.write_bytes(content + make_box(b"uuid", C2PA + b"\0manifest"))
    assert has_content_credentials(path)


def test_a_box_of_64_bits_is_passed_over(tmp_path):
    start = make_box(b"ftyp", b"isom")
    large = struct.pack(">I4sQ", 1, b"free", 16 + 4) + b"\0" * 4
    (tmp_path / "a.mp4").write_bytes(start + large + make_box(b"uuid", C2PA))
    assert has_content_credentials(tmp_path / "a.mp4")


@pytest.mark.parametrize("size", [0, 7])
def test_a_box_that_does_not_end_ends_the_search(tmp_path, size):
    endless = struct.pack(">I4s", size, b"free") + make_box(b"uuid", C2PA)
    (tmp_path / "a.mp4").write_bytes(make_box(b"ftyp", b"isom") + endless)
    assert not has_content_credentials(tmp_path / "a.mp4")


def test_images_may_have_credentials_too(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    png = cv2.imencode(".png", image)[1].tobytes()
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    jumbf = b"JP\0\1\0\0\0\1" + make_box(b"jumb", b"c2pa")
    marked = {
        "a.png": png[:33] + struct.pack(">I4s", 4, b"caBX") + b"\0" * 8 + png[33:],
        "a.jpg": jpeg[:2] + b"\xff\xeb" + struct.pack(">H", 2 + len(jumbf)) + jumbf + jpeg[2:],
    }
    for name, content in marked.items():
        (tmp_path / name).write_bytes(content)
        assert has_content_credentials(tmp_path / name)
    for name, content in {"b.png": png, "b.jpg": jpeg, "b.txt": b"", "c.jpg": jpeg[:3]}.items():
        (tmp_path / name).write_bytes(content)
        assert not has_content_credentials(tmp_path / name)
