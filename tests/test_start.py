import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import start

from code_map import PROJECT

LOCK = """\
uvicorn==0.54.0 \\
    --hash=sha256:aa
    # via mlflow
uv==0.13.9 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via -r requirements.in
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A project folder with nothing but the files that decide what is installed."""
    for name in ("requirements.lock", "python_env.yaml", "start.py"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(start, "PROJECT", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "STAMP", tmp_path / ".venv" / "project.json")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "environments"))
    (tmp_path / ".venv").mkdir()
    return tmp_path


@pytest.fixture
def steps(elsewhere, monkeypatch):
    """The steps of the set-up, noted instead of done."""
    noted = []
    monkeypatch.setattr(start, "make_environment", lambda is_fresh: noted.append("make"))
    monkeypatch.setattr(start, "install", lambda lock: noted.append(lock.name))
    metadata = {"packages": str(elsewhere), "mlflow": "mlflow-1"}
    monkeypatch.setattr(start, "ask_environment", lambda: metadata)
    return noted


def test_without_a_command_it_explains_itself(capsys):
    assert start.main([]) == 2
    assert "python3 start.py dvc repro --pull" in capsys.readouterr().out


def test_the_environment_is_made_once(steps):
    start.set_up(None)
    start.set_up(None)
    assert steps == ["make", "requirements.lock"]


def test_it_is_made_again_when_the_lock_changes(steps, elsewhere):
    start.set_up(None)
    (elsewhere / "requirements.lock").write_text("other")
    start.set_up(None)
    assert steps == ["make", "requirements.lock"] * 2


def test_an_interrupted_set_up_is_repeated(steps, monkeypatch):
    def stop(lock):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(start, "install", stop)
        with pytest.raises(KeyboardInterrupt):
            start.set_up(None)
    start.set_up(None)
    assert steps == ["make", "make", "requirements.lock"]


def test_a_moved_project_makes_its_own(steps, monkeypatch, elsewhere):
    start.set_up(None)
    monkeypatch.setattr(start, "VENV", elsewhere / "moved" / ".venv")
    start.set_up(None)
    assert steps == ["make", "requirements.lock"] * 2


def test_the_gpu_build_stays_until_the_cpu_build_is_asked_for(steps, elsewhere, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    (elsewhere / "requirements-gpu.lock").write_text("gpu")
    for wanted in ("gpu", None, "cpu", None):
        start.set_up(wanted)
    assert steps == ["make", "requirements-gpu.lock", "make", "requirements.lock"]


def test_no_gpu_build_elsewhere_than_on_linux(steps, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(start.SetUpError, match="exists for Linux only"):
        start.set_up("gpu")
    assert steps == []


def test_pip_takes_over_where_uv_fails(elsewhere, monkeypatch):
    def fail(lock):
        raise subprocess.CalledProcessError(2, ["uv"])

    commands = []
    monkeypatch.setattr(start, "install_with_uv", fail)
    monkeypatch.setattr(subprocess, "call", lambda command: commands.append(command) or 0)
    start.install(elsewhere / "requirements.lock")
    assert commands[0][1:5] == ["-m", "pip", "install", "--require-hashes"]


def test_no_network_is_told(elsewhere, monkeypatch):
    def fail(lock):
        raise subprocess.CalledProcessError(2, ["uv"])

    monkeypatch.setattr(start, "install_with_uv", fail)
    monkeypatch.setattr(subprocess, "call", lambda command: 1)
    with pytest.raises(start.SetUpError, match="needs the network on the first call"):
        start.install(elsewhere / "requirements.lock")


def test_uv_is_cut_out_of_the_lock_with_its_hashes():
    expected = "uv==0.13.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    assert start.cut_out("uv", LOCK) == expected


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-gpu.lock"])
def test_each_lock_pins_uv(lock):
    assert start.cut_out("uv", (PROJECT / lock).read_text()).count("--hash=sha256:") > 5


def test_mlflow_finds_the_environment_under_its_name(elsewhere):
    start.link_for_mlflow("mlflow-1")
    start.link_for_mlflow("mlflow-1")
    link = elsewhere / "environments" / "mlflow-1"
    assert link.readlink() == start.VENV
    assert [path.name for path in link.parent.iterdir()] == ["mlflow-1"]


@pytest.mark.parametrize("other", ["gone", "."])
def test_a_link_of_another_copy_is_taken_over(elsewhere, other):
    (elsewhere / "environments").mkdir()
    (elsewhere / "environments" / "mlflow-1").symlink_to(elsewhere / other)
    start.link_for_mlflow("mlflow-1")
    assert (elsewhere / "environments" / "mlflow-1").readlink() == start.VENV


def test_a_folder_that_mlflow_made_itself_stays(elsewhere):
    made = elsewhere / "environments" / "mlflow-1"
    made.mkdir(parents=True)
    start.link_for_mlflow("mlflow-1")
    assert made.is_dir()
    assert not made.is_symlink()


def test_a_home_that_cannot_be_written_is_no_obstacle(elsewhere, monkeypatch, capsys):
    (elsewhere / "file").write_text("")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(elsewhere / "file" / "below"))
    start.link_for_mlflow("mlflow-1")
    assert "--env-manager local" in capsys.readouterr().err


def test_a_python_that_does_not_fit_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setenv("PATH", "")
    assert start.main(["pytest"]) == 1
    assert "needs Python 3.11 to 3.13" in capsys.readouterr().err


def test_a_command_that_is_not_there_is_told(elsewhere):
    with pytest.raises(start.SetUpError, match="no-such-command: no such command"):
        start.run(["no-such-command"])


def test_each_python_of_the_environment_finds_its_own_commands_first():
    code = "import os, json, start; exec(start.AT_START); print(json.dumps(dict(os.environ)))"
    environment = {"PATH": "/usr/bin", "MLFLOW_WORKERS": "3", "PYTHONPATH": str(PROJECT)}
    said = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, check=True
    ).stdout
    found = json.loads(said)
    assert found["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/usr/bin"
    assert found["MLFLOW_WORKERS"] == "3"  # the user's own value
    assert found["DVC_NO_ANALYTICS"] == "true"


def read_no_scm(folder):
    local = folder / ".dvc/config.local"
    return "no_scm" in local.read_text() if local.is_file() else False


def test_dvc_works_in_an_unpacked_zip_and_with_git_again_once_there_is_one(
    elsewhere, monkeypatch, capsys
):
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    (elsewhere / ".dvc").mkdir()
    (elsewhere / ".dvc/config").write_text("[core]\n    analytics = false\n")
    for _ in range(2):
        start.let_dvc_work_without_git()
        assert read_no_scm(elsewhere)
    assert capsys.readouterr().err.count("no git repository here") == 1
    (elsewhere / ".git").mkdir()
    start.let_dvc_work_without_git()
    assert not read_no_scm(elsewhere)
