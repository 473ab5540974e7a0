"""`mlflow run .` as typed: the entries exist, and the environment is found, not made again."""

import re
import sys
from pathlib import Path

import pytest
import start
import yaml

from code_map import PACKAGE, PROJECT

MLPROJECT = yaml.safe_load((PROJECT / "MLproject").read_text(encoding="utf-8"))
ENTRIES = MLPROJECT["entry_points"]


def test_the_entries_are_those_of_the_design():
    assert {"main", "predict", "app", "annotate", "forge"} <= ENTRIES.keys()


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_calls_a_script_with_the_parameters_it_names(entry):
    command = ENTRIES[entry]["command"]
    assert (PROJECT / re.match(r"python (src/\w+\.py)", command)[1]).is_file()
    named = re.findall(r"{(\w+)}", command)
    assert sorted(named) == sorted(ENTRIES[entry].get("parameters", {}))


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_uses_options_that_its_script_has(entry):
    command = ENTRIES[entry]["command"]
    script = PROJECT / re.match(r"python (src/\w+\.py)", command)[1]
    code = script.read_text(encoding="utf-8")
    if "add_model_options(parser)" in code:
        code += (PACKAGE / "inference/model_folders/model_options.py").read_text(encoding="utf-8")
    assert [
        option for option in re.findall(r"--[\w-]+", command) if f'"{option}"' not in code
    ] == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_entry_repeats_a_value_of_params(entry):
    for parameter in ENTRIES[entry].get("parameters", {}).values():
        has_default = not isinstance(parameter, str)
        assert not has_default or parameter["default"] == "auto"


def test_mlflow_finds_the_environment_that_start_made(tmp_path, monkeypatch):
    """What start.py asks MLflow is what `mlflow run` looks for; or else it would call pyenv."""
    from mlflow.projects import _project_spec
    from mlflow.utils.environment import _PythonEnv
    from mlflow.utils.virtualenv import _create_virtualenv, _get_virtualenv_name

    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path))
    monkeypatch.setattr(start, "VENV", Path(sys.prefix))
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    start.link_for_mlflow(start.ask_environment()["mlflow"])
    project = _project_spec.load_project(PROJECT)
    environment = _PythonEnv.from_yaml(project.env_config_path)
    folder = tmp_path / _get_virtualenv_name(environment, PROJECT)
    activate = _create_virtualenv(PROJECT, environment, folder, env_manager="virtualenv")
    assert activate == f"source {folder}/bin/activate"
    assert folder.resolve() == Path(sys.prefix).resolve()
