import os
import signal
import subprocess
import sys
import time

import pytest

from code_map import PROJECT
from deepfake_detector.web.private_folder import PREFIX, open_private_folder, sweep

PROGRAM = """
import pathlib, sys, uvicorn
from starlette.applications import Starlette
from deepfake_detector.web.private_folder import open_private_folder
from deepfake_detector.web.server import listen
with open_private_folder() as folder, listen("127.0.0.1", 0) as listening:
    (folder / "upload.mp4").write_bytes(b"secret")
    server = uvicorn.Server(uvicorn.Config(Starlette(), log_level="warning"))
    pathlib.Path(sys.argv[1]).touch()
    server.run(sockets=[listening])
"""


@pytest.fixture
def parent(tmp_path, monkeypatch):
    """The folder that programs make their own in."""
    folder = tmp_path / "parent"
    folder.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def start(parent, tmp_path):
    started = tmp_path / "started"
    started.unlink(missing_ok=True)
    environment = os.environ | {"TMPDIR": str(parent), "PYTHONPATH": str(PROJECT / "src")}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(started)], env=environment)
    deadline = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)  # so that the server has its own handlers of signals
    return process


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_program_that_is_ended_leaves_nothing(parent, tmp_path, kind):
    process = start(parent, tmp_path)
    assert len(list(parent.iterdir())) == 1
    process.send_signal(kind)
    process.wait(timeout=60)
    assert list(parent.iterdir()) == []


def test_what_a_killed_program_left_is_deleted_by_the_next_one(parent, tmp_path):
    killed, running = start(parent, tmp_path), start(parent, tmp_path)
    assert len(list(parent.iterdir())) == 2
    killed.kill()
    killed.wait(timeout=60)
    with open_private_folder() as folder:
        assert len(list(parent.iterdir())) == 2  # its own and that of the program that runs
        assert folder in parent.iterdir()
        assert folder.stat().st_mode & 0o77 == 0
    assert len(list(parent.iterdir())) == 1
    running.terminate()
    running.wait(timeout=60)
    assert list(parent.iterdir()) == []


def test_a_folder_of_others_and_one_that_is_being_made_are_left_alone(tmp_path):
    (tmp_path / f"{PREFIX}young").mkdir()
    (tmp_path / f"{PREFIX}old").mkdir()
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "other")
    os.utime(tmp_path / f"{PREFIX}old", (1, 1))
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{PREFIX}young", f"{PREFIX}file", f"{PREFIX}link", "other",
    }  # fmt: skip
