"""Files, progress, devices and the order of data have one owner each: where several processes share a run, one of them
writes files and shows progress, and the rows are dealt out in one place.
"""

from __future__ import annotations

import grimp
import pytest


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("lutsmith", cache_dir=None, include_external_packages=True)


def importers(graph: grimp.ImportGraph, module: str) -> set[str]:
    found = graph.find_modules_that_directly_import(module)
    return {name.removeprefix("lutsmith.training.") for name in found if name.startswith("lutsmith.training.")}


@pytest.mark.parametrize(
    ("imported", "owners"),
    [
        ("lutsmith.ground.atomic", {"files.checkpoint", "files.folder"}),
        ("lutsmith.training.files.checkpoint", {"files.folder", "files.phase"}),
        ("lutsmith.ground.metrics_log", {"files.folder"}),
        ("rich", set()),
        ("lutsmith.ground.progress", {"loop.progress", "phased"}),
        ("lutsmith.training.loop.progress", {"loop.loop"}),
        ("lightning_fabric", {"loop.devices"}),
    ],
)
def test_what_has_an_owner_is_reached_through_it(graph: grimp.ImportGraph, imported: str, owners: set[str]) -> None:
    assert importers(graph, imported) == owners


def test_rows_are_dealt_out_in_one_place(graph: grimp.ImportGraph) -> None:
    details = {
        detail["line_contents"]
        for name in importers(graph, "lutsmith.training.loop.order")
        for detail in graph.get_import_details(
            importer=f"lutsmith.training.{name}", imported="lutsmith.training.loop.order"
        )
    }
    assert details == {
        "from lutsmith.training.loop.order import Order",
        "from lutsmith.training.loop.order import BlockOrder, step_generator",
    }
