"""What circuits of cells cost in logic."""

from __future__ import annotations

import pytest

from lutsmith.cells import TEXTBOOK
from lutsmith.cells.cost import Cost, cost
from lutsmith.cells.machine import to_machine


@pytest.mark.needs("abc")
def test_a_cell_that_computes_nothing_more_costs_what_is_known_of_it() -> None:
    assert cost(TEXTBOOK["AND"].to_circuit(8)) == Cost(8, 1, 8, 0)
    adder = cost(TEXTBOOK["+"].to_circuit(8))
    assert 8 < adder.lut6 <= 16
    assert 1 < adder.depth <= 8
    assert cost(to_machine(TEXTBOOK["*"], 8)).lut6 < cost(TEXTBOOK["*"].to_circuit(8)).lut6


@pytest.mark.needs("abc")
def test_relabelled_carries_cost_no_more_levels() -> None:
    """A carry that is written inverted is the same function, and the LUTs take the inverter in."""
    cell = TEXTBOOK["+"]
    table = cell.tables["cell"].reshape(2, 2, 4)[:, ::-1].reshape(2, 8).copy()
    table[1] ^= True
    inverted = type(cell)(cell.fabric, {"start": ~cell.tables["start"], "cell": table})
    assert inverted.evaluate([3, 255], [5, 255], 8).tolist() == [8, 510]
    assert cost(inverted.to_circuit(8)).depth == cost(cell.to_circuit(8)).depth


def test_what_is_not_a_circuit_is_refused() -> None:
    with pytest.raises(TypeError, match="circuit"):
        cost(TEXTBOOK["+"])  # type: ignore[arg-type]
