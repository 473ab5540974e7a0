"""The shape of the code: short functions, and folders that one looks through at a glance."""

import ast

import pytest

from code_map import PACKAGE, PROJECT

MAX_MODULES = 14
MAX_LINES = 60

FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")})
MODULES = sorted((PROJECT / "src").rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_folder_has_few_modules(folder):
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MAX_MODULES, modules


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_functions_are_short(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {f.name for f in functions if f.end_lineno - f.lineno + 1 > MAX_LINES}
    assert long == set()


def test_no_module_lies_in_the_root_of_the_package():
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]


def test_no_two_modules_have_one_name():
    names = sorted(path.stem for path in MODULES if path.stem != "__init__")
    assert sorted(set(names)) == names


def test_the_pipeline_names_few_files_of_code():
    rows = (PROJECT / "dvc.yaml").read_text(encoding="utf-8").splitlines()
    assert (
        len([row for row in rows if row.strip().startswith(("- src", "- artifacts/list_code"))])
        <= 80
    )
