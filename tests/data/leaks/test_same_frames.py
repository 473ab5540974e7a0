import numpy as np

from deepfake_detector.data.leaks.same_frames import SameFrame, find_same_frames

A, B, C = 0x00FF00FF00FF00FF, 0x123456789ABCDEF0, 0xF0F0F0F00F0F0F0F


def find(hashes, groups, max_distance=4):
    return find_same_frames([np.array(one, "<u8") for one in hashes], groups, max_distance)


def test_copies_in_different_splits_are_found_with_their_frames():
    found = find([[A, B], [C], [C ^ 0b11, B ^ 1]], ["train", "validation", "test"])
    assert found == [SameFrame(0, 2, 1, 1, 1), SameFrame(1, 2, 0, 0, 2)]


def test_the_nearest_of_several_frames_is_told_and_the_pair_once():
    assert find([[A, B], [A ^ 0b111, B ^ 1]], ["test", "train"]) == [SameFrame(0, 1, 1, 1, 1)]


def test_copies_in_one_split_are_no_leak():
    assert find([[A], [A]], ["train", "train"]) == []


def test_the_limit_is_included():
    groups = ["train", "test"]
    assert find([[A], [A ^ 0b1111]], groups) == [SameFrame(0, 1, 0, 0, 4)]
    assert find([[A], [A ^ 0b11111]], groups) == []


def test_videos_without_hashes_share_nothing():
    assert find([[], [A]], ["train", "test"]) == []
    assert find([], []) == []
