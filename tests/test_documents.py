"""The documents: links lead somewhere, forms are kept, and what they name exists."""

import ast
import csv
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from code_map import PACKAGE, PROJECT, SOURCE
from deepfake_detector.config.schema import flatten_params, parse_params

DOCS = PROJECT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
TABLES = sorted((DOCS / "experiments/tables").glob("*.csv"))
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *DOCS.rglob("*.md"), *PROJECT.glob("benchmarks/*.md")])
INDEX = DOCS / "README.md"

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OLD_WORDS = r"second.?look|wear_down|\bdesk\b|surprise|left_out|location_ap|refused|\bjudge\b"


def read(path):
    return path.read_text(encoding="utf-8")


def name(path):
    return path.relative_to(PROJECT).as_posix()


def list_links(path):
    """List the targets of a document's links, but for addresses on the web."""
    targets = LINK.findall(CODE.sub("", read(path)))
    return [target for target in targets if not re.match(r"\w+:", target)]


def list_anchors(path):
    """List the anchors that a host makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", read(path)), re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def find_broken_links(path):
    """List the links of a document that lead nowhere."""
    broken = []
    for target in list_links(path):
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        if not linked.exists() or (anchor and anchor not in list_anchors(linked)):
            broken.append(target)
    return broken


# Links


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path):
    assert find_broken_links(path) == []


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# A heading: here\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#a-heading-here) [b](gone.md) `[c](code.md)` [d](there.md#gone)\n"
    )
    assert find_broken_links(page) == ["gone.md", "there.md#gone"]


def test_the_index_names_every_document():
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in list_links(INDEX)}
    others = [PROJECT / file for file in ("LICENSE", "CITATION.cff")]
    expected = {*DOCUMENTS, *others} - {INDEX, PROJECT / "README.md"}
    assert sorted(map(name, expected - linked)) == []


def test_the_index_has_the_titles_of_the_decisions():
    titles = {f"[{read(path).splitlines()[0].removeprefix('# ')}]" for path in DECISIONS}
    assert {title for title in titles if title not in read(INDEX)} == set()


# README


def test_the_readme_is_short_enough_for_a_visitor():
    assert len(read(PROJECT / "README.md").splitlines()) <= 90


def test_the_readme_uses_the_words_of_the_field():
    assert re.findall(OLD_WORDS, read(PROJECT / "README.md"), re.IGNORECASE) == []


def test_the_readme_shows_the_python_api_in_four_lines():
    (block,) = re.findall(r"^```python\n(.*?)^```", read(PROJECT / "README.md"), re.M | re.S)
    assert [line for line in block.splitlines() if line] == [
        "from deepfake_detector import DeepfakePredictor",
        "predictor = DeepfakePredictor.load()",
        'analysis = predictor.analyze("clip.mp4")',
        "print(analysis.verdict.answer, analysis.verdict.probability, analysis.verdict.reason)",
    ]


# Decisions and experiments


@pytest.mark.parametrize("path", DECISIONS, ids=name)
def test_a_decision_has_the_common_form(path):
    text = read(path)
    assert re.match(rf"# {path.name[:4]} .+\n\nStatus: ", text)
    assert re.search(r"^Status: (accepted|superseded by \d{4}|proposed)$", text, re.MULTILINE)
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 30


def test_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", sorted((DOCS / "experiments").glob("2*.md")), ids=name)
def test_an_experiment_log_has_its_date(path):
    assert read(path).startswith(f"# {path.name[:10]}: ")


@pytest.mark.parametrize("path", TABLES, ids=name)
def test_a_table_of_an_experiment_is_whole_and_linked(path):
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    logs = (DOCS / "experiments").glob("2*.md")
    assert any(f"tables/{path.name}" in list_links(log) for log in logs)


# What the documents name


def test_the_architecture_shows_the_layers_that_are_checked():
    contract = tomllib.loads(read(PROJECT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = "\n".join(contract[0]["layers"])
    assert f"```\n{layers}\n```" in read(DOCS / "architecture.md")


def test_the_architecture_tells_the_subject_of_each_package():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    told = set(re.findall(r"^\| `(\w+)` \|", read(DOCS / "architecture.md"), re.MULTILINE))
    stages = set(yaml.safe_load(read(PROJECT / "dvc.yaml"))["stages"])
    assert told - stages == packages


def read_renamed_params():
    text = read(PROJECT / "CHANGELOG.md")
    (section,) = re.findall(r"### Renamed: parameters.*?(?=^###)", text, re.M | re.S)
    return re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", section, re.MULTILINE)


def test_the_changelog_names_parameters_that_there_are():
    known = flatten_params(parse_params(read(PROJECT / "params.yaml")))
    there = {key[:end] for key in known for end in [len(key), *find_dots(key)]}
    renamed = read_renamed_params()
    assert len(renamed) > 50
    assert [new for _, new in renamed if new not in there] == []
    assert [old for old, _ in renamed if old in there] == []


def find_dots(key):
    return [dot.start() for dot in re.finditer(r"\.", key)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_code_in_documents_imports_what_there_is(path):
    blocks = re.findall(r"^```python\n(.*?)^```", read(path), re.MULTILINE | re.DOTALL)
    missing = []
    for module, names in re.findall(
        r"^from (deepfake_detector\.[\w.]+) import (.+)$", "\n".join(blocks), re.MULTILINE
    ):
        file = SOURCE / f"{module.replace('.', '/')}.py"
        tree = ast.parse(read(file)) if file.is_file() else ast.Module([], [])
        defined = {getattr(node, "name", None) for node in tree.body}
        missing += [f"{module}.{one}" for one in names.split(", ") if one not in defined]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_commands_in_documents_run_scripts_that_there_are(path):
    scripts = re.findall(r"python3? ((?:src|benchmarks|docs)/\w+\.py)", read(path))
    assert [script for script in scripts if not (PROJECT / script).is_file()] == []


def test_a_public_host_runs_what_ci_runs():
    workflow = yaml.safe_load(read(PROJECT / ".github/workflows/ci.yml"))
    steps = workflow["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": "bash .ci/run"}
    assert {"python-version": "3.11"} in [step.get("with") for step in steps]


def test_the_license_and_the_citation_say_the_same():
    assert "Apache License" in read(PROJECT / "LICENSE")
    assert "Version 2.0, January 2004" in read(PROJECT / "LICENSE")
    assert yaml.safe_load(read(PROJECT / "CITATION.cff"))["license"] == "Apache-2.0"


def test_the_plot_of_the_results_shows_the_table_of_the_log():
    """The picture is drawn from the table; a new table needs `python docs/draw_images.py`."""
    drawn = Path(DOCS / "draw_images.py").read_text(encoding="utf-8")
    (table,) = re.findall(r'"experiments/(tables/[\w-]+\.csv)"', drawn)
    assert (DOCS / "experiments" / table).is_file()
    assert "images/robustness.svg" in list_links(DOCS / "results.md")
