"""Fabrics give what the operations are, at every width, on every evaluator: arrays, clauses, netlists."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.cells import (
    FABRICS,
    TEXTBOOK,
    ArrayCell,
    Bitwise,
    Counter,
    Fabric,
    LearnedCell,
    RowFeedback,
    SerialCell,
    Shifter,
    Tap,
    TwoPass,
    fabric_of,
)
from lutsmith.cells.evaluators import Clauses, Hard, Netlists
from lutsmith.circuit import NetlistBuilder
from lutsmith.data.alu.operations import operation

EVERY: list[Fabric] = [
    Bitwise(),
    SerialCell(extra=2),
    SerialCell(2, order="msb"),
    SerialCell(1, read="final"),
    SerialCell(3, order="msb", read="final"),
    SerialCell(2, read="readout"),
    TwoPass("msb", 1),
    TwoPass(),
    ArrayCell(),
    ArrayCell("low"),
    *map(RowFeedback, ("quotient", "remainder", "both", "root")),
    Counter(),
    Shifter("left"),
    Shifter("right", rotate=True),
    Tap(ArrayCell("low"), -1),
    Tap(RowFeedback("both")),
]


def random_cell(fabric: Fabric, seed: int) -> LearnedCell:
    rng = np.random.default_rng(seed)
    return LearnedCell(fabric, {table.name: rng.integers(0, 2, table.shape) for table in fabric.tables})


def slow(cell: LearnedCell, a: list[bool], b: list[bool]) -> list[bool]:
    """One sample, and a table is a list that is indexed."""

    class Plain:
        def constant(self, value: bool) -> bool:
            return value

        def cell(self, table: np.ndarray, inputs: tuple[bool, ...]) -> tuple[bool, ...]:
            address = sum(bit << place for place, bit in enumerate(inputs))
            return tuple(bool(row[address]) for row in table)

    return list(cell.fabric.run(Plain(), cell.tables, a, b))


def defined(name: str, width: int) -> bool:
    """Shifts of textbook cells read b's lowest bits; those of the operation all of it."""
    return name not in {"ROL", "ROR"} or not width & (width - 1)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_a_textbook_cell_is_the_operation_at_small_widths(name: str) -> None:
    cell, truth = TEXTBOOK[name], operation(name)
    for width in filter(lambda width: defined(name, width), range(1, 6)):
        a, b = np.divmod(np.arange(1 << 2 * width), 1 << width)
        if "S" in name or name in {"ROL", "ROR"}:
            b %= 1 << (width - 1).bit_length() if width > 1 else 1
        wanted = truth.evaluate(a, b if truth.arity == 2 else None, width)
        given = cell.evaluate(a, b, width, signed=truth.result_signed())
        assert np.array_equal(given, wanted), width
        assert cell.fabric.result_bits(width) == truth.result_bits(width)


@pytest.mark.parametrize("name", ["+", "-", "*", "/", "%", ">", "min", "isqrt", "popcount"])
def test_the_same_cell_runs_at_64_bits_and_beyond(name: str) -> None:
    truth, rng = operation(name), np.random.default_rng(1)
    for width in (15, 63, 64, 65, 130):
        a, b = (
            [
                int.from_bytes(rng.bytes(17), "little") >> int(shift) & (1 << width) - 1
                for shift in rng.integers(0, 136, 90)
            ]
            for _ in range(2)
        )
        a += [0, 0, (1 << width) - 1, 1, (1 << width) - 1]
        b += [0, 1, (1 << width) - 1, 0, 1]
        wanted = truth.evaluate(a, b if truth.arity == 2 else None, width)
        assert TEXTBOOK[name].evaluate(a, b, width, signed=truth.result_signed()).tolist() == wanted.tolist()


@pytest.mark.parametrize("fabric", EVERY, ids=str)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.integers(1, 6), samples=st.sampled_from([0, 1, 63, 64, 65]))
def test_arrays_clauses_and_netlists_agree_with_one_sample_at_a_time(
    fabric: Fabric, seed: int, width: int, samples: int
) -> None:
    cell, rng = random_cell(fabric, seed), np.random.default_rng(seed)
    a, b = rng.integers(0, 2, (2, samples, width)).astype(bool)
    wanted = np.array([slow(cell, *pair) for pair in zip(a.tolist(), b.tolist(), strict=True)], bool)
    wanted = wanted.reshape(samples, fabric.result_bits(width))
    assert np.array_equal(cell.outputs(a, b), wanted)
    for name in (None, "cell"):
        builder = NetlistBuilder(2 * width)
        on = Netlists(builder, name)
        bits = fabric.run(on, cell.tables, list(range(width)), list(range(width, 2 * width)))
        netlist, _ = builder.build_parts([on.signal(bit) for bit in bits])
        assert np.array_equal(netlist.evaluate(np.concatenate([a, b], axis=1)), wanted)
    for sample in range(min(samples, 2)):  # inputs are known: nothing is left to solve
        clauses: list[list[int]] = []
        known = fabric.run(Clauses(clauses.append), cell.tables, a[sample].tolist(), b[sample].tolist())
        assert list(known) == wanted[sample].tolist()
        assert not clauses


@pytest.mark.parametrize("fabric", EVERY, ids=str)
def test_fabrics_and_cells_come_back_from_json(fabric: Fabric) -> None:
    cell = random_cell(fabric, 3)
    again = LearnedCell.of_json(json.loads(json.dumps(cell.to_json())))
    assert again == cell
    assert hash(again) == hash(cell)
    assert fabric_of(fabric.to_json()) == fabric
    assert {type(each).kind for each in EVERY} == set(FABRICS)
    assert fabric.num_entries == sum(table.size for table in cell.tables.values())


@pytest.mark.parametrize("name", ["+", "*", "/", "isqrt", "min", "SHL", "popcount"])
def test_a_circuit_of_parts_predicts_what_the_cell_says(name: str) -> None:
    cell, width, rng = TEXTBOOK[name], 12, np.random.default_rng(2)
    circuit = cell.to_circuit(width)
    words = rng.integers(0, 1 << width, (200, 2))
    features = words if cell.fabric.reads_b else words[:, :1]
    assert np.array_equal(circuit.predict(features), cell.evaluate(words[:, 0], words[:, 1], width))
    assert circuit.parts


def test_one_flipped_bit_is_one_flipped_bit() -> None:
    cell = TEXTBOOK["*"]
    other = cell.flipped("cell", 1, 5)
    assert other != cell
    assert np.flatnonzero((other.tables["cell"] != cell.tables["cell"]).reshape(-1)).tolist() == [16 + 5]
    assert other.flipped("cell", 1, 5) == cell


def test_known_bits_are_left_out_of_arrays_and_clauses() -> None:
    adder = np.array([[0, 1, 1, 0, 1, 0, 0, 1]], bool)
    assert Hard().cell(adder, (True, False, True)) == (False,)
    clauses: list[list[int]] = []
    on = Clauses(clauses.append, variables=1)
    assert on.cell(adder, (1, False, False)) == (1,)
    assert on.cell(adder, (1, True, False)) == (-1,)
    on.equal(True, False)
    assert clauses == [[]]


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: LearnedCell(Bitwise(), {}), ValueError, "tables are none; expected cell"),
        (lambda: LearnedCell(Bitwise(), {"cell": [[0, 1]]}), ValueError, r"shape \(1, 2\), expected \(1, 4\)"),
        (lambda: LearnedCell(Bitwise(), {"cell": [[0, 1, 2, 0]]}), ValueError, "holds 2"),
        (
            lambda: TEXTBOOK["+"].evaluate([1, 16], [1, 1], 4),
            ValueError,
            "a is 16 at place 1; expected .* 0 to 15",
        ),
        (lambda: TEXTBOOK["+"].evaluate([-1], [1], 64), ValueError, "a is -1"),
        (lambda: TEXTBOOK["+"].evaluate([1], [1 << 70], 70), ValueError, "b is"),
        (lambda: TEXTBOOK["+"].evaluate([1.5], [1], 4), TypeError, "a holds 1.5 at place 0; expected integers"),
        (lambda: TEXTBOOK["+"].evaluate([np.nan], [1], 4), TypeError, "nan at place 0; expected integers"),
        (lambda: TEXTBOOK["+"].evaluate([True], [1], 4), TypeError, "True at place 0; expected integers"),
        (lambda: TEXTBOOK["+"].evaluate([1], [1], 0), ValueError, "width is 0"),
        (lambda: SerialCell(0), ValueError, "state_bits is 0"),
        (lambda: SerialCell(order="up"), ValueError, "expected one of lsb, msb"),
        (lambda: SerialCell(extra=1, order="msb"), ValueError, "lowest bit alone"),
        (lambda: fabric_of({"kind": "spiral"}), ValueError, "kind is 'spiral'"),
        (lambda: fabric_of({"kind": "array", "rows": 3}), ValueError, "has no rows"),
        (lambda: LearnedCell.of_json({"fabric": {"kind": "bitwise"}}), ValueError, "fabric and tables"),
        (
            lambda: LearnedCell.of_json({"fabric": {"kind": "bitwise"}, "tables": {"cell": ["01x0"]}}),
            ValueError,
            "texts of 0 and 1",
        ),
    ],
)
def test_mistakes_say_what_was_expected(wrong: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        wrong()  # type: ignore[operator]
