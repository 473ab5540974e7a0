import subprocess

import pytest

from deepfake_detector.mlflow_tracking.provenance import (
    hash_dvc_inputs,
    list_changed_files,
    read_git_commit,
)

PIPELINE = """\
stages:
  slice:
    deps: [data/videos, src/slice.py]
    outs: [frames]
  train:
    deps: [frames, data, src/train.py, later.csv]
"""
LOCK = """\
schema: '2.0'
stages:
  slice:
    cmd: python src/slice.py
    outs:
    - path: frames
      md5: 1111.dir
"""
DATA = "outs:\n- md5: 2222.dir\n  path: data\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with one committed file in it."""
    for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "dvc.lock").write_text("1")
    ask(tmp_path, "init", "-q")
    ask(tmp_path, "add", "-A")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    ask(tmp_path, *identity, "commit", "-q", "-m", "first")
    return tmp_path


def ask(folder, *question):
    subprocess.run(["git", *question], cwd=folder, check=True)


def test_the_inputs_are_hashed_by_data_files_and_earlier_stages(tmp_path):
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "data.dvc").write_text(DATA)
    assert hash_dvc_inputs("train", tmp_path) == {"frames": "1111.dir", "data": "2222.dir"}


def test_before_the_first_run_there_are_no_hashes(tmp_path):
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    assert hash_dvc_inputs("train", tmp_path) == {}


def test_the_commit_is_forty_digits(repository):
    assert len(read_git_commit(repository)) == 40


def test_a_clean_copy_has_no_changed_files(repository):
    assert list_changed_files(repository) == []


def test_changed_files_are_listed_but_for_what_dvc_writes(repository):
    (repository / "code.py").write_text("2")
    (repository / "dvc.lock").write_text("2")
    assert list_changed_files(repository) == ["code.py"]


def test_outside_of_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_git_commit(tmp_path) is None
    assert list_changed_files(tmp_path) == []
