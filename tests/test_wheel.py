"""The wheel: built here without a network, unpacked, and run away from the clone."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement

from code_map import PROJECT
from deepfake_detector.commands.dispatcher import COMMANDS, EXTRAS
from deepfake_detector.common.used_code import SOURCE, find_imported_names, find_used_modules

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAX_MEGABYTES = 95
CARD = '{"version": "of this test"}'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the project with a stand-in for the released detector, which DVC fetches."""
    clone = tmp_path_factory.mktemp("wheel") / "clone"
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, clone / "src", ignore=without)
    for name in ("pyproject.toml", "README.md", "LICENSE", "params.yaml"):
        shutil.copy(PROJECT / name, clone)
    (clone / "released").mkdir()
    (clone / "released/card.json").write_text(CARD)
    (clone / ".gitignore").write_text("/released\n")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", clone / "dist"]
    built = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = (clone / "dist").iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel):
    """The folder of the unpacked wheel; the clone it was built from is gone."""
    folder = wheel.parents[2] / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed, folder, *arguments):
    """Run a Python that finds the unpacked wheel, in another folder."""
    environment = {"PYTHONPATH": str(installed), "PATH": ""}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def dispatch(installed, folder, *arguments):
    """Run `deepfake-detector` with arguments, as its entry point does."""
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    entry_point = r"^deepfake-detector = (\S+):(\w+)$"
    module, function = re.search(entry_point, entry_points.read_text(), re.MULTILINE).groups()
    program = f"from {module} import {function}; {function}()"
    return run(installed, folder, "-c", program, *arguments)


def list_dependencies():
    """List the names of what the wheel asks for, with and without extras."""
    extras = [line for lines in SETTINGS["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*SETTINGS["dependencies"], *extras]]


def read_pins():
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([^ ]+)", text, re.MULTILINE))


def test_the_wheel_holds_the_package_its_data_the_commands_and_the_released_detector(installed):
    package = installed / "deepfake_detector"
    for path in (SOURCE / "deepfake_detector").rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            copied = package / path.relative_to(SOURCE / "deepfake_detector")
            assert copied.read_bytes() == path.read_bytes(), copied
    for command in COMMANDS:
        copied = package / "commands" / f"{command}.py"
        assert copied.read_bytes() == (SOURCE / f"{command}.py").read_bytes()
    assert (package / "released/card.json").read_text() == CARD
    assert (package / "config/params.yaml").read_text() == (PROJECT / "params.yaml").read_text()
    others = [path.name for path in installed.iterdir() if path != package]
    assert others == [f"deepfake_detector-{SETTINGS['version']}.dist-info"]


def test_the_wheel_is_small_with_the_released_detector(wheel):
    (released,) = re.findall(r"size: (\d+)", (PROJECT / "released.dvc").read_text())
    assert wheel.stat().st_size + int(released) < MAX_MEGABYTES * 1_000_000


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_takes(installed, tmp_path, command):
    said = dispatch(installed, tmp_path, command, "--help")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"usage: deepfake-detector {command} [-h]")


def test_a_command_that_is_not_there_is_named_with_those_that_are(installed, tmp_path):
    said = dispatch(installed, tmp_path, "train")
    assert said.returncode == 2
    assert "invalid choice: 'train'" in said.stderr
    assert "'predict'" in said.stderr


def test_the_version_is_the_one_of_the_project(installed, tmp_path):
    assert dispatch(installed, tmp_path, "--version").stdout == f"{SETTINGS['version']}\n"


FIND = """
from deepfake_detector.config.schema import INSTALLED_PARAMS, load_params
from deepfake_detector.inference.model_folders.model_files import (
    fetch_released,
    find_released_folder,
)
assert fetch_released()
print(INSTALLED_PARAMS, find_released_folder(), load_params().app.port, sep="\\n")
"""


def test_parameters_and_the_released_detector_are_found_without_a_clone(installed, tmp_path):
    package = installed / "deepfake_detector"
    found = run(installed, tmp_path, "-c", FIND).stdout.splitlines()
    assert found == [str(package / "config/params.yaml"), str(package / "released"), "7860"]


def test_those_of_the_folder_come_first(installed, tmp_path):
    params = (PROJECT / "params.yaml").read_text().replace("port: 7860", "port: 7861")
    (tmp_path / "params.yaml").write_text(params)
    (tmp_path / "released").mkdir()
    assert run(installed, tmp_path, "-c", FIND).stdout.splitlines()[1].startswith(str(installed))
    (tmp_path / "released/card.json").write_text(CARD)
    assert run(installed, tmp_path, "-c", FIND).stdout.splitlines()[1:] == ["released", "7861"]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_imports_is_asked_for(command):
    asked = {requirement.name.lower() for requirement in list_dependencies()}
    names = set().union(*map(find_imported_names, find_used_modules(SOURCE / f"{command}.py")))
    roots = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    known = packages_distributions()
    missing = {
        root
        for root in roots - {"deepfake_detector"}
        if not asked & {name.lower().replace("_", "-") for name in known[root]}
    }
    assert missing == set()


def test_a_range_has_the_version_that_is_tested():
    pins = read_pins()
    for requirement in list_dependencies():
        assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


def test_an_extra_is_named_by_what_it_brings():
    for module, extra in EXTRAS.items():
        brought = SETTINGS["optional-dependencies"][extra]
        assert any(line.startswith(module) for line in brought), module
