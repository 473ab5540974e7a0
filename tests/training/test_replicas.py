"""Replicas on two devices or in two processes learn what one network learns of whole batches."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from tests.training.replica_program import train_and_watch
from tests.training.test_machines import MACHINES, find_free_addresses
from tests.training.test_ssd import PROJECT_PARAMS, change, draw_face

from code_map import PROJECT, SOURCE
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.training import replicas
from deepfake_detector.training.replicas import Replicas, find_replicas

PROGRAM = PROJECT / "tests/training/replica_program.py"
STEPS = 10
PARAMS = change(
    PROJECT_PARAMS,
    train__epochs=2,
    train__steps_per_epoch=STEPS,
    train__batch_size=4,
    train__init="none",
    train__validation_frames=1,
    train__optimizer__clip_norm=0.5,  # clips each step
    train__augmentation__expand_prob=0.0,
    train__augmentation__crop_prob=0.0,
    train__augmentation__recompress_prob=0.0,
    train__augmentation__downscale_prob=0.0,
)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Of eight images one has no face, so that parts of a batch differ in positive anchors."""
    folder = tmp_path_factory.mktemp("shards")
    paths = [folder / "real.mp4.tfrecord", folder / "fake.mp4.tfrecord"]
    for label, path in enumerate(paths, start=1):
        records = [vars(draw_face(label, place)) for place in range(4)]
        records[0] |= {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, int)}
        records[0] |= {"crops": [], "windows": np.zeros((0, 4), np.float32)}
        write_shard(path, [FrameRecord(**(each | {"video": path.stem})) for each in records])
    return paths


@pytest.fixture(scope="module")
def trained(shards, tmp_path_factory):
    """Folders of one process, of two devices, and of two processes on loopback."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "one").mkdir()
    alone = train_and_watch(folder / "one", PARAMS, Shards(shards, shards), "", stops=False)
    (folder / "one/losses.json").write_text(json.dumps(alone))
    wait(start(folder / "mirrored", shards, "mirrored", devices=2))
    addresses = find_free_addresses(2)
    workers = [
        start(folder / f"worker{index}", shards, "multi_worker", name_task(addresses, index))
        for index in range(2)
    ]
    wait(*workers)
    return folder


def wait(*processes):
    for process in processes:
        output = process.communicate(timeout=600)[0]
        assert process.returncode == 0, output[-3000:]


def start(folder, shards, strategy, config=None, devices=1):
    folder.mkdir()
    params = change(PARAMS, train__strategy=strategy).model_dump(by_alias=True)
    settings = {"params": params, "shards": [str(path) for path in shards]}
    settings |= {"devices": devices, "stops": bool(config), "fingerprint": 16 * "5a"}
    (folder / "settings.json").write_text(json.dumps(settings))
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"TF_CONFIG": json.dumps(config)} if config else {}
    command = [sys.executable, PROGRAM, folder]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment, **output)


WAIT_FOR_THE_CHIEF = """
import time
from pathlib import Path
import numpy as np
from deepfake_detector.config.schema import load_params
from deepfake_detector.training.replicas import find_replicas
train = load_params(Path("params.yaml")).train.model_copy(update={"strategy": "multi_worker"})
replicas = find_replicas(train)
print("connected", flush=True)
if replicas.is_chief:
    time.sleep(600)
replicas.broadcast(np.zeros(3))
"""


def name_task(addresses, index):
    return {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}


def read_losses(folder):
    return np.array(json.loads((folder / "losses.json").read_text()))


@pytest.mark.parametrize("name", ["mirrored", "worker0", "worker1"])
def test_twenty_steps_cost_what_they_cost_one_network_also_after_a_stop(trained, name):
    alone, together = read_losses(trained / "one"), read_losses(trained / name)
    assert len(alone) == 2 * STEPS
    assert alone[-1, 0] < alone[0, 0]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_the_chief_alone_writes(trained):
    files = {"detector.keras", "history.csv", "last.keras"}
    assert {path.name for path in (trained / "worker0/train").iterdir()} == files
    assert sorted(path.name for path in (trained / "worker1").iterdir()) == [
        "losses.json",
        "settings.json",
    ]


@pytest.mark.parametrize("name", ["mirrored", "worker0"])
def test_the_chief_validates_what_one_network_would(trained, name):
    alone, together = (pd.read_csv(trained / each / "train/history.csv") for each in ("one", name))
    assert together["epoch"].tolist() == [1, 2]
    for column in ("train_loss", "validation_loss", "learning_rate"):
        np.testing.assert_allclose(together[column], alone[column], rtol=1e-4)


def test_one_network_needs_no_replicas():
    assert find_replicas(PROJECT_PARAMS.train) is None


class ThreeReplicas:
    num_replicas_in_sync = 3


def test_a_batch_that_cannot_be_split_evenly_is_rejected_before_the_training(monkeypatch):
    three = Replicas(ThreeReplicas(), MACHINES, 1)
    monkeypatch.setattr(replicas, "_start_replicas", lambda strategy: three)
    params = change(PROJECT_PARAMS, train__strategy="mirrored", train__batch_size=16).train
    with pytest.raises(ValueError, match="16 images cannot be split evenly among 3 replicas"):
        find_replicas(params)
    params = params.model_copy(update={"batch_size": 18})
    assert find_replicas(params).share.parts == range(1, 2)


def test_machines_with_other_files_are_named(monkeypatch):
    prints = np.array([1.0, 2.0, 1.0])
    monkeypatch.setattr(Replicas, "_sum_over_machines", lambda self, own: prints)
    three = Replicas(ThreeReplicas(), MACHINES, 1)
    with pytest.raises(ValueError, match="code of host2:2 are not those of host1:1"):
        three.check_same_work(16 * "5a")
    prints[1] = 1.0
    three.check_same_work(16 * "5a")


def test_connected_machines_can_be_stopped_as_any_program():
    """TensorFlow would ignore SIGTERM, and Python Ctrl-C while a machine waits for the chief."""
    addresses = find_free_addresses(2)
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "CUDA_VISIBLE_DEVICES": ""}
    chief, helper = (
        subprocess.Popen(
            [sys.executable, "-c", WAIT_FOR_THE_CHIEF],
            env=environment | {"TF_CONFIG": json.dumps(name_task(addresses, index))},
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for index in range(2)
    )
    try:
        for process in (chief, helper):
            assert process.stdout.readline() == "connected\n"
        time.sleep(1)  # so that the helper waits
        for process, kind in ((helper, signal.SIGINT), (chief, signal.SIGTERM)):
            process.send_signal(kind)
            assert process.wait(timeout=30) == -kind
    finally:
        for process in (chief, helper):
            process.kill()
            process.communicate()
