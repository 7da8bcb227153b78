"""Under label noise: nothing misses fewer bits than what is called optimal, and limits are kept."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.cells import ArrayCell, Bitwise, Counter, Fabric, LearnedCell, RowFeedback, SerialCell
from lutsmith.cells.evaluators import Clauses
from lutsmith.cells.learning.core_guided import CoreGuided
from lutsmith.cells.learning.counting import learn_stream
from lutsmith.cells.learning.examples import Examples
from lutsmith.cells.learning.local_search import Judge, entries_of, tables_of
from lutsmith.cells.learning.maxsat import MaxSatResult, learn_maxsat
from lutsmith.cells.solver import solver
from lutsmith.data.alu.words import to_bits
from tests.cells.test_fabrics import EVERY, random_cell


def noisy(fabric: Fabric, z: np.ndarray, width: int, flips: float, seed: int = 0) -> np.ndarray:
    bits = fabric.result_bits(width)
    return z ^ (np.random.default_rng([seed, 3]).random((len(z), bits)) < flips) @ (1 << np.arange(bits))


@pytest.mark.parametrize("fabric", EVERY, ids=str)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.integers(1, 5), count=st.integers(1, 130))
def test_many_cells_at_once_miss_what_each_misses(fabric: Fabric, seed: int, width: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 1 << width, (2, count))
    z = rng.integers(0, 1 << fabric.result_bits(width), count)
    examples = Examples.of(fabric, a, b, z, width)
    cells = [random_cell(fabric, seed + number) for number in range(3)]
    missed = Judge(fabric, examples).missed(np.stack([entries_of(cell) for cell in cells]))
    assert missed.tolist() == [int((cell.outputs(examples.a, examples.b) != examples.z).sum()) for cell in cells]
    assert LearnedCell(fabric, tables_of(fabric, entries_of(cells[0]))) == cells[0]


@pytest.mark.parametrize("fabric", [Bitwise(), Counter()], ids=str)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.integers(1, 4), count=st.integers(1, 20))
def test_the_optimum_is_that_of_all_tables(fabric: Fabric, seed: int, width: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 1 << width, (2, count))
    z = rng.integers(0, 1 << fabric.result_bits(width), count)
    every = np.arange(1 << fabric.num_entries)[:, None] >> np.arange(fabric.num_entries) & 1 == 1
    fewest = Judge(fabric, Examples.of(fabric, a, b, z, width)).missed(every).min()
    found = learn_maxsat(fabric, a, b, z, width, seed=seed, descents=2)
    assert (found.missed, found.at_least, found.optimal) == (fewest, fewest, True)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 12))
def test_the_optimum_of_a_stream_is_what_counting_finds(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, z = rng.integers(0, 8, (3, count))
    counted = learn_stream(np.hstack([to_bits(a, 3), to_bits(b, 3)]).astype(bool), to_bits(z, 3).astype(bool))
    fabric = SerialCell(order=counted.cell.fabric.order)  # type: ignore[attr-defined]
    found = learn_maxsat(fabric, a, b, z, 3, seed=seed)
    assert found.optimal
    assert found.missed == counted.errors


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=30), st.integers(0, 2**32))
def test_a_bound_is_how_many_wishes_have_to_fail(wishes: list[tuple[int, bool]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    hard = [[int(x) * int(s) for x, s in zip(rng.integers(1, 5, 3), rng.choice([-1, 1], 3), strict=True)] for _ in "ab"]
    worlds = [{place + 1: bool(number >> place & 1) for place in range(4)} for number in range(16)]
    holding = [w for w in worlds if all(any(w[abs(x)] is (x > 0) for x in clause) for clause in hard)]
    with solver() as asked, CoreGuided(asked, Clauses(asked.add_clause, 4)) as cores:
        for clause in hard:
            asked.add_clause(clause)
        for number, (bit, value) in enumerate(wishes, 1):
            cores.wish(bit, value)
            if number % 7 == 0 or number == len(wishes):
                while cores.raised(time.monotonic() + 60):
                    pass
                told = wishes[:number]
                assert cores.bound == min(sum(w[bit] is not value for bit, value in told) for w in holding)


@pytest.mark.parametrize("flips", [0.1, 0.2])
def test_addition_is_learned_and_proved_best_with_bits_inverted(flips: float) -> None:
    a, b = np.random.default_rng(1).integers(0, 1 << 15, (2, 24))
    fabric = SerialCell(extra=1)
    found = learn_maxsat(fabric, a, b, noisy(fabric, a + b, 15, flips), 15)
    assert found.optimal
    assert 0 < found.missed < 2 * flips * found.bits
    a, b = np.random.default_rng(2).integers(0, 1 << 40, (2, 1000))
    assert np.array_equal(found.cell.evaluate(a, b, 40), a + b)
    assert LearnedCell.of_json(found.to_json()["cell"]) == found.cell


@pytest.mark.parametrize(("fabric", "width", "count"), [(ArrayCell(), 4, 64), (RowFeedback("both"), 5, 200)], ids=str)
def test_larger_cells_are_found_without_a_proof(fabric: Fabric, width: int, count: int) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 1 << width, count), rng.integers(1, 1 << width, count)

    def right(a: Any, b: Any, width: int) -> Any:
        return a * b if isinstance(fabric, ArrayCell) else a // b | a % b << width

    found = learn_maxsat(fabric, a, b, noisy(fabric, right(a, b, width), width, 0.2), width, prove=False)
    assert not found.optimal
    assert found.at_least == 0
    assert found.agreed > 1
    a, b = rng.integers(0, 1 << 15, 1000), rng.integers(1, 1 << 15, 1000)
    assert np.array_equal(found.cell.evaluate(a, b, 15), right(a, b, 15))


def test_what_examples_leave_open_is_made_simple() -> None:
    found = learn_maxsat(Bitwise(), [1, 1, 1, 2, 0], [2, 2, 2, 1, 0], [3, 3, 0, 3, 0], 2)
    assert (found.missed, found.at_least) == (2, 2)
    assert found.cell.tables["cell"].tolist() == [[False, True, True, False]]  # OR has three terms


def hard() -> tuple[Any, ...]:
    a, b = np.random.default_rng(4).integers(0, 256, (2, 200))
    return ArrayCell(), a, b, noisy(ArrayCell(), a * b, 8, 0.3), 8


def test_a_time_limit_gives_the_best_so_far() -> None:
    begun = time.monotonic()
    found = learn_maxsat(*hard(), max_seconds=1.5, descents=1)
    assert time.monotonic() - begun < 20
    assert 0 <= found.at_least < found.missed < found.bits / 2
    assert not found.optimal
    assert learn_maxsat(*hard(), max_seconds=1e-9).descents == 1


def test_ctrl_c_is_heard_while_the_solver_works() -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, pressed)
    begun = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            learn_maxsat(*hard(), max_seconds=60, descents=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begun < 20


def test_right_examples_need_no_proof_and_the_seed_decides() -> None:
    a, b = np.random.default_rng(5).integers(0, 64, (2, 100))
    first, again = (learn_maxsat(SerialCell(extra=1), a, b, a + b, 6, seed=7) for _ in range(2))
    assert isinstance(first, MaxSatResult)
    assert (first.missed, first.at_least, first.optimal) == (0, 0, True)
    assert first.cell == again.cell


def test_only_the_proof_needs_a_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pysat", "pysat.solvers", "lutsmith.cells.learning.core_guided"):
        monkeypatch.setitem(sys.modules, name, None)
    given: tuple[Any, ...] = Bitwise(), [1, 1, 1], [1, 1, 1], [1, 1, 0], 1
    assert learn_maxsat(*given, prove=False).missed == 1
    with pytest.raises(ModuleNotFoundError, match=r"lutsmith\[sat\]"):
        learn_maxsat(*given)


@pytest.mark.parametrize(
    ("changed", "kind", "says"),
    [
        ({"a": []}, ValueError, "0, 1 and 1 rows"),
        ({"z": [4]}, ValueError, "z is 4"),
        ({"max_seconds": 0}, ValueError, "max_seconds is 0"),
        ({"descents": 0}, ValueError, "descents is 0"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"fabric": "+"}, TypeError, "fabric is a str"),
    ],
)
def test_mistakes(changed: dict[str, Any], kind: type[Exception], says: str) -> None:
    given: dict[str, Any] = {"fabric": Bitwise(), "a": [1], "b": [1], "z": [1], "width": 2}
    with pytest.raises(kind, match=says):
        learn_maxsat(**given | changed)
