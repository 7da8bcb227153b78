"""Proofs of cells: never proved where exhaustive comparison finds a difference, and refuted only by what was run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.cells import (
    TEXTBOOK,
    ArrayCell,
    Counter,
    Fabric,
    LearnedCell,
    RowFeedback,
    SerialCell,
    Shifter,
    Tap,
    TwoPass,
)
from lutsmith.cells.proof import LAWS, CellProof, closures, exhaustive, holds, prove, reachable
from lutsmith.cells.textbook import specification, table

BITS = 5
HARMLESS = {
    # a carry never comes where a row adds nothing
    "*": [("cell", output, address) for output in (0, 1) for address in range(8, 12)],
    "%": [("decide", 0, 0), ("decide", 0, 1)],
    # where a = b, it does not matter which is taken
    "min": [("first_start", 0, 0)],
    "max": [("first_start", 0, 0)],
    # the flag is the last step's alone; of a sum that is not 0, no carry matters
    "N": [("start", 0, 0)],
    "V": [("start", 0, 0)],
    "Z": [("cell", 1, address) for address in (0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 15)],
}


def entries(cell: LearnedCell) -> Iterator[tuple[str, int, int]]:
    for shape in cell.fabric.tables:
        for output in range(shape.outputs):
            yield from ((shape.name, output, address) for address in range(1 << shape.rank))


def differing(left: LearnedCell, right: LearnedCell, width: int, with_zero: bool = True) -> list[tuple[int, int]]:
    """Operands at which two cells differ, slowly and clearly."""
    a, b = (each.reshape(-1) for each in np.meshgrid(np.arange(1 << width), np.arange(1 << width), indexing="ij"))
    wrong = left.evaluate(a, b, width) != right.evaluate(a, b, width)
    return list(zip(a[wrong & (with_zero | (b > 0))].tolist(), b[wrong & (with_zero | (b > 0))].tolist(), strict=True))


def hold(proof: CellProof, cell: LearnedCell, right: LearnedCell, bits: int = BITS) -> None:
    """Assert that an outcome agrees with running both cells."""
    with_zero = "b > 0" not in proof.scope
    wrong = [width for width in range(1, bits + 1) if differing(cell, right, width, with_zero)]
    if proof.outcome == "refuted":
        found = proof.counterexample
        assert found is not None
        assert int(cell.evaluate([found.a], [found.b], found.width)[0]) == found.given != found.expected
        assert int(right.evaluate([found.a], [found.b], found.width)[0]) == found.expected
        if wrong:
            assert found.width == wrong[0]
        else:
            assert found.width > bits
    else:
        assert proof.outcome == "proved"
        assert not wrong


def complemented(cell: LearnedCell, table_name: str = "cell", start: str = "start") -> LearnedCell:
    """The same function with the lowest bit of the state inverted, wherever a serial cell holds it."""
    tables = {name: np.array(bits) for name, bits in cell.tables.items()}
    state_place = 3 if table_name == "cell" and isinstance(cell.fabric, TwoPass) else 2
    rank = tables[table_name].shape[1].bit_length() - 1
    swapped = np.arange(1 << rank) ^ (1 << state_place)
    tables[table_name] = tables[table_name][:, swapped]
    streams = isinstance(cell.fabric, SerialCell) and cell.fabric.read == "stream"
    tables[table_name][int(streams)] ^= True
    tables[start][0] ^= True
    if isinstance(cell.fabric, TwoPass):
        tables["cell"] = tables["cell"][:, np.arange(8) ^ 4]
    return LearnedCell(cell.fabric, tables)


def inverted_carry(cell: LearnedCell) -> LearnedCell:
    """A divider, or a product of lower bits, of the same function whose carry is inverted."""
    tables = {name: np.array(bits) for name, bits in cell.tables.items()}
    chain = "subtract" if isinstance(cell.fabric, RowFeedback) else "cell"
    top = tables[chain].shape[1] // 2
    tables[chain] = tables[chain][:, np.arange(2 * top) ^ top]
    tables[chain][1] ^= True
    tables["start"] = ~tables["start"]
    if chain == "subtract":
        tables["decide"] = tables["decide"][:, ::-1]
        tables["restore"] = tables["restore"][:, np.arange(8) ^ 1]
    return LearnedCell(cell.fabric, tables)


LOW, BOTH = ArrayCell("low"), RowFeedback("both")
RELABELLED = {
    **{name: complemented(TEXTBOOK[name]) for name in ("+", "-")},
    **{name: complemented(TEXTBOOK[name], "first_cell", "first_start") for name in ("min", "max")},
    **{name: inverted_carry(TEXTBOOK[name]) for name in ("/", "%", "isqrt")},
    "*": inverted_carry(specification("*", LOW)),
    "/%": inverted_carry(specification("/%", BOTH)),
}


@pytest.mark.parametrize("operation", TEXTBOOK)
def test_the_textbooks_cells_are_proved_at_every_width_and_follow_their_laws(operation: str) -> None:
    proof = prove(TEXTBOOK[operation], operation)
    scope = "every width, b < width" if operation in {"SHL", "SHR", "ROL", "ROR"} else "every width"
    assert (proof.outcome, proof.scope, proof.checked) == ("proved", scope, 5), str(proof)
    assert exhaustive(TEXTBOOK[operation], operation, 6).counterexample is None
    assert holds(TEXTBOOK[operation], operation)
    assert set(LAWS) == set(TEXTBOOK)


@pytest.mark.parametrize("operation", TEXTBOOK)
def test_every_flipped_bit_is_refuted_or_proved_harmless(operation: str) -> None:
    right, harmless = TEXTBOOK[operation], []
    for entry in entries(right):
        cell = right.flipped(*entry)
        proof = prove(cell, operation)
        hold(proof, cell, right)
        if proof.outcome == "proved":
            assert proof.scope == "every width"
            harmless.append(entry)
        assert not holds(cell, operation) or exhaustive(cell, operation, BITS).counterexample is None
    assert harmless == HARMLESS.get(operation, [])


@pytest.mark.parametrize("operation", RELABELLED)
def test_an_equal_function_of_another_code_is_proved_and_its_flips_are_refuted(operation: str) -> None:
    cell = RELABELLED[operation]
    right = specification(operation, cell.fabric)
    assert right is not None
    assert cell != right
    proof = prove(cell, operation)
    assert (proof.outcome, proof.scope) == ("proved", "every width"), str(proof)
    for entry in entries(cell):
        hold(prove(cell.flipped(*entry), operation), cell.flipped(*entry), right)


def from_the_top(less: bool) -> LearnedCell:
    """A comparison from the highest bit, of two state bits: the answer, and whether it stands."""

    def step(a: int, b: int, answer: int, stands: int) -> tuple[int, int]:
        return (answer, stands) if stands or a == b else (int((a < b) is less), 1)

    return LearnedCell(SerialCell(2, "msb", "final"), {"start": [[0], [0]], "cell": table(4, step)})


@pytest.mark.parametrize("operation", ["<", ">"])
def test_a_comparison_from_the_highest_bit_is_proved_against_one_from_the_lowest(operation: str) -> None:
    cell = from_the_top(operation == "<")
    assert prove(cell, operation).scope == "every width"
    for entry in entries(cell):
        hold(prove(cell.flipped(*entry), operation), cell.flipped(*entry), TEXTBOOK[operation])


def cells(fabric: Fabric) -> st.SearchStrategy[LearnedCell]:
    def filled(bits: list[bool]) -> LearnedCell:
        ends = np.cumsum([shape.outputs << shape.rank for shape in fabric.tables])[:-1]
        parts = zip(fabric.tables, np.split(np.array(bits), ends), strict=True)
        return LearnedCell(fabric, {shape.name: part.reshape(shape.shape) for shape, part in parts})

    return st.lists(st.booleans(), min_size=fabric.num_entries, max_size=fabric.num_entries).map(filled)


STATE, ORDER = st.integers(1, 3), st.sampled_from(["lsb", "msb"])
ONE_BIT = st.builds(SerialCell, STATE, ORDER, st.sampled_from(["final", "readout"]))
SERIAL = ONE_BIT | st.builds(SerialCell, STATE, ORDER)
STREAMS = st.builds(SerialCell, STATE, extra=st.just(2)) | st.builds(TwoPass, ORDER, st.integers(0, 2))
OTHERS = st.sampled_from(
    [ArrayCell(), LOW, Counter(), Shifter(), *map(RowFeedback, ("quotient", "remainder", "both", "root"))]
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[LearnedCell, LearnedCell]:
    """Two cells of results of the same bits: each of its own kind, or few bits apart, so that equal ones come."""
    kind = draw(st.sampled_from([SERIAL, ONE_BIT, STREAMS, OTHERS]))
    fabric = draw(kind)
    left = draw(cells(fabric))
    other = draw(ONE_BIT) if kind is ONE_BIT else fabric
    if other != fabric or draw(st.booleans()):
        return left, draw(cells(other))
    right = left
    for entry in draw(st.lists(st.sampled_from(list(entries(left))), max_size=3)):
        right = right.flipped(*entry)
    return left, right


@settings(max_examples=150, deadline=None)
@given(pair=pairs(), zero=st.sampled_from(["ones", "skip"]))
def test_the_outcome_on_any_two_cells_agrees_with_running_both(
    pair: tuple[LearnedCell, LearnedCell], zero: str
) -> None:
    proof = prove(*pair, width=4, zero=zero)
    if proof.scope.startswith("width"):
        assert not differing(*pair, 4, "b > 0" not in proof.scope)
    elif zero == "skip" and proof.outcome == "refuted":
        assert proof.counterexample is not None
    else:
        hold(proof, *pair, bits=4)


@settings(max_examples=40, deadline=None)
@given(cell=st.one_of(SERIAL, OTHERS, STREAMS).flatmap(cells), width=st.integers(1, 3))
def test_entries_that_no_operands_read_are_those_that_running_all_never_reads(cell: LearnedCell, width: int) -> None:
    class Reading:
        """Evaluates one sample, and notes what it reads."""

        def __init__(self) -> None:
            self.read: dict[str, set[int]] = {name: set() for name in cell.tables}

        def constant(self, value: bool) -> bool:
            return value

        def cell(self, name: str, inputs: list[bool]) -> tuple[bool, ...]:
            address = sum(int(bit) << place for place, bit in enumerate(inputs))
            self.read[name].add(address)
            return tuple(bool(bit) for bit in cell.tables[name][:, address])

    on = Reading()
    for a in range(1 << width):
        for b in range(1 << width):
            operands = ([bool(word >> place & 1) for place in range(width)] for word in (a, b))
            cell.fabric.run(on, {name: name for name in cell.tables}, *operands)
    found = reachable(cell, width)
    assert {name: set(np.flatnonzero(bits).tolist()) for name, bits in found.items()} == on.read


def test_a_multipliers_entries_of_a_carry_without_a_row_are_never_read() -> None:
    unread = {("cell", address) for address in np.flatnonzero(~reachable(TEXTBOOK["*"], 6)["cell"]).tolist()}
    assert unread == {(name, address) for name, _, address in HARMLESS["*"]}


def test_one_bit_of_a_result_is_proved_at_a_width_where_the_whole_is_not_equal() -> None:
    low = LearnedCell(Tap(ArrayCell(), 0), TEXTBOOK["*"].flipped("cell", 1, 7).tables)
    proof = prove(low, "*", width=9)
    assert (proof.outcome, proof.scope, proof.method) == ("proved", "width 9", "SAT")
    top = LearnedCell(Tap(SerialCell(extra=1), -1), TEXTBOOK["+"].tables)
    assert prove(top, "+").scope == "every width"
    assert prove(LearnedCell(Tap(SerialCell(), -1), TEXTBOOK["+"].tables), "+").scope == "every width"


@pytest.mark.parametrize("operation", ["N", "V", "C"])
def test_the_highest_bit_of_a_stream_is_proved_against_a_state_at_the_end(operation: str) -> None:
    """A flag is one bit of a stream with one state bit; the textbook's are states at the end."""

    def step(a: int, b: int, c: int) -> tuple[int, int]:
        out, after = (a + b + c) & 1, (a + b + c) >> 1
        return {"N": out, "V": c ^ after, "C": out}[operation], after

    fabric = Tap(SerialCell(extra=int(operation == "C")), -1)
    cell, right = LearnedCell(fabric, {"start": [[0]], "cell": table(3, step)}), TEXTBOOK[operation]
    proof = prove(cell, operation)
    assert (proof.outcome, proof.scope, proof.checked) == ("proved", "every width", 5), str(proof)
    for entry in entries(cell):
        flipped = prove(cell.flipped(*entry), operation)
        hold(flipped, cell.flipped(*entry), right)
        assert flipped.outcome == "refuted" or operation == "C"


def test_a_counterexample_is_shown_in_decimal_and_binary() -> None:
    proof = prove(TEXTBOOK["+"].flipped("cell", 1, 3), "+")
    assert str(proof.counterexample) == "width 1: a 1 (1), b 1 (1), given 0 (00), expected 2 (10)"
    assert proof.to_json()["counterexample"]["expected"] == 2


def test_cells_of_other_results_and_unknown_operations_are_refused() -> None:
    wrong = {"%": "/", "/": "%", "isqrt": "/", "AND": "<", "*": "AND", "+": "mod", "min": "isqrt"}
    for cell, operation in ((TEXTBOOK[name], other) for name, other in wrong.items()):
        with pytest.raises(ValueError, match="expected"):
            prove(cell, operation)
    with pytest.raises(TypeError, match="cell is a str"):
        prove("+", "+")  # type: ignore[arg-type]
    for options in ({"width": 0}, {"max_seconds": 0}, {"zero": "one"}):
        with pytest.raises(ValueError, match="expected"):
            prove(TEXTBOOK["+"], "+", **options)  # type: ignore[arg-type]


def test_without_time_or_solver_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = prove(TEXTBOOK["/"], "/", max_seconds=1e-9)
    assert proof.outcome == "not decided"
    assert "ran out of time" in str(proof)
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    assert prove(TEXTBOOK["/"], "/").outcome == "proved"  # no solver is needed
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lutsmith\[sat\]'"):
        prove(LearnedCell(Tap(ArrayCell(), 0), TEXTBOOK["*"].flipped("cell", 1, 7).tables), "*")


def test_sums_of_other_lengths_are_proved_as_those() -> None:
    for extra in (0, 1, 3):
        for name in "+-":
            cell = LearnedCell(replace(TEXTBOOK[name].fabric, extra=extra), TEXTBOOK[name].tables)  # type: ignore[type-var]
            assert prove(cell, name).checked == 5


CARRIES_WITHOUT_A_ROW = ("01001101", "01001100", "01000001", "01000100", "01001001", "01000101")


@pytest.mark.parametrize("carries", CARRIES_WITHOUT_A_ROW)
def test_a_multiplier_that_differs_where_a_sum_would_be_above_a_is_proved_at_every_width(carries: str) -> None:
    """What is handed on is at most a, so that the last carry's column has a 1 of a where it has one of its own."""
    tables = {name: np.array(rows) for name, rows in TEXTBOOK["*"].tables.items()}
    without = [0, 1, 2, 3, 8, 9, 10, 11]
    tables["cell"][:, without] = [[address % 2 for address in without], [digit == "1" for digit in carries]]
    cell = LearnedCell(ArrayCell(), tables)
    proof = prove(cell, "*")
    assert proof.outcome == "proved"
    assert proof.scope == "every width"
    hold(proof, cell, TEXTBOOK["*"])


def test_a_multiplier_of_even_widths_alone_is_refuted() -> None:
    tables = {name: np.array(rows) for name, rows in TEXTBOOK["*"].tables.items()}
    without = [0, 1, 2, 3, 8, 9, 10, 11]
    tables["cell"][:, without] = [[address % 2 for address in without], [1, 1, 1, 1, 0, 0, 0, 0]]
    cell = LearnedCell(ArrayCell(), tables)
    assert not differing(cell, TEXTBOOK["*"], 4)
    hold(prove(cell, "*"), cell, TEXTBOOK["*"])
    assert prove(cell, "*").outcome == "refuted"


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 15)), max_size=6), st.booleans())
def test_rows_of_products_agree_only_where_products_do(flips: list[tuple[int, int]], begins: bool) -> None:
    cell = TEXTBOOK["*"].flipped("start", 0, 0) if begins else TEXTBOOK["*"]
    for flip in flips:
        cell = cell.flipped("cell", *flip)
    if closures.rows_agree(cell, TEXTBOOK["*"]):
        assert not any(differing(cell, TEXTBOOK["*"], width) for width in range(1, BITS + 1))
    other = LearnedCell(ArrayCell(), cell.tables)  # of any two cells, of which neither adds
    if closures.rows_agree(TEXTBOOK["*"], other):
        assert not any(differing(cell, TEXTBOOK["*"], width) for width in range(1, BITS + 1))


@pytest.mark.parametrize("order", ["lsb", "msb"])
def test_the_last_bit_of_a_stream_is_a_comparison_at_every_width(order: str) -> None:
    """`a < b` as counting writes it: the last bit that a stream gives, of the state before it and the highest bits."""
    if order == "lsb":
        less = [(a < b) or (a == b and s) for s in (0, 1) for b in (0, 1) for a in (0, 1)]
        cell = LearnedCell(Tap(SerialCell(), -1), {"start": [[0]], "cell": [less, less]})
        assert prove(cell, "<").scope == "every width"
        for address in range(8):
            hold(prove(cell.flipped("cell", 0, address), "<"), cell.flipped("cell", 0, address), TEXTBOOK["<"])
    else:  # of whether they were equal so far, from the highest bit
        same = [bool(s) and a == b for s in (0, 1) for b in (0, 1) for a in (0, 1)]
        cell = LearnedCell(Tap(SerialCell(order="msb"), 0), {"start": [[1]], "cell": [same, same]})
        assert prove(cell, "=").scope == "every width"
        hold(prove(cell.flipped("cell", 0, 7), "="), cell.flipped("cell", 0, 7), TEXTBOOK["="])


@pytest.mark.parametrize(
    ("fabric", "operation"),
    [
        (SerialCell(order="msb"), "+"),
        (SerialCell(1, "msb", "final"), "<"),
        (TwoPass("msb"), "min"),
        (Tap(ArrayCell(), 0), "*"),
    ],
)
def test_a_law_speaks_of_its_own_fabric(fabric: Fabric, operation: str) -> None:
    assert holds(TEXTBOOK[operation], operation)
    assert not holds(LearnedCell(fabric, TEXTBOOK[operation].tables), operation)


@pytest.mark.parametrize("operation", LAWS)
def test_laws_of_other_fabrics_do_not_hold(operation: str) -> None:
    for name, cell in TEXTBOOK.items():
        if holds(cell, operation):
            assert cell.fabric == TEXTBOOK[operation].fabric, name
