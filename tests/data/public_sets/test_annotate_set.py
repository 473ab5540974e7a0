"""Each public data set in miniature, through `annotate --dataset`, `validate` and `split`."""

import shutil
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from tests.data.public_sets.set_layouts import (
    EXPECTED,
    LAYOUTS,
    LEFT,
    RIGHT,
    SquareFinder,
    make_faceforensics,
    make_plain,
    write,
    write_fake,
)
from tests.data_set import PROJECT, read_rows

import annotate
import split
import validate
from deepfake_detector.data.public_sets import clip_faces
from deepfake_detector.data.splits.split_names import SPLITS


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Give a folder with `params.yaml`, and a finder of squares in place of MTCNN."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clip_faces, "MTCNNFaceDetector", SquareFinder)
    clip_faces._make_detector.cache_clear()
    yield tmp_path
    clip_faces._make_detector.cache_clear()


def run_annotate(monkeypatch, *arguments):
    arguments = ["annotate.py", "--out", "data", "--workers", "1", *arguments]
    monkeypatch.setattr(sys, "argv", arguments)
    annotate.main()


@pytest.fixture
def annotated(work, monkeypatch):
    """Annotate a data set made by a function; give its rows of `videos.csv` and its faces."""
    shutil.copy(PROJECT / "params.yaml", work)

    def annotated(make, *options, name="set"):
        make(work / name)
        run_annotate(monkeypatch, "--dataset", name, *options)
        return read_data(work)

    return annotated


def read_data(work):
    rows = {row["video"]: row for row in read_rows(work / "data/videos.csv")}
    faces = [row for path in (work / "data/annotations").glob("*.csv") for row in read_rows(path)]
    return rows, faces


@pytest.fixture(scope="module")
def all_sets(tmp_path_factory):
    """Bring all data sets into one folder, validate and split it.

    Gives the rows of `videos.csv`, the labels found and the split of each video, and what was
    logged of each data set.
    """
    folder = tmp_path_factory.mktemp("sets")
    shutil.copy(PROJECT / "params.yaml", folder)
    logged = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(clip_faces, "MTCNNFaceDetector", SquareFinder)
        patch.setattr(
            annotate, "log_some",
            lambda message, names: logged[name].append(message % len(names)) if names else None,
        )  # fmt: skip
        clip_faces._make_detector.cache_clear()
        for name, make in LAYOUTS.items():
            logged[name] = []
            make(folder / name)
            run_annotate(patch, "--dataset", name)
        clip_faces._make_detector.cache_clear()
        splits = run_validate_and_split(folder, patch)
    rows, faces = read_data(folder)
    labels = {}
    for face in faces:
        labels.setdefault(face["video"], set()).add(face["label"])
    return rows, labels, splits, logged


def run_validate_and_split(folder, patch) -> dict[str, str]:
    """Run both, with all frames kept; give the split of each video."""
    patch.setattr(sys, "argv", ["validate.py", "--workers", "1"])
    validate.main()
    faces = pd.read_csv(folder / "artifacts/validate/annotations.csv")
    frames = faces[["video", "frame"]].drop_duplicates()
    (folder / "artifacts/extract_frames").mkdir()
    frames.to_csv(folder / "artifacts/extract_frames/frames.csv", index=False)
    patch.setattr(sys, "argv", ["split.py", "--workers", "1"])
    split.main()
    tables = {name: folder / f"artifacts/split/{name}.csv" for name in SPLITS}
    return {row["video"]: name for name, path in tables.items() for row in read_rows(path)}


def test_nothing_is_rejected(all_sets):
    rows, labels, splits, _ = all_sets
    assert set(rows) == set(labels) == set(splits)


@pytest.mark.parametrize("name", LAYOUTS)
def test_labels_are_right_and_what_does_not_fit_is_counted(all_sets, name):
    rows, labels, _, logged = all_sets
    mine = [video for video, row in rows.items() if row["dataset"] == name]
    fakes = [video for video in mine if "fake" in labels[video]]
    real, fake, files, entries = EXPECTED[name]
    assert (len(mine) - len(fakes), len(fakes)) == (real, fake)
    expected = [f"{entries} entries of its lists have no file"] * bool(entries)
    expected += [f"{files} files are in none of its lists"] * bool(files)
    assert logged[name] == expected
    for video in mine:
        has_method = bool(rows[video]["method"])
        assert has_method == (video in fakes and name != "DFDC"), video
        assert ("real" in video.lower()) <= (video not in fakes or "RealAudio" in video), video


@pytest.mark.parametrize("name", LAYOUTS)
def test_pairs_stay_together(all_sets, name):
    rows, labels, splits, _ = all_sets
    by_source, labels_of = {}, {}
    for video, row in rows.items():
        if row["dataset"] == name:
            by_source.setdefault(row["source"], set()).add(splits[video])
            labels_of.setdefault(row["source"], set()).update(labels[video])
            assert row["split"] in ("", splits[video])
    assert {len(found) for found in by_source.values()} == {1}
    assert sum(found == {"real", "fake"} for found in labels_of.values()) >= 2


def test_faceforensics_keeps_its_split_and_links_both_sequences(annotated):
    rows, _ = annotated(make_faceforensics)
    fake = rows["ff_Deepfakes_c23_000_003.mp4"]
    assert (fake["source"], fake["identity"]) == ("ff:000", "ff:003")
    assert (fake["method"], fake["method_group"]) == ("Deepfakes", "face swap")
    assert rows["ff_NeuralTextures_c23_672_720.mp4"]["method_group"] == "reenactment"
    assert (rows["ff_youtube_c23_672.mp4"]["source"], fake["split"]) == ("ff:672", "train")
    assert Counter(row["split"] for row in rows.values()) == {
        "train": 6, "validation": 6, "test": 6,
    }  # fmt: skip


def test_of_two_people_only_the_one_who_differs_from_the_original_is_fake(annotated):
    _, faces = annotated(make_plain)
    pair = [face for face in faces if face["video"] == "fake_swap_pair.mp4"]
    labels = {(face["label"], float(face["left"]) < 80) for face in pair}
    assert labels == {("real", True), ("fake", False)}
    assert len(pair) == 12


def make_without_original(folder):
    make_plain(folder)
    write(folder / "fake/swap/alone.mp4", ("fake", LEFT), ("fake", RIGHT))


def test_two_faces_without_an_original_are_both_fake_and_pointed_out(annotated, caplog):
    _, faces = annotated(make_without_original)
    assert {f["label"] for f in faces if f["video"] == "fake_swap_alone.mp4"} == {"fake"}
    assert "1 fakes show several faces, all labelled fake" in caplog.text
    assert "fake_swap_alone.mp4" in caplog.text


def test_own_split_that_parts_a_person_is_kept_without_identities(annotated, caplog):
    rows, _ = annotated(make_celeb_with_shared_person, name="Celeb-DF-v2")
    assert "its own split has a person in several splits (groups of people: 1)" in caplog.text
    assert {row["identity"] for row in rows.values()} == {""}
    assert rows["celeb-df-v2_Celeb-real_id0_0000.mp4"]["split"] == "test"
    assert rows["celeb-df-v2_Celeb-real_id0_0001.mp4"]["split"] in ("train", "validation")
    assert "id0_id4_0000" not in "".join(rows)  # a training fake of a test clip
    assert "1 clips that share a source" in caplog.text


def make_celeb_with_shared_person(folder):
    LAYOUTS["Celeb-DF-v2"](folder)
    write(folder / "Celeb-real/id0_0001.mp4", ("real", RIGHT))
    write_fake(folder / "Celeb-synthesis/id0_id4_0000.mp4")


def test_by_person_leaves_the_own_split_out_and_keeps_people(annotated):
    rows, _ = annotated(make_celeb_with_shared_person, "--by-person", name="Celeb-DF-v2")
    assert {row["split"] for row in rows.values()} == {""}
    people = Counter(row["identity"] for row in rows.values())
    assert people["celebdf:id0"] == 4  # two clips of the person, and two fakes of one of them


def test_a_second_call_finds_no_face_again_and_a_second_set_is_added(
    annotated, monkeypatch, work, caplog
):
    rows, faces = annotated(make_plain)
    monkeypatch.setattr(clip_faces, "track_faces", pytest.fail)
    run_annotate(monkeypatch, "--dataset", "set")
    assert read_data(work) == (rows, faces)
    monkeypatch.undo()
    monkeypatch.chdir(work)
    monkeypatch.setattr(clip_faces, "MTCNNFaceDetector", SquareFinder)
    LAYOUTS["DFDC"](work / "other")
    run_annotate(monkeypatch, "--dataset", "other")
    assert len(read_data(work)[0]) == len(rows) + 6


def test_video_that_cannot_be_read_is_named_after_the_others_are_written(
    annotated, work, caplog, monkeypatch
):
    make_plain(work / "set")
    (work / "set/real/broken.mp4").write_text("no video")
    with pytest.raises(SystemExit, match="1 of 12 videos could not be read"):
        run_annotate(monkeypatch, "--dataset", "set")
    assert "real/broken.mp4: " in caplog.text
    assert len(read_data(work)[0]) == 11
    assert not (work / "data/videos/real_broken.mp4").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.mkdir(), "not laid out as FaceForensics"),
        (lambda folder: (folder / "Celeb-real").mkdir(parents=True), "without any of its videos"),
    ],
)
def test_folder_that_is_no_data_set_is_rejected(work, monkeypatch, make, message):
    make(work / "set")
    with pytest.raises(SystemExit, match=message):
        run_annotate(monkeypatch, "--dataset", "set")


def test_two_clips_of_one_name_are_named(work, monkeypatch):
    for folder in ("a", "b"):
        write_fake(Path("set/fake") / folder / "same.mp4")
    write_fake(Path("set/fake/a_same.mp4"))
    with pytest.raises(SystemExit, match=r"would both be fake_a_same\.mp4"):
        run_annotate(monkeypatch, "--dataset", "set")


def test_videos_and_a_data_set_together_are_refused(monkeypatch, capsys):
    for arguments in (["clip.mp4", "--dataset", "set"], [], ["clip.mp4"]):
        with pytest.raises(SystemExit):
            run_annotate(monkeypatch, *arguments)
    assert "expected either videos or --dataset" in capsys.readouterr().err
