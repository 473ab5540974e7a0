"""The project's Python files, and which parameters they read, found by reading them."""

import ast
from pathlib import Path

from deepfake_detector.common.used_code import PACKAGE, SOURCE, parse_module

PROJECT = Path(__file__).resolve().parents[1]


def list_scripts() -> list[Path]:
    return sorted(SOURCE.glob("*.py"))


def list_modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def find_read_sections(path: Path) -> set[str]:
    """Names read from arguments and variables that hold the whole `Params`: `train`, `seed`…"""
    sections = set()
    for function in ast.walk(parse_module(path)):
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
