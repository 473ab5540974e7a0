from pathlib import Path

import pytest
import yaml

import release
from deepfake_detector.common.files import write_json
from deepfake_detector.export.folders import write_checksums
from deepfake_detector.mlflow_tracking import hash_dvc_inputs
from deepfake_detector.training.make_release import name_start


def test_the_work_folder_has_the_pipeline_that_a_training_reads(tmp_path, monkeypatch):
    for _ in range(2):  # a stopped release goes on
        release.copy_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert hash_dvc_inputs("train") == {}
    stage = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]
    assert "artifacts/split/train.csv" in stage["deps"]


def test_a_method_is_read_with_its_folder_and_kind():
    assert release.parse_method("mine=SimSwap:face swap") == ("mine", ("SimSwap", "face swap"))


def test_a_run_that_goes_on_starts_from_the_release_it_began_with(tmp_path, monkeypatch):
    project, work = tmp_path / "project", tmp_path / "work"
    (project / "released").mkdir(parents=True)
    card = {"version": "0.1", "sha256": {"detector": "aa"}}
    write_json(card, project / "released/card.json")
    monkeypatch.setattr(release, "PROJECT", project)
    release.keep_last_release(work)
    write_json(card | {"version": "0.2"}, project / "released/card.json")
    release.keep_last_release(work)
    assert name_start(work, "released") == "released 0.1, detector aa"
    assert name_start(work, "imagenet") == "imagenet"


def write_networks(folder, weights):
    folder.mkdir(parents=True)
    (folder / "weights.npz").write_bytes(weights)
    (folder / "model.json").write_text("{}")
    write_checksums(folder)


def test_networks_that_are_kept_are_whole_and_those_of_the_last_release(tmp_path, monkeypatch):
    project, work = tmp_path / "project", tmp_path / "work"
    monkeypatch.setattr(release, "PROJECT", project)
    write_networks(project / "released", b"second")
    release.keep_last_release(work)
    release.check_kept(work)
    (work / "released/weights.npz").write_bytes(b"secon")
    with pytest.raises(ValueError, match=r"weights\.npz: its SHA-256 is not the one in"):
        release.check_kept(work)


def test_a_folder_that_began_with_an_earlier_release_keeps_no_networks(tmp_path, monkeypatch):
    project, work = tmp_path / "project", tmp_path / "work"
    monkeypatch.setattr(release, "PROJECT", project)
    write_networks(work / "released", b"first")
    release.check_kept(work)  # there is no other
    write_networks(project / "released", b"second")
    release.keep_last_release(work)
    with pytest.raises(ValueError, match=r"networks of an earlier release .* --work another"):
        release.check_kept(work)


def test_a_training_that_goes_on_has_the_commit_it_began_with(tmp_path, monkeypatch):
    monkeypatch.setattr(release.mlflow_tracking, "read_git_commit", lambda folder: "aa")
    assert release.remember_commit(tmp_path) == "aa"
    monkeypatch.setattr(release.mlflow_tracking, "read_git_commit", lambda folder: "bb")
    assert release.remember_commit(tmp_path) == "aa"
    assert release.read_commit() == "bb"


def test_without_a_release_there_is_nothing_to_start_from(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "PROJECT", tmp_path)
    with pytest.raises(ValueError, match="released: not here; run `dvc pull released`"):
        release.keep_last_release(tmp_path / "work")
