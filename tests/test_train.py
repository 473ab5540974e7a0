"""What each machine of a training does; the training itself is in `tests/training`."""

import pytest

import train
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.training import replicas, ssd

PIPELINE = "stages:\n  train:\n    deps: []\n    params: [train]\n"


class Machine:
    """Stands for `Replicas`: a machine of two, and what it has compared."""

    machines = ("host1:1", "host2:2")

    def __init__(self, is_chief):
        self.is_chief, self.compared = is_chief, []

    def check_same_work(self, fingerprint):
        self.compared.append(fingerprint)


@pytest.fixture
def done(tmp_path, monkeypatch):
    """Run `train` in an empty folder; return what was done."""
    calls = []
    params = load_params()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    monkeypatch.setattr(train, "list_shards", lambda split: [])
    monkeypatch.setattr(train, "train_detector", lambda *given: calls.append(("train", given[1])))
    monkeypatch.setattr(ssd, "help_train_ssd", lambda *given: calls.append(("help", given[1])))

    def run(machine):
        monkeypatch.setattr(replicas, "find_replicas", lambda params: machine)
        train.train(params)
        return calls

    return run


def test_the_chief_and_one_machine_alone_do_all(done):
    chief = Machine(is_chief=True)
    assert done(chief) == [("train", Shards([], []))]
    assert done(None) == 2 * [("train", Shards([], []))]
    assert len(chief.compared[0]) == 64


def test_another_machine_helps_with_the_ssd_and_writes_nothing(done, tmp_path):
    helper = Machine(is_chief=False)
    assert done(helper) == [("help", [])]
    assert len(helper.compared) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["dvc.yaml"]
