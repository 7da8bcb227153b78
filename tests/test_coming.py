"""The tables for those who come from another library: what they tell you to write here exists, and takes what it says.

Every code span of the column `lutsmith` is a call that is made, a name that is looked up, an argument that something
takes, or a command whose options, presets and settings there are.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from tests.test_pages import DOCS, blocks

PAGES = sorted(path.stem for path in (DOCS / "coming").glob("*.md"))
SPAN = re.compile(r"`([^`]+)`")
UNRUN = {"train_dense", "memorise_sums", "check", "read_split"}
"""Functions that take long or read files: their arguments are compared with their signatures."""


def rows_of(page: str) -> list[tuple[str, str]]:
    """Return what stands in the first two columns of the tables of a page, heads and rules left out."""
    lines = (DOCS / "coming" / f"{page}.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    assert {len(row) for row in cells} <= {3}, [row for row in cells if len(row) != 3]
    return [(row[0], row[1]) for row in cells if row[1] != "lutsmith" and set(row[1]) != {"-"}]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """Return what code of the tables may name: lutsmith's layers and settings, and small objects of each kind."""
    import torch
    from torch import nn

    import lutsmith.alu.dense
    import lutsmith.deeplut
    import lutsmith.dwn as dwn
    from lutsmith.alu.calculator import calculate
    from lutsmith.alu.check import check
    from lutsmith.alu.learning import learn_operations
    from lutsmith.alu.proofs import prove_alu
    from lutsmith.data.alu import ALU
    from lutsmith.formats import from_ltnet, to_ltnet
    from lutsmith.nn import neurons
    from lutsmith.search import networks

    torch.manual_seed(0)
    x = torch.rand(40, 1, 8, 8)
    encoder = lutsmith.nn.Thermometer(1).fit(x)
    model = nn.Sequential(nn.Flatten(), lutsmith.nn.LogicDense(64, 20, 2), lutsmith.nn.GroupSum(10)).eval()
    architecture = networks.random_architecture([16, 8], input_shape=(1, 8, 8), bits=5)
    found = {name: getattr(lutsmith.nn, name) for name in lutsmith.nn.__all__}
    found |= {name: getattr(lutsmith.deeplut, name) for name in lutsmith.deeplut.__all__ if name not in found}
    found |= {"lutsmith": lutsmith, "dwn": dwn, "ALU": ALU, "Settings": lutsmith.Settings, "check": check}
    found |= {"calculate": calculate, "prove_alu": prove_alu, "random_architecture": networks.random_architecture}
    found |= {
        "from_ltnet": from_ltnet,
        "to_ltnet": to_ltnet,
        "data": ALU(),
        "x": x,
        "x_train": x,
        "x_test": x.flatten(1).numpy(),
    }
    found |= {"setup_parametrization": lutsmith.setup_parametrization, "setup_connections": lutsmith.setup_connections}
    found |= {"tensor": torch.zeros(5, 2, dtype=torch.int32), "y_train": torch.arange(40) % 10}
    found |= {"module": nn.Identity(), "device": "cpu"}
    found |= {"model": model, "plain": model, "encoder": encoder, "architecture": architecture, "layer": model[1]}
    found |= {"conv": lutsmith.nn.LogicConv2d(8, lut_rank=2), "pool": lutsmith.nn.OrPool2d(2)}
    found |= {"circuit": lutsmith.to_circuit(model, (64,)), "thermometer": dwn.Thermometer(1).fit(x)}
    found |= {"connections": model[1].connections, "parametrization": model[1].parametrization}
    found |= {"binary": neurons.BinaryLinear(16, 4), "luts": neurons.LUTLinear(16, 4, rank=4)}
    found |= {"optimizer": torch.optim.Adam(model.parameters()), "alu": learn_operations(["+", "AND", "*"], 8)[0]}
    return found


def takers(names: dict[str, Any]) -> list[Callable[..., Any]]:
    """Return what an argument that a table names alone may be of."""
    from lutsmith.search.networks import network_circuit

    dense, dwn = names["LogicDense"], names["dwn"]
    return [
        lambda **own: dense(64, 10, **{"lut_rank": 2, **own}),
        lambda **own: dense(64, 10, **{"lut_rank": 2, "connections": "learnable", **own}),
        lambda **own: names["LogicConv2d"](8, 2, **{"lut_rank": 2, **own}),
        lambda **own: names["Thermometer"](2, **own),
        lambda **own: dwn.LUTLayer(8, 5, 2, **own),
        lambda **own: names["Linear"](8, 4, **own),
        lambda **own: network_circuit(names["architecture"], **{"code": "lutnets-8", **own}),
    ]


def check_span(span: str, names: dict[str, Any]) -> None:
    """Raise an error where what a span says is not so."""
    if span.startswith("import "):
        exec(span, {})
        return
    if span.startswith("lutsmith "):
        check_command(shlex.split(span)[1:])
        return
    if re.fullmatch(r"[a-z_]+=.*", span):
        call = ast.parse(f"_({span})", mode="eval").body
        assert isinstance(call, ast.Call)
        own = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
        refusals = []
        for make in takers(names):
            try:
                make(**own)
            except (TypeError, ValueError) as error:
                refusals.append(str(error))
            else:
                return
        raise AssertionError(f"nothing takes {span}: {refusals}")
    tree = ast.parse(span, mode="eval").body
    called = span.split("(")[0]
    if called.startswith("lutsmith."):  # modules that nothing has imported yet
        for end in range(2, called.count(".") + 1):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(".".join(called.split(".")[:end]))
    if isinstance(tree, ast.Call) and called.split(".")[-1] in UNRUN:
        function = eval(called, dict(names))
        given = [eval(ast.unparse(argument), dict(names)) for argument in tree.args]
        inspect.signature(function).bind(*given, **{str(keyword.arg): None for keyword in tree.keywords})
        return
    eval(compile(ast.Expression(tree), span, "eval"), dict(names))


@functools.cache
def commands() -> Any:
    """Return the command line as click has it."""
    import typer

    from lutsmith.cli import app

    return typer.main.get_command(app)


@functools.cache
def settings_of_runs() -> set[str]:
    """Return the names of settings of searches and of phases."""
    from lutsmith.search.method import METHODS
    from lutsmith.search.settings import SearchSettings
    from lutsmith.training.phases import PhasedSettings

    settings = {item.name for kind in (SearchSettings, PhasedSettings) for item in fields(kind)}
    return settings | {item.name for method in METHODS.values() for item in fields(method.Settings)}


def check_setting(name: str, text: str) -> None:
    """Raise an error where a run has no such setting, or it cannot be that."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if name.startswith("architecture."):
        lutsmith.Architecture.from_json({name.removeprefix("architecture."): value})
    elif name in {item.name for item in fields(lutsmith.Settings)}:
        lutsmith.Settings.from_json({name: value})
    else:
        assert name in settings_of_runs(), name


def check_command(arguments: list[str]) -> None:
    """Raise an error where a command has no such option, or there is no such preset or setting."""
    command = commands()
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for place, word in enumerate(arguments):
        assert not word.startswith("-") or word in known, f"lutsmith {command.name} has no {word}"
        if word == "--preset":
            assert arguments[place + 1] in {preset.name for preset in lutsmith.list_presets()}
        if word == "--set":
            check_setting(*arguments[place + 1].split("=", 1))


@pytest.mark.needs("torch", "pysat")
@pytest.mark.parametrize("page", PAGES)
def test_what_a_table_tells_you_to_write_exists(
    page: str, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lutsmith.save(names["circuit"], "model.lut")
    if page == "deeplut":
        names = names | {"layer": names["binary"]}
    if page == "lutnets":
        from lutsmith.search.networks import network_circuit

        names = names | {"circuit": network_circuit(names["architecture"], code="lutnets-8")}
        names["x_test"] = np.zeros((3, 64), np.uint8)
    wrong = []
    for _, here in rows_of(page):
        for span in SPAN.findall(here):
            try:
                check_span(span, names)
            except Exception as error:  # every row is told
                wrong.append(f"{span}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.needs("torch", "pysat")
@pytest.mark.parametrize(
    "span",
    [
        "LogicDense(8, 5, lut_rang=2)",
        "lutsmith.nn.LogicDens",
        'init_method="butterfly-unique"',
        "lutsmith train mnist --presets mnist-1k",
        "lutsmith train mnist --preset mnist-1000",
        "lutsmith train mnist --set architecture.tauu=3",
        "lutsmith train mnist --set accelerator=gpu",
        "lutsmith train mnist --set selectors=frequent",
        "lutsmith.alu.dense.train_dense(adaptiv=True)",
        "import lutsmith.torch_dwn as dwn",
    ],
)
def test_a_wrong_row_is_found(span: str, names: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, AttributeError, ModuleNotFoundError, TypeError, ValueError)):
        check_span(span, names)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_a_program_and_says_where_models_are_read(page: str) -> None:
    text = (DOCS / "coming" / f"{page}.md").read_text("utf-8")
    assert 0 <= text.find("```python") < text.find("\n| ")
    assert "../interop.md" in text
    assert blocks(f"coming/{page}")[0][0] == "python"
    assert all(left and right for left, right in rows_of(page))
