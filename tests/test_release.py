from pathlib import Path

import pytest
import yaml

import release
from deepfake_detector.common.files import write_json
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


def test_without_a_release_there_is_nothing_to_start_from(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "PROJECT", tmp_path)
    with pytest.raises(ValueError, match="released: not here; run `dvc pull released`"):
        release.keep_last_release(tmp_path / "work")
