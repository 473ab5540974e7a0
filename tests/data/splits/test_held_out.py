import pandas as pd
import pytest

from deepfake_detector.data.splits.held_out import pin_held_out

VIDEOS = pd.DataFrame(
    [
        ("ann.mp4", "ann", "", "", "", 0),
        ("ann_swap.mp4", "ann", "bob", "", "swap", 9),
        ("bob.mp4", "bob", "", "", "", 0),
        ("cid.mp4", "cid", "", "", "", 0),
        ("cid_still.mp4", "cid", "", "train", "still", 9),
        ("eve.mp4", "eve", "", "", "swap", 0),  # real, though a method is named
    ],
    columns=["video", "source", "identity", "split", "method", "fake"],
)


def test_fakes_of_the_method_go_to_test_with_all_of_their_people():
    assert pin_held_out(VIDEOS, ["swap"])["split"].tolist() == [
        *("test", "test", "test", "", "train", "")
    ]


def test_without_a_method_nothing_changes():
    assert pin_held_out(VIDEOS, []).equals(VIDEOS)


def test_a_pin_to_another_split_is_named():
    with pytest.raises(ValueError, match=r"cid_still.mp4 is pinned to train, but shares"):
        pin_held_out(VIDEOS, ["still"])


def test_an_unknown_method_is_named_beside_those_there_are():
    with pytest.raises(ValueError, match=r"no fake is made by lips; .* are still, swap; correct"):
        pin_held_out(VIDEOS, ["lips", "swap"])
