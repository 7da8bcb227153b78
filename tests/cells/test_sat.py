"""Cells learned by satisfiability agree with every example, use few, and say so where they cannot."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.cells import ArrayCell, Bitwise, Fabric, LearnedCell, RowFeedback, SerialCell
from lutsmith.cells.learning.examples import ContradictionError
from lutsmith.cells.learning.sat import NotDecidedError, learn_sat
from lutsmith.data.alu.operations import operation
from tests.cells.test_fabrics import EVERY, random_cell

FABRIC_OF: dict[str, Fabric] = {
    "+": SerialCell(extra=1),
    "-": SerialCell(extra=1),
    "*": ArrayCell(),
    "/": RowFeedback(),
    "%": RowFeedback("remainder"),
    "XOR": Bitwise(),
    ">": SerialCell(read="final"),
    "=": SerialCell(read="final"),
}


def pairs(width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Half of them uniform, half short, equal or beside each other."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 1 << width, (2, 4000)) >> rng.integers(0, width, (2, 4000)) * (rng.random((2, 4000)) < 0.5)
    b[:500] = a[:500]
    b[500:1000] = np.clip(a[500:1000] + rng.integers(-1, 2, 500), 0, (1 << width) - 1)
    return a, np.maximum(b, 1)


@pytest.mark.parametrize("name", FABRIC_OF)
def test_a_dozen_of_examples_is_enough_for_any_width(name: str) -> None:
    truth = operation(name)
    a, b = pairs(10)
    result = learn_sat(FABRIC_OF[name], a, b, truth.evaluate(a, b, 10), 10)
    assert 1 <= len(result.used) <= 16
    assert len(set(result.used)) == len(result.used)
    for width in (10, 40):
        a, b = pairs(width, seed=1)
        assert np.array_equal(result.cell.evaluate(a, b, width, signed=name == "-"), truth.evaluate(a, b, width))
    assert LearnedCell.of_json(result.to_json()["cell"]) == result.cell


@pytest.mark.parametrize("fabric", [fabric for fabric in EVERY if fabric.num_entries <= 32], ids=str)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.integers(1, 4))
def test_whatever_a_cell_gives_is_learned_from_it(fabric: Fabric, seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 1 << width, (2, 50))
    z = random_cell(fabric, seed).evaluate(a, b, width)
    found = learn_sat(fabric, a, b, z, width, seed=seed).cell
    assert np.array_equal(found.evaluate(a, b, width), z)


def test_what_examples_leave_open_is_told() -> None:
    result = learn_sat(Bitwise(), [1], [1], [1], 1, find_free=True)
    assert result.free == (("cell", 0, 0), ("cell", 0, 1), ("cell", 0, 2))
    whole = learn_sat(Bitwise(), [3], [5], [1], 4, find_free=True)
    assert whole.free == ()


def test_examples_that_contradict_each_other_are_named() -> None:
    with pytest.raises(ContradictionError, match=r"\(1, 1\) -> [01]; \(1, 1\) -> [01], ") as error:
        learn_sat(Bitwise(), [0, 1, 1], [0, 1, 1], [0, 1, 0], 1)
    assert "\n" not in str(error.value)
    a, b = pairs(6)
    with pytest.raises(ContradictionError, match="needs another fabric"):
        learn_sat(SerialCell(extra=6), a, b, a * b, 6)


def test_a_time_limit_is_kept() -> None:
    begun, (a, b) = time.monotonic(), pairs(16)
    with pytest.raises(NotDecidedError, match="max_seconds"):
        learn_sat(RowFeedback(), a, b, a // b ^ (a & b & 1), 16, max_seconds=0.5)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([], [], [], 4), "no examples"),
        (([1, 2], [1], [1, 2], 4), "2, 1 and 2 rows"),
        (([16], [1], [1], 4), "a holds 16"),
        (([1], [1], [16], 4), "z holds 16"),
        (([1], [1], [1], 0), "width is 0"),
    ],
)
def test_mistakes_in_examples(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        learn_sat(Bitwise(), *arguments)  # type: ignore[arg-type]
