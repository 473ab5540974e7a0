"""Several videos at once: the same as one by one, nothing made twice, nothing lost."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clips import FACE_PX, make_frame, write_clip
from cluster_tasks import StandIn
from code_map import PROJECT
from deepfake_detector.batch import analyze_input
from deepfake_detector.batch.inputs import Output, list_inputs, plan_inputs
from deepfake_detector.batch.run import analyze_all, fit_to_memory
from deepfake_detector.common.addresses import parse_place
from deepfake_detector.common.parallel import Workers

TIMES = re.compile(rb',\n "times": \{[^}]*\}')


@pytest.fixture(autouse=True)
def _loaded_anew():
    analyze_input.load_once.cache_clear()
    yield
    analyze_input.load_once.cache_clear()


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder with a fake, a real face, and what is no video."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("fake", "real"):
        write_clip(folder / f"{name}.mp4", [make_frame([(name, FACE_PX)])] * 8)
    (folder / "broken.mp4").write_text("no video")
    return folder


def run(inputs, out, count=1, score=0.5, has_video=True, **options):
    """Predict with a stand-in for the model; return verdicts.csv."""
    output = Output(parse_place(str(out)), score, has_video=has_video)
    tasks = plan_inputs(list_inputs([parse_place(str(place)) for place in inputs]), output)
    analyze_all(tasks, StandIn.of(frame_stride=1, **options), Workers(count), output)
    return read_verdicts(out) if isinstance(out, Path) else None


def read_verdicts(out):
    return pd.read_csv(out / "verdicts.csv", keep_default_na=False)


def read_results(out):
    """Everything that lies in a folder of results and does not tell of time."""
    names = ("*/verdict.json", "*/report.html", "faces.*", "rejected.csv")
    paths = [path for name in names for path in out.glob(name)]
    return {path.relative_to(out): TIMES.sub(b"", path.read_bytes()) for path in paths}


def watch(monkeypatch):
    """Collect the names of the files that are analyzed."""
    analyze, seen = analyze_input.DeepfakePredictor.analyze, []

    def note(self, path, progress):
        seen.append(path.name)
        return analyze(self, path, progress)

    monkeypatch.setattr(analyze_input.DeepfakePredictor, "analyze", note)
    return seen


def test_two_processes_write_what_one_writes(clips, tmp_path):
    one, two = run([clips], tmp_path / "one"), run([clips], tmp_path / "two", count=2)
    assert read_results(tmp_path / "two") == read_results(tmp_path / "one")
    assert len(read_results(tmp_path / "one")) == 2 + 2 + 2 + 1
    columns = ["video", "answer", "probability", "reason", "model", "file_sha256", "error"]
    assert two[columns].equals(one[columns])


def test_the_table_has_a_row_for_each_video_and_a_broken_one_its_reason(clips, tmp_path):
    verdicts = run([clips], tmp_path / "out").set_index("video")
    assert verdicts["answer"].tolist() == ["", "likely fake", "likely real"]
    assert "not a video" in verdicts["error"][str(clips / "broken.mp4")]
    fake = verdicts.loc[str(clips / "fake.mp4")]
    record = json.loads((tmp_path / "out/fake/verdict.json").read_text())
    assert (float(fake["probability"]), fake["reason"]) == (
        record["probability"],
        record["reason"],
    )
    assert (fake["file_sha256"], fake["error"]) == (record["file_sha256"], "")


def test_what_is_finished_is_not_made_again(clips, tmp_path, monkeypatch):
    first = run([clips], tmp_path / "out")
    before = read_results(tmp_path / "out")
    seen = watch(monkeypatch)
    again = run([clips], tmp_path / "out")
    assert seen == ["broken.mp4"]
    assert again.equals(first)  # seconds_taken, too: those of the analysis
    assert read_results(tmp_path / "out") == before


def test_another_file_option_model_or_a_lost_result_is_made_again(clips, tmp_path, monkeypatch):
    for clip in clips.glob("*.mp4"):
        (tmp_path / clip.name).write_bytes(clip.read_bytes())
    fake, real, out = tmp_path / "fake.mp4", tmp_path / "real.mp4", tmp_path / "out"
    run([fake, real], out)
    seen = watch(monkeypatch)
    write_clip(fake, [make_frame([("real", FACE_PX)])] * 8)
    assert run([fake, real], out)["answer"].tolist() == ["likely real", "likely real"]
    assert seen == ["fake.mp4"]
    (out / "real/report.html").unlink()
    run([fake, real], out)
    assert seen == ["fake.mp4", "real.mp4"]
    run([real], out, score=0.6)
    run([real], out, max_frames=5, score=0.6)
    assert seen[2:] == ["real.mp4"] * 2
    run([real], out, max_frames=5, score=0.6, has_video=False)
    assert not (out / "real/annotated.mp4").exists()
    run([real], out, max_frames=5, score=0.6)
    assert seen[4:] == ["real.mp4"] * 2
    load = StandIn.load

    def load_another(self):
        predictor = load(self)
        object.__setattr__(predictor.model.identity, "calibration", "another")
        return predictor

    identity = load(StandIn.of(frame_stride=1)).model.identity
    before = identity.calibration
    try:
        analyze_input.load_once.cache_clear()
        monkeypatch.setattr(StandIn, "load", load_another)
        run([real], out, max_frames=5, score=0.6)
    finally:
        object.__setattr__(identity, "calibration", before)
    assert seen[6:] == ["real.mp4"]


def test_a_video_that_kills_its_process_is_one_row_and_the_others_are_there(clips, tmp_path):
    pink = np.full((120, 160, 3), (255, 90, 255), np.uint8)
    killer = write_clip(tmp_path / "killer.mp4", [pink] * 8)
    verdicts = run([clips, killer], tmp_path / "out", count=2).set_index("video")
    assert verdicts["answer"].tolist() == ["", "likely fake", "likely real", ""]
    assert "killed, perhaps for lack of memory" in verdicts["error"][str(killer)]
    assert len(pd.read_csv(tmp_path / "out/rejected.csv")) == 2


def test_a_model_that_is_not_there_leaves_the_tables_of_an_earlier_run(clips, tmp_path):
    first = run([clips], tmp_path / "out")
    with pytest.raises(TypeError):
        run([clips], tmp_path / "out", unknown=1)
    assert read_verdicts(tmp_path / "out").equals(first)


STOPPED = """
import sys, time
from pathlib import Path
sys.path[:0] = ["tests", "src"]
from cluster_tasks import StandIn
from deepfake_detector.batch.inputs import Output, plan_inputs
from deepfake_detector.batch.run import analyze_all
from deepfake_detector.common import cli
from deepfake_detector.common.parallel import Workers

if __name__ == "__main__":
    output = Output(Path(sys.argv[1]), 0.5)
    tasks = plan_inputs([Path(name) for name in sys.argv[2:]], output)
    options = StandIn.of(frame_stride=1)
    cli.run("predict", lambda: analyze_all(tasks, options, Workers(2), output))
"""


def test_ctrl_c_writes_what_is_there(clips, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    long = write_clip(tmp_path / "long.mp4", (np.roll(noise, n, 1) for n in range(200)))
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED)
    out, fake = tmp_path / "out", clips / "fake.mp4"
    command = [sys.executable, script, out, fake, long]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 90
    while not (out / ".finished/fake.json").is_file():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)  # the parent has heard of it
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert read_verdicts(out)["video"].tolist() == [str(fake)]
    assert "videos/h" in errors
    assert read_verdicts(out)["answer"].tolist() == ["likely fake"]


def test_memory_bounds_the_number_of_processes():
    assert fit_to_memory(8, None) == 8
    assert fit_to_memory(8, 7 * 10**9) == 3
    assert fit_to_memory(2, 7 * 10**9) == 2
    assert fit_to_memory(8, 10**9) == 1


def test_inputs_and_results_lie_elsewhere_and_nothing_stays_here(clips, tmp_path, monkeypatch):
    import fsspec

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir(mode=0o700)
    storage = fsspec.filesystem("memory")
    storage.put(str(clips), "/bucket/clips", recursive=True)
    local = run([clips], tmp_path / "out")
    seen = watch(monkeypatch)
    for _ in range(2):
        run(["memory://bucket/clips"], "memory://bucket/out")
    assert seen == ["broken.mp4", "fake.mp4", "real.mp4", "broken.mp4"]
    assert list((tmp_path / "temporary").iterdir()) == []
    storage.get("/bucket/out/", str(tmp_path / "copied"), recursive=True)
    copied = read_verdicts(tmp_path / "copied")
    assert copied["video"].tolist()[1:] == [
        "memory:///bucket/clips/fake.mp4",
        "memory:///bucket/clips/real.mp4",
    ]
    assert "broken.mp4: not a video" in copied["error"][0]
    assert str(tmp_path) not in copied["error"][0]
    assert copied["answer"].tolist() == local["answer"].tolist()
    name = Path("fake/verdict.json")
    assert read_results(tmp_path / "copied")[name] == read_results(tmp_path / "out")[name]
    storage.rm("/bucket", recursive=True)


def test_an_address_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere://a/b\.mp4: Protocol not known"):
        run(["nowhere://a/b.mp4"], tmp_path / "out")
    verdicts = run(["memory://bucket/gone.mp4"], tmp_path / "out")
    assert verdicts["error"][0].startswith("memory://bucket/gone.mp4: ")
