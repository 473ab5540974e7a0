from pathlib import Path

import yaml

import release
from deepfake_detector.mlflow_tracking import hash_dvc_inputs


def test_the_work_folder_has_the_code_that_a_training_depends_on(tmp_path, monkeypatch):
    for _ in range(2):  # a stopped release goes on
        release.link_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert hash_dvc_inputs("train") == {}
    stage = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]
    code = [dep for dep in stage["deps"] if dep.startswith("src/")]
    assert code
    assert [dep for dep in code if not Path(dep).exists()] == []


def test_a_method_is_read_with_its_folder_and_kind():
    assert release.parse_method("mine=SimSwap:face swap") == ("mine", ("SimSwap", "face swap"))
