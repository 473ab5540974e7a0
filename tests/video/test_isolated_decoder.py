"""A stranger's file in a process of its own: the same frames, limits, and what may go wrong."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from clips import write_clip
from deepfake_detector.video.decoders import isolated_decoder
from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.decoders.isolated_decoder import DecoderLimits, IsolatedDecoder
from deepfake_detector.video.frame_reader import FrameReader
from deepfake_detector.video.images import write_image
from deepfake_detector.video.media.errors import LimitError, RejectedFileError

PICTURE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def read_all(path, decoder, is_wanted=lambda number: True, max_seconds=60):
    reader = FrameReader(path, decoder.scan_packets(path), max_seconds, decoder)
    return reader, [frame for batch in reader.read(is_wanted) for frame in batch]


def list_children():
    """List this process's children that run; zombies have ended."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            children += [path] if int(parent) == os.getpid() and state != "Z" else []
    return children


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = [np.roll(PICTURE, number, 1) for number in range(40)]
    return write_clip(tmp_path_factory.mktemp("clips") / "a b:é.mp4", frames)


def test_the_same_frames_come_as_in_this_process(clip):
    isolated = IsolatedDecoder()
    assert isolated.scan_packets(clip) == Decoder().scan_packets(clip)
    for is_wanted in (lambda number: number % 3 == 0, lambda number: True):
        (here, expected), (away, found) = (
            read_all(clip, decoder, is_wanted) for decoder in (Decoder(), isolated)
        )
        assert [(f.number, f.seconds) for f in found] == [(f.number, f.seconds) for f in expected]
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one.image, other.image)
        assert (away.count, away.seconds, away.problem) == (here.count, here.seconds, "")


def test_an_image_is_the_same_as_a_file_and_as_bytes(tmp_path):
    write_image(tmp_path / "a.png", PICTURE)
    assert np.array_equal(IsolatedDecoder().read_image(tmp_path / "a.png"), PICTURE)
    content = (tmp_path / "a.png").read_bytes()
    assert np.array_equal(IsolatedDecoder().decode_image(content, Path("image")), PICTURE)


def test_a_file_is_rejected_in_the_same_words(tmp_path, clip):
    (tmp_path / "text.mp4").write_text("text " * 99)
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for read in ("scan_packets", "read_image"):
        for name in ("text.mp4", "cut.png"):
            said = []
            for decoder in (Decoder(), IsolatedDecoder()):
                with pytest.raises(RejectedFileError) as error:
                    getattr(decoder, read)(tmp_path / name)
                said.append(str(error.value))
            assert said[0] == said[1]
            assert name in said[0]
    with pytest.raises(LimitError, match="longer than 1 seconds"):
        read_all(clip, IsolatedDecoder(), max_seconds=1)


def test_trouble_of_the_machine_stays_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.mp4"):
        IsolatedDecoder().scan_packets(tmp_path / "none.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_is_limited(tmp_path):
    write_image(tmp_path / "large.png", np.zeros((9000, 9000, 3), np.uint8))  # 243 MB as RGB
    decoder = IsolatedDecoder(DecoderLimits(max_bytes=700 << 20))
    with pytest.raises(RejectedFileError, match=r"large\.png: .*memory"):
        decoder.read_image(tmp_path / "large.png")
    write_image(tmp_path / "small.png", PICTURE)
    assert np.array_equal(decoder.read_image(tmp_path / "small.png"), PICTURE)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_reader_that_stops_leaves_no_process(clip):
    before = len(list_children())
    reader = FrameReader(clip, Decoder().scan_packets(clip), decoder=IsolatedDecoder())
    batches = reader.read(lambda number: True)
    next(batches)
    assert len(list_children()) == before + 1
    batches.close()
    assert len(list_children()) == before


FRAME = """print('{"time": 0.0, "size_px": [4, 4], "is_turned": false, "transfer": ""}')"""
SIZE = """print('{"height": 4, "width": 4}', flush=True)"""
WAIT = "input(); input()"
CANNOT_BE, TOO_LITTLE = "it sent what cannot be", "it sent too little"
PROCESSES = {
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": r"broke down \(Segmentation fault",
    "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)": "more than 14400 seconds of CPU",
    "import time; time.sleep(60)": "more than 1.5 seconds without a frame",
    "print('no JSON')": CANNOT_BE,
    "print('[' * 60000)": CANNOT_BE,
    "print('x' * 100000)": "broke down",
    """print('{"time": "a", "size_px": [1, 1], "is_turned": 0, "transfer": 0}')""": CANNOT_BE,
    """print('{"errno": [], "strerror": 0}')""": CANNOT_BE,
    "pass": TOO_LITTLE,
    f"{FRAME}; {SIZE}; print('little')": TOO_LITTLE,
    f"{FRAME}; {SIZE.replace('4', '99999999')}; {WAIT}": CANNOT_BE,
    f"{FRAME}; {SIZE.replace('4', '-1')}; {WAIT}": CANNOT_BE,
    f"{FRAME}; {SIZE}; import time; time.sleep(60)": "more than 1.5 seconds without a frame",
}


@pytest.mark.parametrize("code", PROCESSES)
def test_a_process_that_breaks_down_or_says_nonsense_rejects_the_file(monkeypatch, clip, code):
    monkeypatch.setattr(
        isolated_decoder, "_COMMAND", (sys.executable, "-S", "-c", f"input(); {code}")
    )
    decoder = IsolatedDecoder(DecoderLimits(max_wait_seconds=1.5 if "sleep" in code else 60))
    with pytest.raises(RejectedFileError, match=f"a b:é.mp4: .*{PROCESSES[code]}"):
        for frame in decoder.decode_frames(clip):
            frame.to_rgb()


def test_a_process_that_cannot_begin_is_no_fault_of_the_file(monkeypatch, clip):
    monkeypatch.setattr(isolated_decoder, "_COMMAND", (sys.executable, "-c", "exit(3)"))
    with pytest.raises(RuntimeError, match="ended with exit code 3"):
        IsolatedDecoder().scan_packets(clip)
    monkeypatch.setattr(isolated_decoder, "_COMMAND", ("/nowhere/python",))
    with pytest.raises(FileNotFoundError):
        IsolatedDecoder().scan_packets(clip)
