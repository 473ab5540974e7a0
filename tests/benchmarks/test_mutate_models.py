import json
import random
import zipfile

from benchmarks.mutate_models import CONFIG, WEIGHTS, Loader, damage_model

from benchmarks import mutate_models


def test_checksums_of_a_damaged_model_are_right_and_one_part_differs(tmp_path):
    parts = {CONFIG: json.dumps({"class_name": "Functional", "config": {"layers": []}}).encode()}
    parts[WEIGHTS] = bytes(range(256))
    with zipfile.ZipFile(tmp_path / "whole.keras", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    damaged = set()
    for seed in range(40):
        part = damage_model(tmp_path / "whole.keras", tmp_path / "a.keras", random.Random(seed))
        with zipfile.ZipFile(tmp_path / "a.keras") as archive:
            assert archive.testzip() is None
            differing = {name for name in parts if archive.read(name) != parts[name]}
        assert differing <= {part}
        damaged |= differing
    assert damaged == {CONFIG, WEIGHTS}


def make_loader(monkeypatch, tmp_path, code):
    """Make a loader whose process runs other code."""
    script = tmp_path / "other.py"
    script.write_text(f"import sys, time\nprint(flush=True)\nsys.stdin.readline()\n{code}\n")
    monkeypatch.setattr(mutate_models, "__file__", str(script))
    return Loader()


def test_a_process_that_does_not_answer_is_ended(monkeypatch, tmp_path):
    loader = make_loader(monkeypatch, tmp_path, "time.sleep(60)")
    monkeypatch.setattr(mutate_models, "MAX_WAIT_SECONDS", 0.2)
    assert loader.load(tmp_path / "a.keras") == "no answer after 0.2 seconds"


def test_a_process_that_dies_is_told(monkeypatch, tmp_path):
    loader = make_loader(monkeypatch, tmp_path, "sys.exit(3)")
    assert loader.load(tmp_path / "a.keras") == "the process ended with 3"
