"""Ways to learn operations of an ALU, by name: which examples each asks for, and which learner of cells they go to.

A learner takes one operation, or `/` and `%` together: a divider's rows give both results, and an example with both
says so much that one to three are enough. Each of them counts as an example of both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.cells import ArrayCell, Bitwise, Fabric, LearnedCell, RowFeedback, SerialCell, Tap
from lutsmith.cells.learning.counting import learn_bit, learn_stream
from lutsmith.cells.learning.enumeration import learn_array, learn_rows
from lutsmith.cells.learning.examples import Examples
from lutsmith.cells.learning.local_search import Judge, entries_of, tables_of
from lutsmith.cells.learning.sat import NotDecidedError, learn_sat
from lutsmith.cells.learning.templates import search_templates
from lutsmith.data.alu.operations import Operation, operation
from lutsmith.data.alu.samplers import draw

POOL = 20_000
"""Labelled examples that satisfiability may choose from."""
TRIPLES = 2_000
"""Examples that a learner gets which is not told the operation."""
MIXTURE = {"uniform": 1.0, "edge": 1.0}
"""Of which operands are drawn: no uniform example shows a tie."""

DIVISIONS = ("/", "%")


@dataclass(frozen=True)
class LearnedOperation:
    """The record of learning one operation.

    Attributes:
        name: of the operation.
        cell: the learned cell.
        examples: how many labelled examples the learner used.
        seconds: of learning; of operations that were learned together, all of it is with the first.
        method: by which it was learned.
    """

    name: str
    cell: LearnedCell
    examples: int
    seconds: float
    method: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "operation": self.name,
            "examples": self.examples,
            "seconds": self.seconds,
            "method": self.method,
            "table_bits": self.cell.fabric.num_entries,
            "cell": self.cell.to_json(),
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> LearnedOperation:
        """Return what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: values that are none.
        """
        cell = LearnedCell.of_json(values["cell"])
        operation(values["operation"])
        return cls(values["operation"], cell, int(values["examples"]), float(values["seconds"]), str(values["method"]))


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples of an operation: operands (N,), and results (N,)."""

    a: NDArray[Any]
    b: NDArray[Any]
    z: NDArray[Any]

    @property
    def columns(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """a, b, z."""
        return self.a, self.b, self.z


def drawn(truth: Operation, count: int, bits: int, rng: np.random.Generator) -> Labelled:
    """Return labelled examples where an operation is defined, uniform ones and edge points alike.

    Those of one operand have a second one as well, any word: it must not matter.
    """
    a, b = draw(MIXTURE, truth, 2 * count, bits, rng=rng)
    two = truth.arity == 2
    keep = np.flatnonzero(truth.defined(a, b) if two else truth.defined(a))[:count]
    a, b = a[keep], b[keep]
    z = truth.evaluate(a, b if two else None, bits)
    return Labelled(a, b if two else rng.integers(0, (1 << bits) - 1, len(a), np.uint64, endpoint=True), z)


@dataclass(frozen=True)
class Learning:
    """How one group of operations is to be learned.

    Attributes:
        truths: the operation; or `/` and `%`, which are learned together.
        fabric: in which.
        bits: of the operands.
        rng: of examples and of all else that is random.
        max_seconds: after which `NotDecidedError` is raised.
    """

    truths: tuple[Operation, ...]
    fabric: Fabric
    bits: int
    rng: np.random.Generator
    max_seconds: float

    @property
    def truth(self) -> Operation:
        """The first operation."""
        return self.truths[0]

    def examples(self, count: int, bits: int) -> Labelled:
        """Return labelled examples; of `/` and `%` the result is both, the quotient in the low bits."""
        found = drawn(self.truth, count, bits, self.rng)
        if len(self.truths) == 1:
            return found
        quotient, remainder = (operation(name).evaluate(found.a, found.b, bits) for name in DIVISIONS)
        both = [int(q) | int(r) << bits for q, r in zip(quotient.tolist(), remainder.tolist(), strict=True)]
        return Labelled(found.a, found.b, np.array(both, object))


def grouped(truths: Sequence[Operation]) -> list[tuple[Operation, ...]]:
    """Return operations, each alone but `/` and `%` together, in the order of the first of them."""
    names = [truth.name for truth in truths]
    if not set(DIVISIONS) <= set(names):
        return [(truth,) for truth in truths]
    both, first = tuple(truth for truth in truths if truth.name in DIVISIONS), min(map(names.index, DIVISIONS))
    return [
        both if place == first else (truth,)
        for place, truth in enumerate(truths)
        if place == first or truth.name not in DIVISIONS
    ]


def learn(group: Sequence[Operation], fabrics: Mapping[str, Fabric], bits: int, rng: np.random.Generator,
          max_seconds: float, method: str) -> list[LearnedOperation]:  # fmt: skip
    """Learn a group of operations by a method, and return what it took.

    Raises:
        ValueError: the method cannot learn it.
        NotDecidedError: a limit was reached, or what was learned disagrees with its examples.
    """
    together = len(group) > 1
    fabric = RowFeedback("both") if together else fabrics.get(group[0].name, Bitwise())  # a search is told none
    begun = time.monotonic()
    cell, used = METHODS[method](Learning(tuple(group), fabric, bits, rng, max_seconds))
    seconds = time.monotonic() - begun
    results = {"/": "quotient", "%": "remainder"}
    cells = [LearnedCell(RowFeedback(results[each.name]), cell.tables) for each in group] if together else [cell]
    return [
        LearnedOperation(each.name, one, used, seconds if place == 0 else 0.0, method)
        for place, (each, one) in enumerate(zip(group, cells, strict=True))
    ]


def _by_satisfiability(of: Learning) -> tuple[LearnedCell, int]:
    """Narrow examples are there too: an ALU of 8 bits has cells that are wrong at 7."""
    given, seed = of.examples(POOL, of.bits), int(of.rng.integers(1 << 31))
    narrow = [
        (*of.examples(TRIPLES, bits).columns, bits) for bits in range(1, of.bits) if bits in (1, 2, 3, of.bits - 1)
    ]
    found = learn_sat(of.fabric, *given.columns, of.bits, also=narrow, max_seconds=of.max_seconds, seed=seed)
    return found.cell, len(found.used)


def _by_search(of: Learning) -> tuple[LearnedCell, int]:
    """The operation is not told, nor its fabric."""
    given, seed = drawn(of.truth, TRIPLES, of.bits, of.rng), int(of.rng.integers(1 << 31))
    found = search_templates(*given.columns, of.bits, max_seconds=of.max_seconds, seed=seed)
    if found.cell is None:
        raise NotDecidedError(f"no fabric agrees with the examples of {of.truth.name}; give a larger max_seconds=S")
    return found.cell, found.used


def _by_gradient(of: Learning) -> tuple[LearnedCell, int]:
    """Restarts by gradient; where none is exact, the tables that they round to are changed bit by bit, and so again."""
    from lutsmith.cells.learning.gradient import learn_gradient

    serial = isinstance(of.fabric, (Bitwise, SerialCell))
    root = isinstance(of.fabric, RowFeedback) and of.fabric.result == "root"
    bits = of.bits if serial else min(of.bits, 10 if root else 5)
    given = of.examples(64 if serial else 400, bits)
    further = of.examples(200, of.bits)  # which no step learns from: they judge
    learned, judged = (
        Examples.of(of.fabric, *each.columns, width) for each, width in ((given, bits), (further, of.bits))
    )
    judge, deadline = Judge(of.fabric, learned), time.monotonic() + of.max_seconds
    settings: dict[str, Any] = {"steps": 300, "starts": 4} if serial else {"starts": 2}
    while time.monotonic() < deadline:
        found = learn_gradient(
            of.fabric, *given.columns, bits, check=(*further.columns, of.bits),
            seed=int(of.rng.integers(1 << 31)), **settings,
        )  # fmt: skip
        if found.interrupted:
            raise KeyboardInterrupt
        if not found.wrong[found.chosen]:
            return found.cell, len(learned) + len(judged)
        for place in np.argsort(found.wrong, kind="stable").tolist():
            entries, missed, _ = judge.descended(entries_of(found.cells[place]), deadline)
            cell = LearnedCell(of.fabric, tables_of(of.fabric, entries))
            if not missed and not judged.wrong(cell).size:
                return cell, len(learned) + len(judged)
    raise NotDecidedError(
        f"no restart agrees with all examples of {of.truth.name}: give a larger max_seconds=S, or sat"
    )


def _by_counting(of: Learning) -> tuple[LearnedCell, int]:
    """Serial cells by majority, arrays and rows by trying them all on one bit of the result.

    Of a comparison the readout has an entry for each pair of highest bits, and few examples of many bits differ in the
    highest alone: narrow ones say what wide ones leave open.
    """
    bits = min(of.bits, 6) if of.truth.is_truth else of.bits
    given = of.examples(TRIPLES, bits)
    examples = Examples.of(of.fabric, *given.columns, bits)
    both, fabric = np.hstack([examples.a, examples.b]), of.fabric
    found: list[LearnedCell]
    if isinstance(fabric, (Bitwise, SerialCell, Tap)):
        streams = examples.z.shape[1] > 1
        found = [learn_stream(both, examples.z).cell if streams else learn_bit(both, examples.z[:, 0]).cell]
    elif isinstance(fabric, ArrayCell):
        tried = learn_array(both, examples.z[:, bits - 1])
        found = [] if tried is None else [LearnedCell(fabric, one.tables) for one in tried.survivors]
    elif isinstance(fabric, RowFeedback):
        inputs = examples.a if fabric.result == "root" else both
        result = "quotient" if fabric.result == "both" else fabric.result
        tried = learn_rows(inputs, examples.z[:, 0], result)
        found = [] if tried is None else [LearnedCell(fabric, one.tables) for one in tried.survivors]
    else:
        raise ValueError(f"counting has no way to learn {of.truth.name}: take sat or search")
    for cell in found:
        if not examples.wrong(cell).size:
            return cell, len(examples)
    raise NotDecidedError(f"counting found no cell that agrees with all examples of {of.truth.name}; take sat")


METHODS: Mapping[str, Callable[[Learning], tuple[LearnedCell, int]]] = {
    "sat": _by_satisfiability,
    "search": _by_search,
    "count": _by_counting,
    "gradient": _by_gradient,
}
"""The ways to learn a cell, by name: each gives the cell and how many labelled examples it used."""
