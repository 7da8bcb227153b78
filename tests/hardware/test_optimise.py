"""Optimised circuits: the same function, no larger, and proved or not returned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit import CircuitBuilder, Netlist
from lutsmith.hardware import (
    RECIPES,
    Recipe,
    ToolTimeout,
    Unproved,
    abc,
    optimisation,
    optimise,
    optimise_netlist,
    prove,
)

from ..circuit.examples import random_circuit, random_images, random_netlist
from ..formats.examples import assert_same, shapes
from .test_equivalence import flipped

pytestmark = pytest.mark.needs("abc")


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deep recipe searches for a minute: one second is enough to see that it works."""
    deep = RECIPES["deep"]
    monkeypatch.setitem(RECIPES, "deep", replace(deep, commands=deep.commands.replace("-T 60", "-T 1")))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_gives_the_same_predictions_with_no_more_luts(recipe: str) -> None:
    circuit = random_circuit(3)
    better = optimise(circuit, recipe, timeout=120)
    X = random_images(1, circuit, 200)
    np.testing.assert_array_equal(better.decision_function(X), circuit.decision_function(X))
    assert better.netlist.num_nodes <= circuit.netlist.num_nodes
    told = better.metadata.optimised
    assert (told["recipe"], told["luts"][0]) == (recipe, circuit.netlist.num_nodes)
    assert told["luts"][1] == (better.netlist.ranks > 0).sum()
    assert better.metadata.to_json()["seed"] == 3
    assert prove(circuit, better)


@pytest.mark.parametrize("shape", shapes())
def test_netlists_of_every_shape_are_optimised(shape: str) -> None:
    netlist = shapes()[shape]
    made = optimise_netlist(netlist, timeout=120)
    assert made.proof.equal
    assert made.netlist.num_registers == netlist.num_registers
    assert made.luts[1] <= made.luts[0]


def test_redundant_logic_goes_and_so_do_its_comparators() -> None:
    builder = CircuitBuilder((2,))
    a, b = builder.compare([0, 1], [0.5, 0.5]).tolist()
    same = builder.lut([[a, b], [b, a]], np.array([8, 8], np.uint64))
    differ = builder.lut([same], np.array([6], np.uint64))  # a AND b is b AND a
    circuit = builder.build([int(builder.lut([[int(differ[0]), a]], np.array([14], np.uint64))[0])])
    better = optimise(circuit)
    assert (better.netlist.num_nodes, len(better.encoder)) == (0, 1)
    assert better.encoder.feature.tolist() == [0]


def test_where_a_recipe_does_not_help_the_netlist_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "worse", Recipe("strash", "ANDs of two"))
    netlist = optimise_netlist(random_netlist(1, inputs=12, luts=20)).netlist
    made = optimise_netlist(netlist, "worse")
    assert_same(made.netlist, netlist)
    assert made.proof.method == "identical"


@pytest.mark.parametrize("rank", [2, 4])
def test_luts_are_of_the_rank_that_is_asked_for(rank: int) -> None:
    netlist = random_netlist(2, luts=30)
    assert optimise_netlist(netlist, rank=rank).netlist.ranks.max(initial=0) <= rank


def test_nothing_unproved_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = optimise_netlist(random_netlist(4, inputs=12, luts=40)).netlist
    real = abc.run

    def faulty(given: Netlist, *arguments: object, **options: object) -> abc.Rewritten:
        made = real(given, *arguments, **options)  # type: ignore[arg-type]
        return replace(made, netlist=flipped(made.netlist, made.netlist.num_nodes - 1, 0))

    monkeypatch.setattr(optimisation.abc, "run", faulty)
    with pytest.raises(
        Unproved, match="recipe 'default' made is not proved to be the same function: different"
    ) as caught:
        optimise_netlist(netlist, rank=5)
    assert caught.value.proof.verdict == "different"


def test_a_circuit_is_asked_for_and_a_rank_that_is_an_integer(tmp_path: Path) -> None:
    circuit = random_circuit(1)
    with pytest.raises(TypeError, match="optimise_netlist takes netlists"):
        optimise(circuit.netlist)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rank must be an int, not str"):
        optimise(circuit, rank="4")  # type: ignore[arg-type]
    lutsmith.save(optimise(circuit, rank=np.int64(4)), tmp_path / "model.lut")  # type: ignore[arg-type]


def test_no_time_is_an_error() -> None:
    with pytest.raises(ToolTimeout):
        optimise_netlist(random_netlist(1, inputs=12), timeout=0.001)


@pytest.mark.parametrize(
    ("recipe", "rank", "message"),
    [
        ("magic", 6, "recipe is 'magic'; expected one of default"),
        ("default", 7, "rank is 7, expected 2 to 6"),
        ("repack", 3, "recipe 'repack' keeps LUTs of rank"),
    ],
)
def test_other_recipes_and_ranks_are_errors_of_the_caller(recipe: str, rank: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimise_netlist(random_netlist(7, inputs=12, luts=40), recipe, rank=rank)
    with pytest.raises(TypeError, match=r"recipe is \['default'\]"):
        optimise_netlist(random_netlist(7), ["default"])
