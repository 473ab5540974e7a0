import json

import cv2
import pytest
from tests.data.leaks.sound_clips import make_melody, write_sound_clip
from tests.data_set import DataSet, make_frames, read_rows, write_csv

import extract_frames
import split
import validate


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set = DataSet(tmp_path, people=4)
    data_set.add_clip("no_face.mp4", seed=300)
    return data_set


def run_stages(monkeypatch, *scripts):
    """Run scripts, one after the other."""
    for script in scripts:
        monkeypatch.setattr("sys.argv", [script.__name__, "--workers", "1"])
        script.main()


def read_splits(data_set):
    folder = data_set.folder / "artifacts/split"
    return {name: read_rows(folder / f"{name}.csv") for name in ("train", "validation", "test")}


def test_every_video_is_in_one_split_beside_its_source(data_set, monkeypatch):
    run_stages(monkeypatch, validate, extract_frames, split)
    splits = read_splits(data_set)
    videos = sorted(row["video"] for rows in splits.values() for row in rows)
    assert videos == ["no_face.mp4"] + [
        f"p{person}_{label}.mp4" for person in range(4) for label in ("fake", "real")
    ]
    sources = [{row["source"] for row in rows} for rows in splits.values()]
    assert sum(map(len, sources)) == len(set.union(*sources))


def test_tables_and_summary_count_kept_frames_and_their_faces(data_set, monkeypatch):
    pins = {"p0": "train", "p1": "train", "p2": "validation", "p3": "test"}
    rows = [(video, source, pins[source]) for video, source in data_set.listed]
    path = data_set.folder / "data/videos.csv"
    write_csv(path, ["video", "source", "split"], [*rows, ("no_face.mp4", "", "test")])
    run_stages(monkeypatch, validate, extract_frames, split)
    splits = read_splits(data_set)
    columns = ["video", "source", "identity", "labels", "frames", "faces"]
    expected = [  # 6 frames, of which 0 and 5 are kept
        ["no_face.mp4", "no_face.mp4", "", "", "2", "0"],
        ["p3_fake.mp4", "p3", "", "fake", "2", "2"],
        ["p3_real.mp4", "p3", "", "real", "2", "2"],
    ]
    methods = dict.fromkeys(("method", "method_group", "dataset"), "")
    assert splits["test"] == [dict(zip(columns, row, strict=True)) | methods for row in expected]
    summary = json.loads((data_set.folder / "artifacts/split/summary.json").read_text())
    assert list(summary) == ["train", "validation", "test"]
    assert summary["test"] == {
        "videos": 3,
        "sources": 2,
        "frames": 6,
        "real_faces": 2,
        "fake_faces": 2,
        "real_videos": 1,
        "fake_videos": 1,
        "videos_without_a_face": 1,
    }
    card = json.loads((data_set.folder / "artifacts/split/data_card.json").read_text())
    assert card["splits"] == summary
    assert "| test | 3 |" in (data_set.folder / "artifacts/split/data_card.md").read_text()
    metrics = json.loads((data_set.folder / "artifacts/split/metrics.json").read_text())
    assert metrics["data"]["faces"] == 16
    assert metrics["drift"] == {}


def test_split_without_a_label_is_pointed_out(data_set, monkeypatch, caplog):
    data_set.rows = [(*row[:-1], "real" if row[0] != "p0_fake.mp4" else "fake")
                     for row in data_set.rows]  # fmt: skip
    data_set.write()
    run_stages(monkeypatch, validate, extract_frames, split)
    assert "validation has no fake face: its figures for that label will be empty" in caplog.text
    assert "test has no fake face" in caplog.text


def test_pins_that_leave_no_test_video_are_one_message(data_set, monkeypatch):
    rows = [(*row, "train") for row in data_set.listed]
    path = data_set.folder / "data/videos.csv"
    write_csv(path, ["video", "source", "split"], [*rows, ("no_face.mp4", "", "validation")])
    with pytest.raises(SystemExit, match="nothing is left for test: the 5 groups of videos"):
        run_stages(monkeypatch, validate, extract_frames, split)


def test_held_out_method_is_in_test_alone_with_its_people(data_set, monkeypatch):
    rows = [(*row, "mixer" if row == ("p0_fake.mp4", "p0") else "") for row in data_set.listed]
    write_csv(data_set.folder / "data/videos.csv", ["video", "source", "method"], rows)
    params = data_set.folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace("hold_out_methods: []", "hold_out_methods: [mixer]"))
    run_stages(monkeypatch, validate, extract_frames, split)
    test = read_splits(data_set)["test"]
    assert {"p0_fake.mp4", "p0_real.mp4"} <= {row["video"] for row in test}


def test_copies_and_shared_sound_across_splits_are_reported_and_can_be_fatal(
    data_set, monkeypatch, caplog
):
    pins = {"p0": "train", "p1": "train", "p2": "validation", "p3": "test"}
    rows = [(video, source, pins[source]) for video, source in data_set.listed]
    rows += [("no_face.mp4", "", "test"), ("copy.mp4", "", "test"), ("sung.mp4", "", "validation")]
    write_csv(data_set.folder / "data/videos.csv", ["video", "source", "split"], rows)
    larger = [cv2.resize(image, (128, 96)) for image in make_frames(6, seed=0)]  # p0_real.mp4
    write_sound_clip(data_set.videos / "copy.mp4", make_melody(1, 4), 64_000, larger)
    other = make_frames(6, seed=77)
    write_sound_clip(data_set.videos / "sung.mp4", make_melody(1, 4), 96_000, other)
    run_stages(monkeypatch, validate, extract_frames, split)
    folder = data_set.folder / "artifacts/split"
    leaks = read_rows(folder / "leaks.csv")
    assert [(row["video"], row["other_video"], row["shares"]) for row in leaks] == [
        ("copy.mp4", "p0_real.mp4", "frame"),
        ("copy.mp4", "sung.mp4", "sound"),
    ]
    assert (leaks[0]["split"], leaks[0]["other_split"]) == ("test", "train")
    assert "2 pairs of videos in different splits share a frame or a soundtrack" in caplog.text
    page = (folder / "leaks.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4
    assert "copy.mp4 and p0_real.mp4" in page

    params = data_set.folder / "params.yaml"
    params.write_text(params.read_text().replace("fail_on_leaks: false", "fail_on_leaks: true"))
    with pytest.raises(SystemExit, match="2 pairs of videos in different splits share"):
        run_stages(monkeypatch, split)


def test_missing_stage_is_named(data_set, monkeypatch):
    with pytest.raises(SystemExit, match=r"frames\.csv: not there; run the stage extract_frames"):
        run_stages(monkeypatch, validate, split)
