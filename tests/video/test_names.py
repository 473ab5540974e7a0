import time

import pytest

from deepfake_detector.video.names import VideoNames, check_video_name


@pytest.mark.parametrize(
    "name", ["", "..", ".hidden.mp4", "../x.mp4", "a/b.mp4", "a\\b.mp4", "a\nb"]
)
def test_unsafe_name_is_rejected(name):
    with pytest.raises(ValueError, match="unsafe video name"):
        check_video_name(name)


def test_name_too_long_for_a_file_is_rejected():
    with pytest.raises(ValueError, match="over 200 bytes"):
        check_video_name("é" * 101)


def test_ordinary_names_are_accepted():
    for name in ["clip.mp4", "my clip (2).MOV", "Łódź.mkv", "no_ending"]:
        check_video_name(name)


def test_video_is_found_by_file_name_and_by_stem():
    names = VideoNames(["a.mkv", "b.v2.mp4"])
    assert names.find("a.mkv") == "a.mkv"
    assert names.find("a") == "a.mkv"
    assert names.find("a.mp4") == "a.mkv"
    assert names.find("b.v2") == "b.v2.mp4"


def test_exact_name_wins_over_an_equal_stem():
    names = VideoNames(["a.mkv", "a.mp4"])
    assert names.find("a.mp4") == "a.mp4"
    with pytest.raises(ValueError, match=r"'a' may mean a\.mkv or a\.mp4; rename one"):
        names.find("a")


def test_missing_video_is_named():
    with pytest.raises(ValueError, match=r"there is no video 'c\.mp4' in data/videos"):
        VideoNames(["a.mkv"]).find("c.mp4")


def test_accents_stored_apart_are_the_same_name():
    assert VideoNames(["cafe\u0301.mp4"]).find("caf\u00e9.mp4") == "cafe\u0301.mp4"


def test_many_videos_are_matched_in_linear_time():
    names = [f"clip {number}.mp4" for number in range(20_000)]
    videos = VideoNames(names)
    started = time.process_time()
    assert [videos.find(name) for name in names] == names
    assert [videos.find(name.removesuffix(".mp4")) for name in names] == names
    assert time.process_time() - started < 5  # by comparing each with each, it was minutes
