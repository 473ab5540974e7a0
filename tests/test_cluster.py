"""A Dask cluster of two processes on loopback: as one machine, also where a worker is killed."""

import io
import os
import signal
import threading
import time

import numpy as np
import pytest
from tests.data_set import DataSet
from tests.test_extract_frames import FOLDER, read_files, run, set_params
from tqdm import tqdm

import extract_frames
import validate
from clips import FACE_PX, make_frame, write_clip
from cluster_tasks import BrightVideo, StandIn
from code_map import PROJECT
from deepfake_detector.batch.inputs import Output, plan_inputs
from deepfake_detector.batch.run import analyze_all
from deepfake_detector.common import cluster as project_cluster
from deepfake_detector.common.parallel import Workers, run_tasks
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.annotations.annotate_video import annotate_video
from parallel_tasks import die_of_seven, write_slowly

SETTINGS = {
    "distributed.scheduler.allowed-failures": 2,
    "distributed.logging.distributed": "error",
}


@pytest.fixture(scope="module")
def cluster():
    dask = pytest.importorskip("dask")
    from distributed import LocalCluster

    with (
        dask.config.set(SETTINGS),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        yield cluster


def kill_worker_when(cluster, is_time):
    """Kill a worker as soon as something is so; return the thread that waits for it."""

    def kill():
        while not is_time():
            time.sleep(0.01)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_results_are_there_once_though_a_worker_is_killed_half_way(cluster, tmp_path):
    items = [(number, tmp_path) for number in range(30)]
    killing = kill_worker_when(cluster, lambda: len(list(tmp_path.iterdir())) > 8)
    workers = Workers(1, cluster.scheduler_address)
    with tqdm(total=300, file=io.StringIO()) as bar:
        results = list(run_tasks(write_slowly, items, workers, bar))
    killing.join()
    assert sorted(results) == [(number, number) for number in range(30)]
    assert bar.n == 300
    assert len({path.name.split("_")[1] for path in tmp_path.iterdir()}) >= 2


def test_an_item_that_kills_each_worker_has_a_result_of_its_own(cluster, monkeypatch):
    monkeypatch.setattr(project_cluster, "LOST_SECONDS", 10)
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 1)
    workers = Workers(1, cluster.scheduler_address)
    with tqdm(disable=True) as bar:
        results = run_tasks(die_of_seven, [1, 7, 2], workers, bar, lambda item: f"of {item}")
        assert dict(results) == {0: 1, 1: "of 7", 2: 4}


def test_shards_are_the_same_bytes_though_a_worker_is_killed(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set = DataSet(tmp_path, frames=20)
    set_params(data_set, frame_stride=2)
    run(validate, monkeypatch)
    run(extract_frames, monkeypatch)
    alone = read_files(data_set)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    killing = kill_worker_when(cluster, lambda: list((tmp_path / FOLDER).glob("*.tfrecord")))
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
    run(extract_frames, monkeypatch)
    killing.join()
    assert read_files(data_set) == alone
    assert len(alone) == 2 * 6 + 3


def test_verdicts_are_those_of_one_machine(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    places = [
        write_clip(tmp_path / f"{name}.mp4", [make_frame([(name, FACE_PX)])] * 8)
        for name in ("fake", "real")
    ]
    from tests.batch.test_run import read_results, read_verdicts

    for name, workers in {"one": Workers(1), "two": Workers(1, cluster.scheduler_address)}.items():
        output = Output(tmp_path / name, 0.5)
        analyze_all(plan_inputs(places, output), StandIn.of(frame_stride=1), workers, output)
    assert read_results(tmp_path / "two") == read_results(tmp_path / "one")
    table, there = read_verdicts(tmp_path / "one"), read_verdicts(tmp_path / "two")
    assert there["answer"].tolist() == ["likely fake", "likely real"]
    assert there.drop(columns="seconds_taken").equals(table.drop(columns="seconds_taken"))


def test_annotations_come_with_the_index_of_their_video(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    bright = write_clip(tmp_path / "bright.mp4", [np.full((48, 64, 3), 250, np.uint8)] * 8)
    (tmp_path / "broken.mp4").write_text("no video")
    paths = [tmp_path / "broken.mp4", bright]
    videos = [BrightVideo(path, 1, load_params().annotate) for path in paths]
    workers = Workers(1, cluster.scheduler_address)
    with tqdm(disable=True) as bar:
        results = dict(run_tasks(annotate_video, videos, workers, bar))
    assert "broken.mp4" in results[0].problem
    assert (results[1].video.name, results[1].video.frames) == ("bright.mp4", 8)
    assert len(results[1].video.tracks) == 1


def test_a_worker_with_other_code_is_named(cluster, tmp_path, monkeypatch):
    own = project_cluster.describe_surroundings(str(tmp_path))
    others = tuple((n, "0" if n in ("av", "the code") else v) for n, v in own.versions)
    other = project_cluster.Surroundings(own.folder, others)
    monkeypatch.setattr(project_cluster, "describe_surroundings", lambda folder: other)
    workers = Workers(1, cluster.scheduler_address)
    message = r"another version of the code \(\w{12}, not 0\), av \([\d.]+, not 0\); install"
    with tqdm(disable=True) as bar, pytest.raises(ValueError, match=message):
        list(run_tasks(write_slowly, [(1, tmp_path)], workers, bar))


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(project_cluster, "CONNECT_SECONDS", 0.5)
    workers = Workers(1, "tcp://127.0.0.1:9")
    with (
        tqdm(disable=True) as bar,
        pytest.raises(ValueError, match=r"no Dask scheduler answers .* `dask scheduler`"),
    ):
        list(run_tasks(write_slowly, [(1, "")], workers, bar))
