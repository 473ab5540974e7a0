"""The stage: same bytes however it is run, nothing made twice, and nothing half-used."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.data_set import PROJECT, DataSet, read_rows

import extract_frames
import validate
from deepfake_detector.config.overrides import override_params

FOLDER = "artifacts/extract_frames"


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """Give a data set that `validate` has checked, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("validated")
        patch.chdir(folder)
        data_set = DataSet(folder)
        data_set.add_clip("no_face.mp4", seed=300)
        set_params(data_set, frame_stride=2)
        run(validate, patch)
    return data_set


@pytest.fixture
def data_set(validated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return validated.copy_to(tmp_path)


def run(script, monkeypatch, workers=1):
    monkeypatch.setattr("sys.argv", [script.__name__, "--workers", str(workers)])
    script.main()


def set_params(data_set, frame_stride=5, max_side_px=640):
    values = {"extract_frames.frame_stride": frame_stride, "max_side_px": max_side_px}
    before = (PROJECT / "params.yaml").read_text()
    text, _ = override_params(before, {name: str(value) for name, value in values.items()})
    (data_set.folder / "params.yaml").write_text(text)


def read_files(data_set):
    return {path.name: path.read_bytes() for path in (data_set.folder / FOLDER).iterdir()}


def read_records(data_set, video):
    tensorflow = pytest.importorskip("tensorflow")
    from deepfake_detector.data.frame_records import parse_record

    path = data_set.folder / FOLDER / f"{video}.tfrecord"
    return list(tensorflow.data.TFRecordDataset(str(path)).map(parse_record).as_numpy_iterator())


def test_shard_holds_the_kept_frames_with_boxes_in_fractions(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    records = read_records(data_set, "p1_fake.mp4")
    assert [record["frame"] for record in records] == [0, 2, 4]
    for record in records:
        assert record["boxes"].tolist() == [pytest.approx([16 / 64, 8 / 48, 48 / 64, 40 / 48])]
        assert record["labels"].tolist() == [2]
        assert record["video"] == b"p1_fake.mp4"
        assert (record["width_px"], record["height_px"]) == (64, 48)
        image = cv2.imdecode(np.frombuffer(record["image"], np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (48, 64, 3)


def test_frames_without_a_face_are_kept(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    records = read_records(data_set, "no_face.mp4")
    assert [len(record["labels"]) for record in records] == [0, 0, 0]
    rows = read_rows(data_set.folder / FOLDER / "frames.csv")
    assert [row["faces"] for row in rows if row["video"] == "no_face.mp4"] == ["0", "0", "0"]
    assert len(rows) == 21


def test_large_frames_are_shrunk_and_keep_their_original_size_in_the_record(data_set, monkeypatch):
    set_params(data_set, frame_stride=2, max_side_px=32)
    run(extract_frames, monkeypatch)
    record = read_records(data_set, "p1_fake.mp4")[0]
    image = cv2.imdecode(np.frombuffer(record["image"], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (24, 32, 3)
    assert (record["width_px"], record["height_px"]) == (64, 48)


def test_colours_survive(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    from deepfake_detector.video.reading import read_frames

    _, expected = next(read_frames(data_set.videos / "p0_real.mp4"))
    record = read_records(data_set, "p0_real.mp4")[0]
    image = cv2.imdecode(np.frombuffer(record["image"], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(image.astype(float) - expected).mean() < 12  # JPEG halves the colours
    assert np.abs(image[..., ::-1].astype(float) - expected).mean() > 30


def test_files_are_the_same_for_any_number_of_workers(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    alone = read_files(data_set)
    for path in (data_set.folder / FOLDER).iterdir():
        path.unlink()
    run(extract_frames, monkeypatch, workers=3)
    assert read_files(data_set) == alone
    assert len(alone) == 2 * 7 + 3


def forbid_all_but(monkeypatch, *videos):
    """Fail when another video is decoded."""
    from deepfake_detector.data.extraction import extract_video as extraction

    read = extraction.read_frames
    seen = []

    def watch(path, *arguments, **options):
        seen.append(path.name)
        assert path.name in videos
        return read(path, *arguments, **options)

    monkeypatch.setattr(extraction, "read_frames", watch)
    return seen


def test_unchanged_videos_are_not_decoded_again(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    before = read_files(data_set)
    seen = forbid_all_but(monkeypatch, "new.mp4", "p0_real.mp4")
    run(extract_frames, monkeypatch)
    assert seen == []
    assert read_files(data_set) == before

    data_set.add_clip("new.mp4", seed=400)
    data_set.add_clip("p0_real.mp4", seed=401)
    (data_set.videos / "no_face.mp4").unlink()
    run(validate, monkeypatch)
    run(extract_frames, monkeypatch)
    assert sorted(seen) == ["new.mp4", "p0_real.mp4"]
    after = read_files(data_set)
    assert "new.mp4.tfrecord" in after
    assert "new.mp4.crops.npz" in after
    assert not [name for name in after if name.startswith("no_face")]
    assert after["p0_real.mp4.tfrecord"] != before["p0_real.mp4.tfrecord"]
    assert after["p0_fake.mp4.tfrecord"] == before["p0_fake.mp4.tfrecord"]


def test_changed_annotation_makes_its_shard_again(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    seen = forbid_all_but(monkeypatch, "p2_fake.mp4")
    data_set.rows = [row for row in data_set.rows if row[:2] != ("p2_fake.mp4", 2)]
    data_set.write()
    run(validate, monkeypatch)
    run(extract_frames, monkeypatch)
    assert seen == ["p2_fake.mp4"]
    assert [len(r["labels"]) for r in read_records(data_set, "p2_fake.mp4")] == [1, 0, 1]


def test_shard_that_is_damaged_or_gone_is_made_again(data_set, monkeypatch):
    run(extract_frames, monkeypatch)
    before = read_files(data_set)
    (data_set.folder / FOLDER / "p0_real.mp4.tfrecord").unlink()
    (data_set.folder / FOLDER / "p1_real.mp4.tfrecord").write_bytes(b"half")
    (data_set.folder / FOLDER / "p2_real.mp4.crops.npz").unlink()
    run(extract_frames, monkeypatch)
    assert read_files(data_set) == before


def test_frames_whose_face_cannot_be_used_are_left_out(data_set, monkeypatch):
    data_set.rows.append(("p0_real.mp4", 2, 1, 1, 30, 30, "unsure"))
    data_set.write()
    run(validate, monkeypatch)
    run(extract_frames, monkeypatch)
    assert [r["frame"] for r in read_records(data_set, "p0_real.mp4")] == [0, 4]
    rows = read_rows(data_set.folder / FOLDER / "frames.csv")
    assert [row["frame"] for row in rows if row["video"] == "p0_real.mp4"] == ["0", "4"]


def test_video_that_breaks_half_way_is_rejected_and_not_half_used(data_set, monkeypatch):
    from deepfake_detector.data.extraction import extract_video as extraction

    read = extraction.read_frames

    def break_half_way(path, *arguments, **options):
        for number, image in read(path, *arguments, **options):
            if path.name == "p0_fake.mp4" and number == 4:
                raise ValueError("p0_fake.mp4: breaks after 4 frames (Invalid data); encode it")
            yield number, image

    monkeypatch.setattr(extraction, "read_frames", break_half_way)
    run(extract_frames, monkeypatch)
    files = read_files(data_set)
    assert not [name for name in files if name.startswith("p0_fake")]
    assert len([name for name in files if name.endswith(".tfrecord")]) == 6
    (rejected,) = read_rows(data_set.folder / FOLDER / "rejected.csv")
    assert rejected == {
        "file": "data/videos/p0_fake.mp4",
        "row": "",
        "reason": "breaks after 4 frames (Invalid data); encode it",
    }
    assert "p0_fake" not in (data_set.folder / FOLDER / "frames.csv").read_text()


def test_video_that_changed_after_validate_is_rejected(data_set, monkeypatch):
    data_set.add_clip("p0_fake.mp4", seed=999)
    run(extract_frames, monkeypatch)
    (rejected,) = read_rows(data_set.folder / FOLDER / "rejected.csv")
    assert rejected["reason"] == "changed since validate; run dvc repro again"


def test_no_video_left_is_an_error(data_set, monkeypatch):
    for path in data_set.videos.iterdir():
        path.write_bytes(b"")
    with pytest.raises(SystemExit, match="no video is left; correct what artifacts"):
        run(extract_frames, monkeypatch)


def test_missing_validate_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DataSet(tmp_path, people=1)
    with pytest.raises(SystemExit, match=r"videos\.csv: not there; run the stage validate first"):
        run(extract_frames, monkeypatch)


def has_group_that_works(group, seconds=10):
    """Tell whether some process of a group does not end in time; zombies have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states = [state for state, its_group in read_processes() if its_group == group]
        if all(state == "Z" for state in states):
            return False
        time.sleep(0.1)
    return True


def read_processes():
    """Give state and process group of every process, proc(5)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            yield state, int(group)


def hear_interrupts() -> None:
    """Let a process be stopped from the keyboard: what a shell starts in the background is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc of Linux")
def test_stopped_run_leaves_no_process_and_no_unfinished_file_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set = DataSet(tmp_path, frames=6)
    from tests.data_set import make_frames

    from deepfake_detector.video.writing import write_video

    for number in range(2):
        frames = make_frames(600, number + 70, 640, 480)  # a second or two of work for each worker
        write_video(data_set.videos / f"long{number}.mp4", frames, fps=25)
    set_params(data_set, frame_stride=1)
    run(validate, monkeypatch, workers=2)
    command = [sys.executable, PROJECT / "src/extract_frames.py", "--workers", "2"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(f"{FOLDER}/.unfinished_*long*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)  # a loaded machine stops slowly
    assert process.returncode == 130
    assert "stopped; the videos that are done are kept" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.glob(f"{FOLDER}/.unfinished_*"))
    assert not has_group_that_works(process.pid)
    known = json.loads((tmp_path / FOLDER / "fingerprints.json").read_text())
    assert len(known) == len(list(tmp_path.glob(f"{FOLDER}/*.tfrecord")))
    run(extract_frames, monkeypatch, workers=2)
    assert len(list(tmp_path.glob(f"{FOLDER}/*.tfrecord"))) == 8
