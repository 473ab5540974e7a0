"""The container: what goes into it is there, pinned, and let through to its build."""

import json
import re
import tomllib

from packaging.requirements import Requirement

from code_map import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (PROJECT / "requirements-wheel.lock").read_text(encoding="utf-8")


def list_copied():
    """List the files and folders of the project that the build copies."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {name.rstrip("/") for line in lines for name in line.split()}


def list_instructions():
    """List the instructions with what follows each: lines that go on are joined."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def list_given(instruction):
    return [given for name, given in list_instructions() if name == instruction]


def read_pins(lock):
    pins = {}
    for name, version in re.findall(r"^([a-z0-9][\w.-]*)==([^ ]+)", lock, re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    return pins


def test_what_is_copied_is_let_through_and_nothing_else():
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == list_copied()
    made = {"released"}  # fetched by DVC
    assert [name for name in list_copied() - made if not (PROJECT / name).exists()] == []


def test_a_wheel_can_be_built_of_what_is_copied():
    hatch = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "hatch"
    ]
    included = hatch["build"]["targets"]["wheel"]["force-include"]
    assert {path.split("/")[0] for path in included} <= list_copied()


def test_the_lock_of_the_container_pins_what_the_wheel_needs_as_it_is_tested():
    pins = read_pins(LOCK)
    tested = read_pins((PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    assert pins == {name: tested[name] for name in pins}
    needed = {Requirement(line).name.lower() for line in SETTINGS["project"]["dependencies"]}
    assert needed <= pins.keys()
    assert not {"dvc", "mlflow", "great-expectations", "optuna"} & pins.keys()
    hashed = re.findall(r"^\S+==.*\\$\n    --hash=sha256:", LOCK, re.MULTILINE)
    assert len(hashed) == sum(map(len, pins.values()))
    assert "--require-hashes -r requirements-wheel.lock" in DOCKERFILE


def test_the_container_does_not_run_as_root():
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER (?!root|0\b)\w+$", last, re.MULTILINE)
    assert last.index("USER ") < last.index("ENTRYPOINT ")


def test_the_dockerfile_keeps_the_rules_of_hadolint_that_a_build_does_not_check():
    """By number in hadolint's list; it is not among the project's tools."""
    names = {name for name, _ in list_instructions()}
    usual = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "EXPOSE", "HEALTHCHECK"}
    assert names <= usual | {"ENTRYPOINT", "CMD"}  # DL3020: no ADD
    images = [given.split()[0] for given in list_given("FROM")]
    assert all(re.fullmatch(r"\S+:(?!latest$)\S+", image) for image in images)  # DL3006, DL3007
    assert all(path.startswith("/") for path in list_given("WORKDIR"))  # DL3000
    for given in list_given("COPY"):
        *sources, target = [part for part in given.split() if not part.startswith("--")]
        assert len(sources) == 1 or target.endswith("/")  # DL3021
    stages = {given.split()[2] for given in list_given("FROM") if " AS " in given}
    assert set(re.findall(r"--from=(\S+)", DOCKERFILE)) == stages  # DL3022, DL3023
    for command in list_given("RUN"):
        assert not re.search(r"\bsudo\b|\bcd\b|\|", command)  # DL3003, DL3004, DL4006
        assert "pip install" not in command or "--no-cache-dir" in command  # DL3042
    for given in [*list_given("ENTRYPOINT"), *list_given("CMD")]:
        assert all(isinstance(word, str) for word in json.loads(given))  # DL3025
    assert [len(list_given(each)) for each in ("ENTRYPOINT", "CMD", "HEALTHCHECK")] == [1, 1, 1]
    ports = [int(port) for port in list_given("EXPOSE")]
    assert all(0 < port < 65536 for port in ports)  # DL3011
