"""Truth tables as expressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import NetlistBuilder
from lutsmith.circuit.netlist import table_mask
from lutsmith.export.expressions import Syntax, matters, sums_of_products, templates

VERILOG = Syntax("~", " & ", " | ", " ^ ", "{0} ? {1} : {2}", "1'b0", "1'b1")
NAMES = [f"x{slot}" for slot in range(6)]


class Bit:
    """A function of the inputs, as its truth table."""

    def __init__(self, word: int) -> None:
        self.word = word

    def __invert__(self) -> Bit:
        return Bit(~self.word & 2**64 - 1)

    def __and__(self, other: Bit) -> Bit:
        return Bit(self.word & other.word)

    def __or__(self, other: Bit) -> Bit:
        return Bit(self.word | other.word)

    def __xor__(self, other: Bit) -> Bit:
        return Bit(self.word ^ other.word)


VARIABLES = {name: Bit(sum(1 << a for a in range(64) if a >> slot & 1)) for slot, name in enumerate(NAMES)}


def value_of(expression: str, rank: int) -> int:
    syntax = {"mux": lambda s, t, f: s & t | ~s & f, "zero": Bit(0), "one": Bit(2**64 - 1), **VARIABLES}
    return eval(expression, syntax).word & int(table_mask(np.array([rank]))[0])


EVALUATED = Syntax("~", " & ", " | ", " ^ ", "mux({0}, {1}, {2})", "zero", "one", call=True)


def tables_of(rank: int, seed: int, count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 2**64, count, dtype=np.uint64)
    sparse = dense & rng.integers(0, 2**64, count, dtype=np.uint64) & rng.integers(0, 2**64, count, dtype=np.uint64)
    names = [bit.word for bit in VARIABLES.values()]
    known = np.array([0, 2**64 - 1, names[0] ^ names[2] ^ names[5], *names, 0x8000000000000000, 1], np.uint64)
    return np.concatenate([dense, sparse, ~sparse, known]) & table_mask(np.array([rank]))


@pytest.mark.parametrize("rank", range(7))
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_expression_is_its_table(rank: int, seed: int) -> None:
    tables = tables_of(rank, seed)
    for table, text in zip(tables.tolist(), templates(tables, rank, EVALUATED), strict=True):
        assert value_of(text.format(*NAMES), rank) == table


@pytest.mark.parametrize("rank", range(7))
def test_a_sum_of_products_covers_its_table_and_no_product_can_go(rank: int) -> None:
    tables = tables_of(rank, 5, 12)
    chosen = sums_of_products(tables, rank)
    variables = list(VARIABLES.values())
    mask = int(table_mask(np.array([rank]))[0])
    for column, table in enumerate(tables.tolist()):
        cubes = []
        for cube in np.flatnonzero(chosen[:, column]).tolist():
            word = mask
            for slot in range(rank):
                digit = cube // 3**slot % 3
                word &= {0: mask, 1: variables[slot].word, 2: ~variables[slot].word}[digit]
            cubes.append(word)
        assert sum_of(cubes) == table
        assert all(sum_of(cubes[:at] + cubes[at + 1 :]) != table for at in range(len(cubes)))


def sum_of(words: list[int]) -> int:
    total = 0
    for word in words:
        total |= word
    return total


@pytest.mark.parametrize(
    ("table", "rank", "expected"),
    [
        (0, 0, "1'b0"),
        (1, 0, "1'b1"),
        (0b10, 1, "{0}"),
        (0b01, 1, "~{0}"),
        (0b1000, 2, "{0} & {1}"),
        (0b0110, 2, "{0} ^ {1}"),
        (0b0001, 2, "~({0} | {1})"),
        (0xE8, 3, "({0} & {1}) | ({0} & {2}) | ({1} & {2})"),
        (0xCA, 3, "{2} ? {1} : {0}"),
        (2**64 - 1, 6, "1'b1"),
        (1 << 63, 6, "{0} & {1} & {2} & {3} & {4} & {5}"),
    ],
)
def test_known_functions_are_written_as_people_do(table: int, rank: int, expected: str) -> None:
    assert next(templates(np.array([table], np.uint64), rank, VERILOG)) == expected


def test_random_functions_of_six_variables_stay_short() -> None:
    tables = np.random.default_rng(0).integers(0, 2**64, 300, dtype=np.uint64)
    literals = [text.count("{") for text in templates(tables, 6, VERILOG)]
    assert np.mean(literals) < 40  # irredundant sums of products alone have 75


def test_only_inputs_that_matter_are_counted() -> None:
    builder = NetlistBuilder(3)
    builder.lut([[0, 1, 2]], np.array([0b10101010], np.uint64))
    both = builder.lut([[0, 1]], np.array([0b0110], np.uint64))
    netlist = builder.build(both)
    assert dict(zip(map(tuple, _slots(netlist)), matters(netlist).tolist(), strict=True)) == {
        (0, 0): True,
        (0, 1): False,
        (0, 2): False,
        (1, 0): True,
        (1, 1): True,
    }


def _slots(netlist) -> list[list[int]]:
    return [[node, slot] for node, rank in enumerate(netlist.ranks.tolist()) for slot in range(rank)]
