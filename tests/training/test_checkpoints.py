"""What a resumed training depends on: what `dvc.yaml` names for its stage, and nothing else."""

from pathlib import Path

import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.training.checkpoints import make_fingerprint

PARAMS = load_params(PROJECT / "params.yaml")
CODE = {"src/train.py": "aa"}
STAGE = {
    "deps": ["artifacts/list_code/train.json", "folder", "shards", "split.csv"],
    "params": ["seed", "train", "advanced.train", "advanced.evaluate.iou_threshold"],
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("artifacts/list_code/train.json", "folder/part", "shards/used", "shards/other",
                 "split.csv"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def change(**sections) -> Params:
    values = PARAMS.model_dump(by_alias=True)
    for section, changed in sections.items():
        values[section] |= changed
    return Params.model_validate(values)


def compute(params=PARAMS, code=CODE):
    return make_fingerprint(STAGE, params, [Path("shards/used")], code)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("folder/part", True),
        ("split.csv", True),
        ("shards/used", True),
        ("shards/other", False),  # of another split
        ("artifacts/list_code/train.json", False),  # the code itself is asked
    ],
)
def test_an_edit_of_what_the_stage_names_counts_and_no_other(project, name, counts):
    before = compute()
    assert compute() == before
    (project / name).write_text("changed")
    assert (compute() != before) == counts


def test_a_change_of_the_code_counts(project):
    assert compute(code=CODE | {"src/train.py": "bb"}) != compute()
    assert compute(code=CODE | {"src/new.py": "cc"}) != compute()


def test_a_change_of_a_named_parameter_counts_and_no_other(project):
    before = compute()
    assert compute(change(train={"epochs": 99})) != before
    assert compute(change(evaluate={"iou_threshold": 0.6})) != before
    assert compute(change(evaluate={"examples": 99})) == before
    assert compute(change(forge={"feather": 0.9})) == before
