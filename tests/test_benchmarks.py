"""Every benchmark can be imported, says how it is used, and calls lutsmith with arguments that there are."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import benchmarks
import pytest

from tests.tools import module as optional

MODULES = [found.name for found in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]


def imported(name: str) -> ModuleType:
    if name.startswith("benchmarks.mutants."):
        optional("mutmut")
        optional("coverage")
    return importlib.import_module(name)


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_is_imported_and_says_how_it_is_used(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = imported(name)
    if hasattr(module, "main") and hasattr(module, "argparse"):
        monkeypatch.setattr(sys, "argv", [name, "--help"])
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {name}")


def called(function: ast.expr, names: dict[str, object]) -> object:
    """What an expression such as `lutsmith.data.load` is, given the names of its module; else None."""
    if isinstance(function, ast.Attribute):
        return getattr(called(function.value, names), function.attr, None)
    return names.get(function.id) if isinstance(function, ast.Name) else None


def refused(source: str, names: dict[str, object]) -> list[str]:
    """The calls in a source of functions and classes of the house that do not take these arguments, and why."""
    found, nodes = [], list(ast.walk(ast.parse(source)))
    local = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    names = {name: value for name, value in names.items() if name not in local}
    for node in nodes:
        target = called(node.func, names) if isinstance(node, ast.Call) else None
        if not callable(target) or not str(getattr(target, "__module__", "")).startswith(("lutsmith", "benchmarks")):
            continue
        plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        given = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
        spread = len(plain) + len(given) < len(node.args) + len(node.keywords)
        if inspect.isclass(target) and issubclass(target, BaseException):
            continue  # they take anything
        signature = inspect.signature(target)
        try:
            (signature.bind_partial if spread else signature.bind)(*plain, **dict.fromkeys(given))
        except TypeError as error:
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}: {error}")
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_calls_what_there_is_with_arguments_that_there_are(name: str) -> None:
    module = imported(name)
    assert refused(Path(str(module.__file__)).read_text(), vars(module)) == []


def test_calls_that_cannot_be_are_told() -> None:
    names = {"lutsmith": importlib.import_module("lutsmith")}
    for call in ("lutsmith.load()", "lutsmith.load(1, 2, 3, 4)", "lutsmith.train(tusk=1)", "lutsmith.load(*a, b=1)"):
        assert len(refused(call, names)) == 1, call
    for call in ("lutsmith.load(path)", "lutsmith.train('digits', seed=0)", "lutsmith.load(*a)", "lutsmith.load(**b)"):
        assert refused(call, names) == [], call
