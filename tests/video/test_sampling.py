import pytest

from deepfake_detector.video.sampling import CropLimits, Sampler, Sampling, spread


def list_wanted(sampler, count):
    return [number for number in range(count) if sampler.is_wanted(number)]


def test_what_a_person_asks_for_is_done_however_long_the_video():
    assert list_wanted(Sampling(4).make_sampler(20), 20) == [0, 4, 8, 12, 16]
    assert len(list_wanted(Sampler(1), 5000)) == 5000


def test_a_video_longer_than_its_header_said_is_looked_at_less_and_less():
    sampler = Sampler(1, max_frames=4)
    assert list_wanted(sampler, 33) == [0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32]
    assert sampler.frame_stride == 8


@pytest.mark.parametrize(("max_frames", "frame_stride"), [(100, 3), (10, 3), (9, 4), (1, 30)])
def test_a_long_video_is_looked_at_evenly(max_frames, frame_stride):
    sampler = Sampling(3, max_frames).make_sampler(30)
    assert sampler.frame_stride == frame_stride
    assert len(list_wanted(sampler, 30)) <= max_frames


def test_parts_are_analyzed_closely_the_ones_worth_most_first():
    analyzed = set(range(0, 101, 10))
    chosen = Sampling(2, 20).choose_close_frames(analyzed, [(33, 47), (95, 140), (0, 50)])
    assert sorted(chosen) == [34, 36, 38, 42, 44, 46, 96, 98]  # the third would be over ten


def test_only_what_is_longer_than_wanted_was_analyzed_coarsely():
    assert Sampling(2, 20).is_coarse(3)
    assert not Sampling(2, 20).is_coarse(2)
    assert not Sampling(2).is_coarse(9)


def test_numbers_are_spread_from_first_to_last():
    assert spread(9, 3).tolist() == [0, 4, 8]
    assert spread(2, 16).tolist() == [0, 1]
    assert spread(5, 1).tolist() == [0]


def test_crops_are_spread_over_a_short_video_and_never_far_apart_in_a_long_one():
    limits = CropLimits(max_crops=8, max_gap_seconds=0.5)
    assert limits.space(20, 0.1) == 2.5  # eight of twenty frames
    assert limits.space(600, 0.1) == 5
    assert limits.space(6, 0.1) == limits.space(0, 0.1) == limits.space(600, 0.7) == 1
    assert Sampling(3, crops=limits).space_crops(60, 3, 30.0) == 2.5
    assert Sampling(3, crops=limits).space_crops(999, 3, 15.0) == 2.5
    assert Sampling(3).space_crops(60, 3, 30.0) == 1
