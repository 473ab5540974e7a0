import numpy as np
import pytest

from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.splits.listing import list_shards, read_boxes, read_sources


def write_split(folder, name, rows):
    split = folder / "artifacts/split"
    split.mkdir(parents=True, exist_ok=True)
    lines = ["video,frames", *(f"{video},{frames}" for video, frames in rows)]
    (split / f"{name}.csv").write_text("\n".join(lines))


def test_a_split_s_shards_are_those_of_its_videos_with_frames(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_split(tmp_path, "train", [("a.mp4", 3), ("b.mp4", 0)])
    write_split(tmp_path, "test", [("c.mp4", 3)])
    assert [path.name for path in list_shards("train")] == ["a.mp4.tfrecord"]


def test_sources_are_texts_by_the_name_of_their_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts/split").mkdir(parents=True)
    rows = "video,source,frames\na.mp4,07,3\n1,NA,0\nNone,true,1\n"
    (tmp_path / "artifacts/split/train.csv").write_text(rows)
    assert read_sources("train") == {"a.mp4": "07", "1": "NA", "None": "true"}


def test_before_the_split_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"train\.csv is not there; run `dvc repro split`"):
        list_shards("train")


def test_boxes_of_all_faces_are_read_also_of_frames_with_none_or_two(tmp_path):
    frames = [np.full((count, 4), number / 4) for number, count in enumerate([0, 2, 1])]
    records = [
        FrameRecord(b"", boxes, np.ones(len(boxes)), [b""] * len(boxes), boxes, "a", number, 9, 9)
        for number, boxes in enumerate(frames)
    ]
    write_shard(tmp_path / "a.tfrecord", records)
    boxes = read_boxes([tmp_path / "a.tfrecord"])
    assert boxes.tolist() == [[0.25] * 4, [0.25] * 4, [0.5] * 4]


def test_no_shards_have_no_boxes():
    assert read_boxes([]).shape == (0, 4)
