"""Trouble of the machine ends a stage; it is never taken for trouble of the data."""

import contextlib
import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest
from tests.data_set import DataSet, read_rows

import extract_frames
import validate
from deepfake_detector.config.schema import load_params

FOLDERS = {"validate": "artifacts/validate", "extract_frames": "artifacts/extract_frames"}
SCRIPTS = {"validate": validate, "extract_frames": extract_frames}


def run(name, monkeypatch):
    """Run a stage, and return the message that it ended with, empty where all is well."""
    monkeypatch.setattr("sys.argv", [name, "--workers", "1"])
    try:
        SCRIPTS[name].main()
    except SystemExit as end:
        return str(end.code)
    return ""


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return DataSet(tmp_path)


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@contextlib.contextmanager
def limit(kind, value):
    """Let the system refuse more: a write that makes a file larger, one more open file."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def fill_disk():
    return limit(resource.RLIMIT_FSIZE, 3000)


def open_too_many():
    free = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free
    os.close(free)
    return limit(resource.RLIMIT_NOFILE, free + 1)  # one file at a time


@pytest.mark.parametrize("cause", [fill_disk, open_too_many])
def test_extract_frames_ends_and_the_same_command_finishes_once_there_is_room(
    data_set, monkeypatch, cause
):
    assert run("validate", monkeypatch) == ""
    folder = data_set.folder / FOLDERS["extract_frames"]
    assert run("extract_frames", monkeypatch) == ""  # loads what it needs, so that no import fails
    expected = read_files(folder)
    for path in folder.iterdir():
        path.unlink()
    with cause():
        message = run("extract_frames", monkeypatch)
    assert "File too large" in message or "Too many open files" in message
    assert not (folder / "frames.csv").exists()
    assert not (folder / "rejected.csv").exists()
    assert run("extract_frames", monkeypatch) == ""
    assert read_files(folder) == expected
    assert read_rows(folder / "rejected.csv") == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EACCES, errno.ESTALE])
def test_a_video_that_the_machine_cannot_read_is_not_rejected(data_set, monkeypatch, number):
    from deepfake_detector.data.validation import probing

    def fail(path):
        raise OSError(number, "the machine", str(path))

    monkeypatch.setattr(probing, "hash_file", fail)
    assert "the machine" in run("validate", monkeypatch)
    assert not (data_set.folder / FOLDERS["validate"] / "rejected.csv").exists()


def test_trouble_while_a_video_is_decoded_is_not_its_own(data_set, monkeypatch):
    from deepfake_detector.data.validation import probing

    def fail(path, threads):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(probing, "probe_video", fail)
    assert "Too many open files" in run("validate", monkeypatch)
    assert not (data_set.folder / FOLDERS["validate"] / "rejected.csv").exists()


def test_what_is_no_file_is_rejected_and_the_others_go_on(data_set, monkeypatch):
    os.mkfifo(data_set.videos / "pipe.mp4")
    (data_set.videos / "link.mp4").symlink_to("not there")
    (data_set.videos / "zero.mp4").symlink_to("/dev/zero")
    (data_set.videos / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    assert run("validate", monkeypatch) == ""
    rejected = read_rows(data_set.folder / FOLDERS["validate"] / "rejected.csv")
    assert {row["file"].split("/")[-1]: row["reason"].split(";")[0] for row in rejected} == {
        "pipe.mp4": "a pipe or a device",
        "link.mp4": "a link to a file that is not there",
        "zero.mp4": "a pipe or a device",
    }


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own with 40 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_ends_the_stage(data_set, monkeypatch, small_disk):
    assert run("validate", monkeypatch) == ""
    folder = data_set.folder / FOLDERS["extract_frames"]
    folder.symlink_to(small_disk)
    assert "No space left on device" in run("extract_frames", monkeypatch)
    assert "frames.csv" not in read_files(folder)
    subprocess.run(["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    assert run("extract_frames", monkeypatch) == ""
    assert read_rows(folder / "rejected.csv") == []
    assert len(list(folder.glob("*.tfrecord"))) == 6


def fail_to_write(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_forge_does_not_take_a_full_disk_for_a_video_without_a_face(tmp_path, monkeypatch):
    import forge

    monkeypatch.setattr(forge, "find_target", fail_to_write)
    monkeypatch.setattr(forge, "MTCNNFaceDetector", lambda size: None)
    with pytest.raises(OSError, match="No space left"):
        forge.forge({Path("a.mp4"): None}, ("self_blend",), tmp_path, load_params())


def test_annotate_does_not_take_trouble_of_the_machine_for_a_damaged_video(monkeypatch):
    from deepfake_detector.data.annotations import annotate_video as module

    monkeypatch.setattr(module, "track_faces", fail_to_write)
    video = module.VideoToAnnotate(Path("a.mp4"), 0, load_params().annotate)
    monkeypatch.setattr(module.VideoToAnnotate, "load_detector", lambda self: None)
    with pytest.raises(OSError, match="No space left"):
        module.annotate_video(video)


def test_annotations_that_the_machine_cannot_read_end_the_stage(data_set, monkeypatch):
    from deepfake_detector.data.annotations import reader

    monkeypatch.setattr(reader, "read_annotation_file", fail_to_write)
    assert "No space left" in run("validate", monkeypatch)
    assert not (data_set.folder / FOLDERS["validate"] / "annotations.csv").exists()
