from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_detector.config.schema import SplitParams
from deepfake_detector.data.splits.assignment import (
    assign_splits,
    find_components,
    find_leaking_pins,
)

SHARES = SplitParams(
    train=0.6,
    validation=0.2,
    test=0.2,
    hold_out_methods=[],
    fail_on_leaks=False,
    max_frame_distance=4,
)


def make_videos(*rows):
    """Make a table from (video, source, identity, split, real, fake)."""
    table = pd.DataFrame(rows, columns=["video", "source", "identity", "split", "real", "fake"])
    return table.assign(frames=10)


def make_pairs(count):
    """Make an original and its fake for each of `count` sources."""
    rows = [
        (f"{source}_{label}.mp4", f"person {source}", "", "", 10 * (label == "real"),
         10 * (label == "fake"))
        for source in range(count)
        for label in ("real", "fake")
    ]  # fmt: skip
    return make_videos(*rows)


def test_sharing_a_source_or_an_identity_links_videos_also_through_others():
    videos = make_videos(
        ("a.mp4", "ann", "", "", 1, 0),
        ("b.mp4", "bob", "", "", 1, 0),
        ("a_as_bob.mp4", "ann", "bob", "", 0, 1),
        ("c.mp4", "cid", "", "", 1, 0),
    )
    assert find_components(videos).tolist() == [0, 0, 0, 1]


def test_source_that_is_the_name_of_a_video_links_to_it():
    videos = make_videos(
        ("a.mp4", "a.mp4", "", "", 1, 0),
        ("fake1.mp4", "a.mp4", "", "", 0, 1),
        ("fake2.mp4", "A", "", "", 0, 1),
        ("b.mp4", "b.mp4", "", "", 1, 0),
    )
    assert find_components(videos).tolist() == [0, 0, 0, 1]


def test_empty_identities_link_nothing():
    videos = make_videos(("a.mp4", "a.mp4", "", "", 1, 0), ("b.mp4", "b.mp4", "", "", 1, 0))
    assert find_components(videos).tolist() == [0, 1]


def test_leaking_pins_are_named():
    videos = make_videos(
        ("a.mp4", "ann", "", "train", 1, 0),
        ("b.mp4", "ann", "", "test", 0, 1),
        ("c.mp4", "cid", "", "test", 0, 1),
    )
    (leak,) = find_leaking_pins(videos)
    assert leak.endswith("different splits: a.mp4 (train), b.mp4 (test)")
    with pytest.raises(ValueError, match=r"a\.mp4 \(train\), b\.mp4 \(test\); correct `split`"):
        assign_splits(videos, SHARES, seed=1)


def test_pins_are_respected_also_for_videos_linked_to_them():
    videos = make_pairs(6)
    videos.loc[0, "split"] = "test"
    splits = assign_splits(videos, SHARES, seed=1)
    assert splits[0] == splits[1] == "test"


def test_shares_are_kept_and_every_split_has_both_labels():
    splits = pd.Series(assign_splits(make_pairs(10), SHARES, seed=3))
    assert splits.value_counts().to_dict() == {"train": 12, "validation": 4, "test": 4}


def test_three_pairs_fill_all_three_splits():
    assert set(assign_splits(make_pairs(3), SHARES, seed=0)) == {"train", "validation", "test"}


def test_split_with_a_share_of_nothing_still_gets_a_component():
    shares = SHARES.model_copy(update={"train": 1.0, "validation": 0.0, "test": 0.0})
    assert set(assign_splits(make_pairs(5), shares, seed=0)) == {"train", "validation", "test"}


def test_the_only_fake_goes_to_train():
    videos = make_videos(
        *[(f"{name}.mp4", name, "", "", 10, 10 * (name == "c")) for name in "abcde"]
    )
    for seed in range(5):
        assert assign_splits(videos, SHARES, seed)[2] == "train"


def test_two_components_cannot_be_split():
    with pytest.raises(ValueError, match=r"nothing is left for .*: the 2 groups of videos"):
        assign_splits(make_pairs(2), SHARES, seed=0)


def test_pins_that_leave_nothing_for_validation_are_rejected():
    videos = make_pairs(4).assign(split="train")
    videos.loc[videos["source"] == "person 3", "split"] = "test"
    with pytest.raises(ValueError, match="nothing is left for validation"):
        assign_splits(videos, SHARES, seed=0)


def test_pins_that_leave_train_without_fakes_are_rejected():
    videos = make_videos(
        ("a.mp4", "a", "", "train", 5, 0),
        ("b.mp4", "b", "", "validation", 5, 5),
        ("c.mp4", "c", "", "test", 5, 5),
    )
    with pytest.raises(ValueError, match="no fake face for train"):
        assign_splits(videos, SHARES, seed=0)


def test_same_seed_gives_the_same_splits_and_another_seed_others():
    videos = make_pairs(12)
    first = assign_splits(videos, SHARES, seed=5)
    assert assign_splits(videos, SHARES, seed=5) == first
    assert any(assign_splits(videos, SHARES, seed=seed) != first for seed in range(6, 10))


names = st.sampled_from(["", "ann", "Ann ", "bob", "cid", "v1", "v3.mp4", "dan", "eve", "fay"])
labels = st.sampled_from([(5, 0), (0, 5), (5, 5), (0, 0)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, names, labels), min_size=3, max_size=12), st.integers(0, 3))
def test_no_source_and_no_identity_crosses_splits(drawn, seed):
    videos = make_videos(
        *[
            (f"v{index}.mp4", source or f"v{index}.mp4", identity, "", *faces)
            for index, (source, identity, faces) in enumerate(drawn)
        ]
    )
    try:
        splits = assign_splits(videos, SHARES, seed)
    except ValueError as error:
        assert "nothing is left" in str(error) or "face for train" in str(error)  # noqa: PT017
        return
    found = defaultdict(set)
    for row, split in zip(videos.itertuples(), splits, strict=True):
        for name in {row.source, row.identity, row.video} - {""}:
            found[name.strip().casefold().removesuffix(".mp4")].add(split)
    assert all(len(where) == 1 for where in found.values())
    assert set(splits) == {"train", "validation", "test"}
