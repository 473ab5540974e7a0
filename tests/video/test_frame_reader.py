import threading

import pytest

from clips import make_frame, write_clip
from deepfake_detector.video.frame_reader import FrameReader, count_frames_at_once, read_ahead
from deepfake_detector.video.packets import PacketScan, scan_packets


def test_wanted_frames_come_in_batches_with_their_times(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 40, fps=10)
    reader = FrameReader(path, scan_packets(path))
    batches = list(reader.read(lambda number: number % 2 == 0))
    assert [len(batch) for batch in batches] == [16, 4]
    assert [frame.number for frame in batches[1]] == [32, 34, 36, 38]
    assert batches[1][0].seconds == pytest.approx(3.2)
    assert (reader.count, reader.seconds, reader.problem) == (40, pytest.approx(3.9), "")


def test_large_frames_come_in_small_batches():
    assert count_frames_at_once(1280, 720) == 16
    assert count_frames_at_once(1920, 1080) == 7
    assert count_frames_at_once(3840, 2160) == 1
    assert count_frames_at_once(7680, 4320) == 1


def test_the_next_item_is_made_while_one_is_used():
    made = threading.Event()

    def make():
        yield 1
        made.set()
        yield 2

    items = read_ahead(make())
    assert next(items) == 1
    assert made.wait(timeout=10)
    assert list(items) == [2]


def test_what_goes_wrong_in_the_thread_is_raised_after_the_items_before_it():
    def make():
        yield 1
        raise ValueError("broken")

    items = read_ahead(make())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_a_file_that_is_no_video_is_rejected(tmp_path):
    (tmp_path / "a.mp4").write_text("text")
    with pytest.raises(ValueError, match=r"a\.mp4: not a video"):
        list(FrameReader(tmp_path / "a.mp4", PacketScan(25.0, 0, 0.0)).read(lambda number: True))
