"""The project's own rules: a name per stage, deps as imported, who may know what, pins in step."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from code_map import PROJECT, find_read_sections, list_modules, list_scripts
from deepfake_detector.common.used_code import (
    PACKAGE,
    TELLS_ONLY,
    find_imported_names,
    find_used_modules,
    hash_used_code,
)
from deepfake_detector.config.schema import ADVANCED, Params, load_params

PIPELINE = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))
CODE_LISTS = PIPELINE["stages"]["list_code"]
STAGES = {name: stage for name, stage in PIPELINE["stages"].items() if name != "list_code"}
LOCKS = ["requirements.lock", "requirements-gpu.lock"]


def list_used_code(stage):
    return set(hash_used_code(PROJECT / f"src/{stage}.py"))


def list_param_sections():
    return {field.alias or name for name, field in Params.model_fields.items()}


def read_pins(lock):
    """Versions by package; a package pinned differently for different Pythons has several."""
    pins = {}
    for line in (PROJECT / lock).read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([a-z0-9][\w.-]*)==([^ ]+)", line):
            pins.setdefault(found[1], set()).add(found[2])
    return pins


# Stages


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_its_script_its_section_and_its_folder(stage):
    assert STAGES[stage]["cmd"] == f"python src/{stage}.py"
    assert (PROJECT / f"src/{stage}.py").is_file()
    assert stage in list_param_sections()
    outs = [*STAGES[stage]["outs"], *STAGES[stage].get("metrics", [])]
    paths = [next(iter(out)) if isinstance(out, dict) else out for out in outs]
    assert [path for path in paths if not f"{path}/".startswith(f"artifacts/{stage}/")] == []


def test_the_stages_are_those_of_the_design():
    assert list(STAGES) == [
        "validate",
        "extract_frames",
        "split",
        "train",
        "evaluate",
        "calibrate",
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_list_of_its_code(stage):
    path = f"artifacts/list_code/{stage}.json"
    assert path in CODE_LISTS["outs"]
    assert stage in CODE_LISTS["cmd"].split()
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("src", "artifacts/list_code"))]
    assert code == [path]


def test_the_lists_depend_on_all_code():
    assert CODE_LISTS["deps"] == ["src"]
    assert len(CODE_LISTS["outs"]) == len(STAGES)


def test_a_stage_uses_what_it_imports_through_others():
    used = list_used_code("train")
    assert {"src/train.py", "src/deepfake_detector/models/ssd/loss.py"} <= used
    assert "src/deepfake_detector/mlflow_tracking/runs.py" not in used


def test_a_stage_that_runs_a_model_of_the_package_names_its_file():
    assert "src/deepfake_detector/faces/face_mesh.onnx" in list_used_code("extract_frames")


@pytest.mark.parametrize("stage", STAGES)
def test_params_name_each_section_that_is_read_and_no_other(stage):
    used = find_used_modules(PROJECT / f"src/{stage}.py")
    read = set().union(
        *(find_read_sections(path) for path in used if TELLS_ONLY not in path.parents)
    )
    names = [name.removeprefix(f"{ADVANCED}.") for name in STAGES[stage]["params"]]
    assert {name.split(".")[0] for name in names} == read & list_param_sections()


@pytest.mark.parametrize("stage", STAGES)
def test_a_section_that_is_named_is_named_with_what_is_advanced_in_it(stage):
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    names = STAGES[stage]["params"]
    both = params.keys() & params[ADVANCED].keys()
    for section in both & {name.removeprefix(f"{ADVANCED}.") for name in names}:
        assert {section, f"{ADVANCED}.{section}"} <= set(names)


@pytest.mark.parametrize("stage", STAGES)
def test_each_data_dep_is_brought_by_dvc_or_made_by_an_earlier_stage(stage):
    made = {"data", "released", *CODE_LISTS["outs"]}
    for earlier in list(STAGES)[: list(STAGES).index(stage)]:
        outs = [*STAGES[earlier]["outs"], *STAGES[earlier].get("metrics", [])]
        made |= {next(iter(out)) if isinstance(out, dict) else out for out in outs}
    data = [dep for dep in STAGES[stage]["deps"] if not dep.startswith("src/")]
    lost = [dep for dep in data if not any(f"{dep}/".startswith(f"{out}/") for out in made)]
    assert lost == []


def test_a_change_of_a_drawing_trains_nothing():
    for stage in ("validate", "extract_frames", "split", "train"):
        used = list_used_code(stage)
        assert not [path for path in used if path.startswith("src/deepfake_detector/plots/")]


def test_the_released_detector_comes_from_this_repository_whatever_remote_data_has():
    (out,) = yaml.safe_load((PROJECT / "released.dvc").read_text(encoding="utf-8"))["outs"]
    assert (out["path"], out["remote"]) == ("released", "sample")


def test_code_left_over_by_python_is_no_dep():
    assert "__pycache__" in (PROJECT / ".dvcignore").read_text(encoding="utf-8").split()


def test_plots_name_tables_and_pictures_that_stages_write():
    outs = [out for stage in STAGES.values() for out in stage["outs"] if isinstance(out, str)]
    for plot in PIPELINE["plots"]:
        ((name, settings),) = plot.items() if isinstance(plot, dict) else [(plot, None)]
        tables = settings["y"] if settings else [name]
        for table in tables:
            assert any(f"{table}/".startswith(f"{out}/") for out in outs), table


# Who may know what


@pytest.mark.parametrize(
    ("library", "allowed"),
    [("mlflow", "mlflow_tracking/"), ("matplotlib", "plots/"), ("yaml", "config/")],
)
def test_one_place_knows_a_library(library, allowed):
    knows = [
        path
        for path in [*list_scripts(), *list_modules()]
        if any(name.split(".")[0] == library for name in find_imported_names(path))
    ]
    elsewhere = [
        p
        for p in knows
        if not p.relative_to(PACKAGE.parent.parent)
        .as_posix()
        .startswith(f"src/deepfake_detector/{allowed}")
    ]
    assert elsewhere == []
    assert knows, f"nobody imports {library}; remove the rule"


def test_imports_point_downwards():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    checked = subprocess.run(
        command, cwd=PROJECT, env={"PYTHONPATH": "src", "PATH": ""}, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_the_code_passes_ruff():
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check"], ["format", "--check"]):
        checked = subprocess.run(
            [ruff, *command, "--no-cache", "start.py", "src", "tests"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
        )
        assert checked.returncode == 0, checked.stdout


# Set-up


def test_the_readme_opens_with_a_verdict_then_the_main_job_and_the_tests():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    verdict, job = re.findall(r"^```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[:2]
    assert verdict == "python3 start.py python src/predict.py CLIP --out found\n"
    assert job == "python3 start.py dvc repro --pull\npython3 start.py pytest\n"


def test_ci_runs_the_test_command_of_the_readme():
    assert "python3 start.py pytest" in (PROJECT / ".ci/run").read_text(encoding="utf-8")


def test_the_lock_pins_what_is_asked_for():
    pins = read_pins("requirements.lock")
    asked = re.findall(
        r"^([A-Za-z][\w.-]*)==(\S+)",
        (PROJECT / "requirements.in").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert len(asked) > 20
    for name, version in asked:
        assert pins[name.lower().replace("_", "-")] == {version}, name


def test_conda_and_mlflow_install_the_lock():
    conda = yaml.safe_load((PROJECT / "conda.yaml").read_text(encoding="utf-8"))
    assert conda["dependencies"] == ["python=3.11", "pip", {"pip": ["-r requirements.lock"]}]
    python_env = yaml.safe_load((PROJECT / "python_env.yaml").read_text(encoding="utf-8"))
    assert python_env == {"python": "3.11", "dependencies": ["-r requirements.lock"]}


def test_conda_users_get_the_same_pins_as_the_lock():
    from mlflow.utils.environment import _PythonEnv
    from mlflow.utils.requirements_utils import _parse_requirements

    asked = _PythonEnv.from_conda_yaml(PROJECT / "conda.yaml").dependencies
    lines = [str(r) for r in _parse_requirements(asked, is_constraint=False, base_dir=PROJECT)]
    found = re.findall(r"([a-z0-9][\w.-]*)==([^ ']+)", "\n".join(lines))
    assert {name for name, _ in found} == set(read_pins("requirements.lock"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_hashed_and_names_no_registry(lock):
    text = (PROJECT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    packages = re.findall(r"^\S+==.*\\$\n    --hash=sha256:", text, flags=re.MULTILINE)
    assert len(packages) == sum(len(versions) for versions in read_pins(lock).values())


def test_both_locks_pin_the_same_versions():
    usual, gpu = (read_pins(lock) for lock in LOCKS)
    assert {name: gpu[name] for name in gpu.keys() & usual.keys()} == {
        name: usual[name] for name in gpu.keys() & usual.keys()
    }
    assert usual.keys() - gpu.keys() == {"tensorflow-cpu"}


@pytest.mark.parametrize("lock", LOCKS)
def test_there_is_one_opencv(lock):
    assert [name for name in read_pins(lock) if "opencv" in name] == ["opencv-python-headless"]


# The repository


def list_tracked_files():
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git repository")
    paths = [PROJECT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_tracked_files_are_small():
    remote = PROJECT / "dvc_sample_remote"  # the sample, and the released weights
    sizes = {path: path.stat().st_size for path in list_tracked_files()}
    own = {str(path): size for path, size in sizes.items() if remote not in path.parents}
    assert {path: size for path, size in own.items() if size > 4_000_000} == {}
    assert sum(own.values()) < 25_000_000
    assert sum(sizes.values()) < 135_000_000  # two releases of 25 MB, an encoder of 60, the sample


def test_the_released_detector_is_tracked_and_small():
    (out,) = yaml.safe_load((PROJECT / "released.dvc").read_text(encoding="utf-8"))["outs"]
    assert out["path"] == "released"
    assert out["size"] <= 90_000_000


def test_nothing_made_is_tracked():
    tracked = {path.relative_to(PROJECT).as_posix() for path in list_tracked_files()}
    made = r"(artifacts|data|mlruns|\.venv)/|mlflow\.db|.*__pycache__"
    assert [path for path in sorted(tracked) if re.match(made, path)] == []


def test_the_parameters_are_complete():
    assert json.dumps(load_params(PROJECT / "params.yaml").model_dump())
