"""Which files of the project's code a script uses, found by reading its imports.

A stage of the pipeline depends on these and on no others, so that a change of a drawing trains
nothing: `src/list_code.py` writes them where `dvc.yaml` looks.
"""

import ast
from pathlib import Path

from deepfake_detector.common.files import hash_file

SOURCE = Path(__file__).resolve().parents[2]
PACKAGE = SOURCE / "deepfake_detector"

TELLS_ONLY = PACKAGE / "mlflow_tracking"
"""What a stage tells MLflow changes nothing that the stage writes; so no stage depends on it."""


def hash_used_code(script: Path) -> dict[str, str]:
    """Hash the files that the result of a script depends on.

    Returns:
        SHA-256 by path from the folder above `src`, in order: the script, what it imports itself
        or through others, and the files beside a module, no code, that are named in it.
    """
    modules = find_used_modules(script.resolve())
    files = modules.union(*(find_named_files(path) for path in modules))
    used = sorted(path for path in files if TELLS_ONLY not in path.parents)
    return {path.relative_to(SOURCE.parent).as_posix(): hash_file(path) for path in used}


def find_used_modules(script: Path) -> set[Path]:
    """Find the script and all modules of the package that it uses, directly or through others."""
    found, waiting = set(), {script}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= find_imported_modules(path) - found
    return found


def find_imported_modules(path: Path) -> set[Path]:
    """Find the modules that a file imports itself, each `__init__.py` with code included."""
    modules = set()
    for name in find_imported_names(path):
        parts = name.split(".")
        if parts[0] != PACKAGE.name:
            continue
        for depth in range(1, len(parts) + 1):
            module = SOURCE.joinpath(*parts[:depth])
            modules |= {module.with_suffix(".py"), module / "__init__.py"}
    return {module for module in modules if module.is_file() and has_code(module)}


def find_imported_names(path: Path) -> set[str]:
    """Find the dotted names of all that a file imports, at its top or inside a function.

    Raises:
        ValueError: an import is relative, which the project does not use.
    """
    names = set()
    for node in ast.walk(parse_module(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}: line {node.lineno}: relative import; name the package")
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def find_named_files(path: Path) -> set[Path]:
    """Find files beside a module, no code, whose name stands in it: what it reads as it runs."""
    nodes = ast.walk(parse_module(path))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    beside = (file for file in path.parent.iterdir() if file.is_file() and file.suffix != ".py")
    return {file for file in beside if file.name in texts}


def has_code(path: Path) -> bool:
    """Tell whether a module has code that another depends on, and more than a docstring.

    The package's own `__init__.py` only looks up public names for other programs, when they ask.
    """
    if path == PACKAGE / "__init__.py":
        return False
    return not all(isinstance(node, ast.Expr) for node in parse_module(path).body)


def parse_module(path: Path) -> ast.Module:
    """Parse a file of Python; a syntax error names it."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
