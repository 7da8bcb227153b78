"""A machine of one cell, or of one row, says in its last cycle what the cell says, again and again."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.cells import TEXTBOOK, Counter, Fabric, LearnedCell, RowFeedback, SerialCell, Shifter, Tap
from lutsmith.cells.machine import cycles, to_machine
from lutsmith.hardware import prove, verify
from tests.cells.test_fabrics import EVERY, random_cell


def alike(fabric: Fabric) -> bool:
    inner = getattr(fabric, "fabric", fabric)
    return not isinstance(inner, (Counter, Shifter)) and inner != RowFeedback("root")


STEPPED = [fabric for fabric in EVERY if alike(fabric)]


def answers(cell: LearnedCell, width: int, samples: int, seed: int) -> tuple[list[int], list[int]]:
    """What a machine says of operands that follow each other, and what the cell says of them.

    In cycles in which the machine does not read them, its inputs are other words.
    """
    rng, steps = np.random.default_rng(seed), cycles(cell.fabric, width)
    words = rng.integers(0, 1 << width, (1, samples * steps, 2))
    said = to_machine(cell, width).run(words)
    read = words[0, ::steps]
    assert said["done"][0].tolist() == ([0] * (steps - 1) + [1]) * samples
    wanted = cell.evaluate(read[:, 0], read[:, 1], width).tolist()
    return np.asarray(said["result"])[0, steps - 1 :: steps].tolist(), wanted


@pytest.mark.parametrize("fabric", STEPPED, ids=str)
def test_a_machine_says_what_its_cell_says_of_one_pair_after_the_other(fabric: Fabric) -> None:
    for seed, width in enumerate((1, 2, 5, 15)):
        said, wanted = answers(random_cell(fabric, seed), width, 40, seed)
        assert said == wanted, width


@pytest.mark.parametrize("name", ["+", "*", "/", "%", "min", "="])
def test_operations_at_31_bits(name: str) -> None:
    said, wanted = answers(TEXTBOOK[name], 31, 30, 7)
    assert said == wanted


def test_a_signed_result_and_operands_that_are_held() -> None:
    words = np.array([[3, 9], [9, 3], [0, 15]])
    said = to_machine(TEXTBOOK["-"], 4, signed=True).run(words, cycles(TEXTBOOK["-"].fabric, 4))
    assert said["result"][:, -1].tolist() == [-6, 6, -15]


def test_a_machine_takes_one_cell_or_one_row() -> None:
    for bits in (8, 16):
        parts = {name: to_machine(TEXTBOOK[name], bits).info()["parts"] for name in ("+", "*")}
        assert parts["+"] == {"cell": 1}
        assert sum(parts["*"].values()) < bits + 1


@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize("name", ["+", "*", "/", "min"])
def test_a_machine_is_what_its_exports_are_in_all_cycles(name: str) -> None:
    found = verify(to_machine(TEXTBOOK[name], 3), ("verilog", "blif", "aiger"), layers=["read-back", "formal"])
    assert found.ok, str(found)


@pytest.mark.needs("abc")
def test_a_wrong_bit_of_a_table_shows_within_the_cycles() -> None:
    cell = TEXTBOOK["+"]
    found = prove(to_machine(cell, 4), to_machine(cell.flipped("cell", 0, 6), 4))
    assert found.trace is not None
    assert 0 < len(found.trace) <= cycles(cell.fabric, 4)


@pytest.mark.parametrize("fabric", [Counter(), Shifter(), RowFeedback("root"), Tap(Counter())], ids=str)
def test_rows_that_differ_are_refused(fabric: Fabric) -> None:
    with pytest.raises(ValueError, match=r"rows that differ.*to_circuit"):
        to_machine(random_cell(fabric, 0), 4)


def test_mistakes_say_what_was_expected() -> None:
    with pytest.raises(TypeError, match="cell"):
        to_machine(SerialCell(), 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bits is 65"):
        to_machine(TEXTBOOK["+"], 65)
