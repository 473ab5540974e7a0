from pathlib import Path

import pytest

from deepfake_detector.data.public_sets.clip import Clip
from deepfake_detector.data.public_sets.set_splits import keep_own_split


@pytest.mark.parametrize(
    ("splits", "notes"),
    [
        (["", ""], []),
        (["train", "train"], ["all its clips are train: no clip is pinned"]),
        (["test", ""], ["all its clips are test: no clip is pinned"]),
    ],
)
def test_a_data_set_of_one_split_or_none_pins_no_clip(splits, notes):
    clips = [
        Clip(Path(f"{number}.mp4"), f"{number}.mp4", "real", f"{number}", split=split)
        for number, split in enumerate(splits)
    ]
    kept, said = keep_own_split(clips)
    assert [clip.split for clip in kept] == ["", ""]
    assert said == notes
