"""What the project's Python files import and which parameters they read, found by reading them."""

import ast
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SOURCE = PROJECT / "src"
PACKAGE = SOURCE / "deepfake_detector"


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def list_scripts() -> list[Path]:
    return sorted(SOURCE.glob("*.py"))


def list_modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def find_imported_names(path: Path) -> set[str]:
    """Dotted names of everything a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def find_imported_files(path: Path) -> set[Path]:
    """Files of the package that a file imports itself, `__init__.py` with code included."""
    files = set()
    for name in find_imported_names(path):
        parts = name.split(".")
        if parts[0] != PACKAGE.name:
            continue
        for depth in range(1, len(parts) + 1):
            module = SOURCE.joinpath(*parts[:depth])
            files |= {module.with_suffix(".py"), module / "__init__.py"}
    return {file for file in files if file.is_file() and has_code(file)}


def has_code(path: Path) -> bool:
    """Tell whether a module has code that another depends on.

    The package's own `__init__.py` only looks up public names for other programs, when they ask.
    """
    if path == PACKAGE / "__init__.py":
        return False
    body = parse(path).body
    return not all(isinstance(node, ast.Expr) for node in body)  # a docstring at most


def find_all_used_files(script: Path) -> set[Path]:
    """The script and all files of the package that it uses, directly or through others."""
    found, waiting = set(), {script}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= find_imported_files(path) - found
    return found


def find_named_files(path: Path) -> set[Path]:
    """Files beside a module, no code, whose name stands in it: what it reads when it runs."""
    texts = {node.value for node in ast.walk(parse(path)) if isinstance(node, ast.Constant)}
    beside = (file for file in path.parent.iterdir() if file.is_file() and file.suffix != ".py")
    return {file for file in beside if file.name in texts}


def find_read_sections(path: Path) -> set[str]:
    """Names read from arguments and variables that hold the whole `Params`: `train`, `seed`…"""
    sections = set()
    for function in ast.walk(parse(path)):
        if not isinstance(function, ast.FunctionDef):
            continue
        whole = {
            argument.arg
            for argument in [*function.args.args, *function.args.kwonlyargs]
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Params"
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and is_load_params(node.value):
                whole |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and (
                is_load_params(node.value) or getattr(node.value, "id", None) in whole
            ):
                sections.add(node.attr.rstrip("_"))  # `validate_` is the section `validate`
    return sections


def is_load_params(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "load_params"
    )
