"""One noun, one meaning: names that two places of the package use, and why; what `to_json` gives."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import lutsmith

SOURCES = Path(lutsmith.__file__).parent
SHARED_NAMES = {
    "DistributiveThermometer": "torch_dwn's names in lutsmith.dwn",
    "GaussianThermometer": "torch_dwn's names in lutsmith.dwn",
    "Thermometer": "torch_dwn's names in lutsmith.dwn",
    "GroupSum": "torch_dwn's names in lutsmith.dwn",
    "BinarizeSign": "DeepLUT's name in lutsmith.deeplut, with sign(0) = 0; that of neurons",
    "ResidualSign": "DeepLUT's name in lutsmith.deeplut, with sign(0) = 0; that of neurons",
    "Linear": "DeepLUT's name in lutsmith.deeplut; the parametrization that is linear in its inputs",
    "Luts": "LUTs as arrays, where simplification changes them; LUTs as a module states them",
}
"""Public classes of one name, and what both are."""


def classes() -> Iterator[tuple[str, str, ast.ClassDef]]:
    """Yield the place and the name of every class, with its text."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield path.relative_to(SOURCES).as_posix(), node.name, node


def test_no_two_public_classes_have_one_name_without_a_reason() -> None:
    places = defaultdict(list)
    for place, name, _ in classes():
        if not name.startswith("_"):
            places[name].append(place)
    assert len(places) > 150
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_NAMES} == {}


def test_exceptions_have_names_of_their_own_all_over_the_package() -> None:
    names = [name for _, name, node in classes() if any("Error" in ast.unparse(base) for base in node.bases)]
    assert len(names) > 10
    assert len(names) == len(set(names))


def test_to_json_gives_what_json_can_hold_and_never_text() -> None:
    found = {}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "to_json":
                assert node.returns is not None, path
                found[f"{path.name}:{node.lineno}"] = ast.unparse(node.returns)
    assert len(found) > 10
    assert {place: kind for place, kind in found.items() if not kind.startswith("dict[str, ")} == {}
