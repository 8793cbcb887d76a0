"""Rules on the source itself: size, documentation, and one owner for each third-party engine."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "migaki"
MODULES = sorted(PACKAGE.rglob("*.py"))

MOST_CODE_LINES = 400
MOST_PARAMETERS = 10
"""The longest specified signature, generate_japanese, has eight; ruff warns from nine on."""

OWNERS = {
    "bitsandbytes": "models/",
    "datasets": "corpus/hub.py",
    "datatrove": ("corpus/execution.py", "corpus/deduplication_steps.py"),
    "hojichar": "corpus/cleaning/plugins.py",
    "liger_kernel": "models/liger.py",
    "jinja2": ("dataset/template.py", "reports/"),
    "matplotlib": "reports/",
    "peft": "models/adapters.py",
    "psutil": "hardware/",
    "pyarrow": "corpus/",
    "questionary": "cli/",
    "ray": "corpus/execution.py",
    "rensa": "corpus/minhash.py",
    "rich": "cli/",
    "typer": "cli/",
    "yaml": "config.py",
}
"""Third-party package → where it may be imported. Replacing one then means changing one place."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@functools.cache  # every rule reads every module
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def code_lines(path: Path) -> int:
    """Count lines that are neither blank, nor comment, nor docstring."""
    documentation: set[int] = set()
    for node in ast.walk(parse(path)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in documentation
        for number, line in enumerate(lines, 1)
    )


def parameters(function: FunctionNode) -> int:
    every = function.args
    names = [a.arg for a in (*every.posonlyargs, *every.args, *every.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


@functools.cache
def imported_packages(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small_enough_to_read_at_once(path: Path) -> None:
    assert code_lines(path) <= MOST_CODE_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_takes_few_parameters(path: Path) -> None:
    if name_of(path).startswith("cli/"):
        return  # a command's parameters are its options
    crowded = [
        f"{node.name} takes {parameters(node)}"
        for node in ast.walk(parse(path))
        if isinstance(node, FunctionNode) and parameters(node) > MOST_PARAMETERS
    ]
    assert not crowded


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_a_docstring(path: Path) -> None:
    assert (ast.get_docstring(parse(path)) or "").strip()


@pytest.mark.parametrize("package", OWNERS)
def test_a_third_party_engine_has_one_owner(package: str) -> None:
    users = {name_of(path) for path in MODULES if package in imported_packages(path)}
    strangers = {user for user in users if not user.startswith(OWNERS[package])}
    assert not strangers


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_prints(path: Path) -> None:
    if name_of(path).startswith("cli/"):
        return
    prints = [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not prints
