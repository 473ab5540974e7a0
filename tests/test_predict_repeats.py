"""Two runs of `predict` on one clip, each a process of its own, with a really saved detector."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clips import make_frame, write_clip
from code_map import PROJECT
from small_detector import save_small_model

TIMES = re.compile(rb',\n "times": \{[^}]*\}')


@pytest.fixture
def command(tmp_path):
    """The command that judges a clip whose face changes from frame to frame."""
    noise = np.random.default_rng(0).integers(0, 60, (120, 160, 3), np.uint8)
    frames = [
        make_frame([("fake", (30, 20, 130, 100))], gray=90) // 2
        + np.roll(noise, 3 * number, axis=1)
        for number in range(24)
    ]
    clip = write_clip(tmp_path / "a.mp4", frames)
    model = save_small_model(tmp_path / "model")
    script = PROJECT / "src/predict.py"
    return [sys.executable, script, clip, "--frame-stride", "1", "--model", model]


@pytest.mark.slow
def test_two_runs_write_the_same_bytes_but_for_one_field_of_times(command, tmp_path):
    texts = []
    for out in (tmp_path / "one", tmp_path / "two"):
        done = subprocess.run(
            [*command, "--out", out], cwd=PROJECT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        texts.append(Path(out, "a", "verdict.json").read_bytes())
    assert all(len(TIMES.findall(text)) == 1 for text in texts)
    assert TIMES.sub(b"", texts[0]) == TIMES.sub(b"", texts[1])
    record = json.loads(texts[0])
    hashes = [record["model"][part] for part in ("detector", "classifier", "calibration")]
    assert all(len(digest) == 64 for digest in hashes)  # three real files
    assert (
        len({row["fake_score"] for row in record["tracks"][0]["time_line"]}) > 1
    )  # not a constant
