"""Cells found from one bit of the result by enumeration and by counting, on small operands and held to the truth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lutsmith.cells import TEXTBOOK, LearnedCell, Tap
from lutsmith.cells.learning.counting import learn_bit, learn_stream
from lutsmith.cells.learning.enumeration import learn_array, learn_rows
from lutsmith.cells.learning.examples import ContradictionError
from lutsmith.cells.learning.one_bit import MOST, learn_one_bit
from lutsmith.cells.readings import READINGS, bit_netlist, read_bit
from lutsmith.data.functions import KNOWN, ORACLES, load_function
from lutsmith.formats.scoring import score


def bits_of(numbers: np.ndarray, width: int) -> np.ndarray:
    return (numbers[:, None] >> np.arange(width) & 1).astype(np.bool_)


def pairs(width: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two operands, and their bits beside each other."""
    a, b = np.random.default_rng([seed, width]).integers(0, 1 << width, (2, count))
    return a, b, np.hstack([bits_of(a, width), bits_of(b, width)])


def bits(kind: str, a: np.ndarray, b: np.ndarray, width: int) -> np.ndarray:
    return np.array([ORACLES[kind](int(x), int(y), width) for x, y in zip(a, b, strict=True)], np.bool_)


def test_a_multiplier_is_found_from_the_middle_bit_of_few_products() -> None:
    a, b, x = pairs(12, 100)
    found = learn_array(x, bits("product", a, b, 12))
    assert found is not None
    whole = LearnedCell(found.cell.fabric.fabric, found.cell.tables)  # type: ignore[attr-defined]
    a, b, _ = pairs(30, 1000, 1)
    assert np.array_equal(whole.evaluate(a, b, 30) >> 29, a * b >> 29 & 1)
    for cell in found.survivors:
        changed = [name for name in cell.tables if (cell.tables[name] != found.cell.tables[name]).any()]
        assert all(found.free[name].any() for name in changed)
        assert np.array_equal(cell.outputs(x[:, :12], x[:, 12:])[:, 0], bits("product", *pairs(12, 100)[:2], 12))


@pytest.mark.parametrize(
    ("kind", "truth"),
    [("quotient", lambda a, b: a // b), ("remainder", lambda a, b: a % b), ("root", lambda a, _: math.isqrt(a))],
)
def test_rows_are_found_from_the_lowest_bit_of_their_result(kind: str, truth: Callable[[int, int], int]) -> None:
    a, b, x = pairs(8, 1500)
    found = learn_rows(x[:, :8] if kind == "root" else x, bits(kind, a, b, 8), kind)
    assert found is not None
    assert found.tried < MOST
    a, b, _ = pairs(40, 300, 1)
    b = (b >> np.random.default_rng(2).integers(0, 40, 300)) + 1
    expected = [truth(int(x), int(y)) & 1 for x, y in zip(a, b, strict=True)]
    lowest = [cell.evaluate(a, b, 40) for cell in found.survivors]
    assert expected in [answers.tolist() for answers in lowest]


@pytest.mark.parametrize("noise", [0, 0.1, 0.2])
@pytest.mark.parametrize("operation", ["+", "-", "AND", "XOR"])
def test_a_stream_is_counted_right_though_a_part_of_the_bits_is_wrong(operation: str, noise: float) -> None:
    a, b, x = pairs(8, 400)
    extra = operation in "+-"
    z = bits_of(TEXTBOOK[operation].evaluate(a, b, 8), 8 + extra)
    wrong = np.random.default_rng(1).random(z.shape) < noise
    found = learn_stream(x, z ^ wrong)
    assert (found.errors, found.bits) == (wrong.sum(), z.size)
    a, b, _ = pairs(50, 500, 2)
    mask = (1 << 50 + extra) - 1
    assert np.array_equal(found.cell.evaluate(a, b, 50), TEXTBOOK[operation].evaluate(a, b, 50) & mask)


@pytest.mark.parametrize("noise", [0, 0.1])
@pytest.mark.parametrize("kind", ["sum", "sum sign", "less", "product sign"])
def test_one_bit_of_signed_integers_is_counted_right(kind: str, noise: float) -> None:
    a, b, x = pairs(4, 4000)
    y = bits(kind, a, b, 4)
    wrong = np.random.default_rng(1).random(len(y)) < noise
    found = learn_bit(x, y ^ wrong)
    assert found.errors == wrong.sum()
    fabric = found.cell.fabric.fabric if isinstance(found.cell.fabric, Tap) else found.cell.fabric
    assert fabric.state_bits == 1 + (kind == "product sign")  # type: ignore[attr-defined]
    a, b, x = pairs(20, 1000, 1)
    a[:99] = 0
    x = np.hstack([bits_of(a, 20), bits_of(b, 20)])
    assert np.array_equal(found.cell.outputs(x[:, :20], x[:, 20:])[:, 0], bits(kind, a, b, 20))


def test_contradictions_and_other_shapes_are_one_clear_message() -> None:
    x, y = np.zeros((2, 8), np.bool_), np.array([0, 1], np.bool_)
    for learn in (learn_array, learn_one_bit, lambda x, y: learn_rows(x, y, "root")):
        with pytest.raises(ContradictionError, match=r"^examples 0 and 1 have the same inputs and different results"):
            learn(x, y)
        with pytest.raises(ValueError, match=r"y has shape \(3,\), expected \(2,\)"):
            learn(x, np.zeros(3, np.bool_))
    with pytest.raises(ValueError, match=r"x has shape \(2, 7\), expected \(N, 2 n\)"):
        learn_array(x[:, :7], y)
    with pytest.raises(ValueError, match=r"x has shape \(0, 8\)"):
        learn_bit(x[:0], y[:0])
    with pytest.raises(ValueError, match="z has shape"):
        learn_stream(x, np.zeros((2, 3), np.bool_))
    with pytest.raises(ValueError, match="result is 'both'"):
        learn_rows(x, y, "both")


def test_what_no_cell_gives_is_not_found() -> None:
    x = np.array(list(itertools.product([0, 1], repeat=6)), np.bool_)
    y = np.random.default_rng(0).random(64) < 0.5
    assert learn_array(x, y, most=5000) is None
    assert learn_rows(x, y, "quotient", most=5000) is None
    found = learn_one_bit(x, y, most=500)
    assert found is not None
    assert found.fabric == "serial"
    assert found.errors == (found.cell.outputs(x[:, :3], x[:, 3:])[:, 0] != y).sum() > 0
    assert found.survivors == ()


@pytest.mark.parametrize("kind", list(READINGS))
@pytest.mark.parametrize("width", [2, 3, 4])
def test_an_alus_cells_say_each_bit_of_all_operands(kind: str, width: int) -> None:
    operands = READINGS[kind].operands
    x = np.array(list(itertools.product([0, 1], repeat=operands * width)), np.bool_)
    numbers = x @ (1 << np.arange(operands * width))
    expected = bits(kind, numbers & (1 << width) - 1, numbers >> width, width)
    assert np.array_equal(read_bit(kind, TEXTBOOK, width).evaluate(x)[:, 0], expected)


@pytest.mark.parametrize("name", ["ex00", "ex07", "ex10", "ex15", "ex20", "ex21", "ex24", "ex39", "ex40", "ex45"])
def test_functions_of_the_contest_are_found_from_their_own_rows(datasets: Path, name: str) -> None:
    function = load_function(name, datasets)
    found = learn_one_bit(function.train.x, function.train.y)
    assert found is not None
    result = score(bit_netlist(found.cell, function.num_inputs, found.operands), function)
    assert (result.train, result.valid, result.test) == (1, 1, 1)
    assert KNOWN[name].operands == found.operands
