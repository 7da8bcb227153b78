"""The house: no circle among its files, imports inside functions and for types included; files that fit in a head."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import networkx
import pytest

import lutsmith

SOURCES = Path(lutsmith.__file__).parent
LONGEST = 400


@pytest.fixture(scope="module")
def imports() -> networkx.DiGraph:
    """An edge from each file to each file that it imports, wherever the import stands."""
    graph = grimp.build_graph("lutsmith", cache_dir=None)
    found = networkx.DiGraph()
    found.add_nodes_from(graph.modules)
    found.add_edges_from(
        (file, read) for file in graph.modules for read in graph.find_modules_directly_imported_by(file)
    )
    return found


def circles(imports: networkx.DiGraph) -> list[list[str]]:
    return [sorted(part) for part in networkx.strongly_connected_components(imports) if len(part) > 1]


def test_no_file_imports_itself_by_way_of_others(imports: networkx.DiGraph) -> None:
    assert len(imports) > 300
    assert circles(imports) == []


def test_a_circle_would_be_found(imports: networkx.DiGraph) -> None:
    closed = imports.copy()
    closed.add_edge("lutsmith.circuit.netlist", "lutsmith.circuit.circuit")  # as an import in a function would
    (found,) = circles(closed)
    assert "lutsmith.circuit.netlist" in found


def test_imports_inside_functions_and_for_types_are_seen(imports: networkx.DiGraph) -> None:
    assert imports.has_edge("lutsmith.circuit.circuit", "lutsmith.circuit.engine.engine")  # inside a property
    assert imports.has_edge("lutsmith.nn.dense", "lutsmith.circuit.circuit_builder")  # for types alone


def test_every_file_fits_in_a_readers_head() -> None:
    long = {
        str(path.relative_to(SOURCES)): lines
        for path in SOURCES.rglob("*.py*")
        if path.suffix in (".py", ".pyi") and (lines := len(path.read_text("utf-8").splitlines())) > LONGEST
    }
    assert long == {}


@pytest.mark.parametrize("room", ["additive", "cells", "counting", "engine", "images", "netlists", "search"])
def test_every_kernel_without_torch_names_the_test_that_holds_it_to_its_naive_form(room: str) -> None:
    folder = SOURCES / "kernels" / room
    told = re.findall(r"^ {4}(\w+) .*?(test_\w+): (test_\w+)$", (folder / "__init__.py").read_text("utf-8"), re.M)
    assert {kernel for kernel, _, _ in told} == {path.stem for path in folder.glob("[!_]*.py")} - {"naive"}
    for _, file, test in told:
        (found,) = Path(__file__).parent.rglob(f"{file}.py")
        assert f"def {test}(" in found.read_text("utf-8"), (file, test)


@pytest.mark.parametrize("path", sorted((SOURCES / "kernels" / "training").glob("*/")), ids=lambda path: path.name)
def test_every_operation_of_training_has_its_naive_form_beside_it(path: Path) -> None:
    if path.name == "__pycache__":
        return
    assert {"__init__.py", "naive.py", "operator.py"} <= {file.name for file in path.iterdir()}
    naive = (path / "naive.py").read_text("utf-8")
    assert f"\ndef {path.name}(" in naive
