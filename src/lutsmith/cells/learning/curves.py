"""How many examples a learner needs: for counts of examples, how many runs give a cell that is exact."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.examples import ContradictionError, Examples
from lutsmith.cells.proof import prove as proof_of
from lutsmith.data.alu.operations import Operation, operation
from lutsmith.data.alu.samplers import draw
from lutsmith.ground.alignment import aligned
from lutsmith.ground.arguments import instance_of, number, one_of, whole_number
from lutsmith.ground.shares import Share

LEARNERS = ("sat", "gradient", "maxsat")
FRESH = {"uniform": 1.0, "edge": 1.0}
"""Where the points come from that a cell is judged by."""
_MOST = 1000
"""Draws in which a point has to be defined: no operation leaves out more than half of its points."""


@dataclass(frozen=True)
class CurvePoint:
    """What came of one count of examples.

    Attributes:
        examples: how many each run was given.
        exact: runs whose cell is exact, among all.
        restarts: of a gradient, restarts whose own cell is exact, of all runs together; None of other learners.
        without: runs that gave no cell: the examples contradicted each other, or the time was over.
        seconds: of learning, all runs together.
    """

    examples: int
    exact: Share
    restarts: Share | None
    without: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        restarts = None if self.restarts is None else self.restarts.to_json()
        return {**vars(self), "exact": self.exact.to_json(), "restarts": restarts}


@dataclass(frozen=True)
class SuccessCurve:
    """What came of all counts, as text by `str`.

    Attributes:
        operation: its name.
        fabric: how cells are wired.
        learner: one of `LEARNERS`.
        width: of the examples' operands.
        wider: of the operands that cells were judged by.
        flips: share of the label bits that were inverted.
        proved: whether exact cells were also proved.
        points: one for each count.
    """

    operation: str
    fabric: Fabric
    learner: str
    width: int
    wider: int
    flips: float
    proved: bool
    points: tuple[CurvePoint, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        points = [point.to_json() for point in self.points]
        return {**vars(self), "fabric": self.fabric.to_json(), "points": points}

    def __str__(self) -> str:
        means = "right and proved" if self.proved else "right"
        head = (
            f"{self.operation} on {self.fabric} by {self.learner}: {self.width}-bit examples, {self.flips:.0%} of the "
            f"label bits inverted; exact: {means} at {self.wider} bits"
        )
        rows = [["examples", "exact", "share", "95 % interval", "restarts", "no cell", "seconds"]]
        for point in self.points:
            low, high = point.exact.interval
            restarts = "-" if point.restarts is None else f"{point.restarts.right}/{point.restarts.points}"
            shown = f"{point.exact.right}/{point.exact.points}", f"{point.exact.value:.1%}", f"{low:.1%} - {high:.1%}"
            rows.append([str(point.examples), *shown, restarts, str(point.without), f"{point.seconds:.1f}"])
        return "\n".join([head, *aligned(rows, ())])


def success_curve(
    fabric: Fabric,
    op: str,
    counts: Sequence[int],
    *,
    learner: str = "sat",
    width: int = 15,
    runs: int = 20,
    flips: float = 0.0,
    sampler: str | dict[str, float] = "uniform",
    wider: int | None = None,
    fresh: int = 2000,
    prove: bool = False,
    seed: int = 0,
    **settings: Any,
) -> SuccessCurve:
    """Learn an operation again and again from few examples and from more, and count the exact cells.

    Each run draws examples of its own, without points where the operation is undefined. Its cell is exact if it is
    right on all of `fresh` points of a wider width, half of them at the edges of arithmetic.

    Args:
        fabric: how cells are wired.
        op: the operation, a name of `data.alu.operations`.
        counts: how many examples, one point of the curve each.
        learner: "sat" (`learn_sat`), "gradient" (`learn_gradient`) or "maxsat" (`learn_maxsat`, without a proof that
            nothing misses fewer bits).
        width: of the examples' operands.
        runs: for each count, each with its own examples and seed.
        flips: the share of the label bits that are inverted, below 1/2. "sat" finds contradictions in them.
        sampler: of the examples' operands; see `data.alu.samplers.draw`.
        wider: the width of the fresh points; None: twice as many bits.
        fresh: how many points.
        prove: whether an exact cell also has to be proved.
        seed: of all that is random. What a run is given does not depend on the other counts and runs.
        **settings: further ones of the learner, such as `restarts` or `max_seconds`.

    Raises:
        TypeError, ValueError: settings out of range, or an operation whose results the fabric has no bits for.
        ModuleNotFoundError: the learner needs a package that is not installed.
    """
    instance_of("fabric", fabric, Fabric)
    truth = operation(op)
    one_of("learner", learner, LEARNERS)
    whole_number("width", width, 1, 64, "the bits of an operand")
    wide = 2 * width if wider is None else whole_number("wider", wider, width, 4096, "the bits of a fresh operand")
    for name, value in (("runs", runs), ("fresh", fresh)):
        whole_number(name, value, 1)
    for count in counts:
        whole_number("counts", count, 1)
    whole_number("seed", seed, 0)
    number("flips", flips, lambda value: 0 <= value < 0.5, "a share of at least 0, below 0.5")
    judged = Examples.of(fabric, *_labelled(truth, fresh, wide, FRESH, np.random.default_rng([seed, 0])), wide)
    known: dict[LearnedCell, bool] = {}

    def exact(cell: LearnedCell) -> bool:
        if cell not in known:
            known[cell] = not judged.wrong(cell).size and (not prove or _proved(cell, truth))
        return known[cell]

    learn = _learner(learner, fabric, width, flips, settings)
    points = []
    for count in counts:
        right, seconds, without = [], 0.0, 0
        each: list[bool] = []
        for run in range(runs):
            rng = np.random.default_rng([seed, 1 + count, run])
            a, b, z = _labelled(truth, count, width, sampler, rng)
            bits = fabric.result_bits(width)
            mask = (rng.random((count, bits)) < flips) @ np.array([1 << bit for bit in range(bits)], object)
            inverted = (np.asarray(z, object) & ((1 << bits) - 1)) ^ mask
            begun = time.monotonic()
            cells = learn(a, b, inverted, int(rng.integers(1 << 31)))
            seconds += time.monotonic() - begun
            without += not cells
            right.append(bool(cells) and exact(cells[0]))
            each += map(exact, cells[1:])
        restarts = Share(sum(each), len(each)) if learner == "gradient" else None
        points.append(CurvePoint(count, Share(sum(right), runs), restarts, without, seconds))
    return SuccessCurve(truth.name, fabric, learner, width, wide, flips, prove, tuple(points))


def _learner(
    learner: str, fabric: Fabric, width: int, flips: float, settings: dict[str, Any]
) -> Callable[[Any, Any, Any, int], list[LearnedCell]]:
    """Return what learns from (a, b, z, seed): the cell chosen, then those of all restarts; nothing where it fails."""
    if learner == "gradient":
        from lutsmith.cells.learning.gradient import learn_gradient

        chosen = {"noise": flips, "stop": "all", **settings}

        def by_gradient(a: Any, b: Any, z: Any, seed: int) -> list[LearnedCell]:
            learned = learn_gradient(fabric, a, b, z, width, seed=seed, **chosen)
            return [learned.cell, *learned.cells]

        return by_gradient
    if learner == "maxsat":
        from lutsmith.cells.learning.maxsat import learn_maxsat

        chosen = {"prove": False, **settings}
        return lambda a, b, z, seed: [learn_maxsat(fabric, a, b, z, width, seed=seed, **chosen).cell]
    from lutsmith.cells.learning.sat import NotDecidedError, learn_sat

    def by_sat(a: Any, b: Any, z: Any, seed: int) -> list[LearnedCell]:
        try:
            return [learn_sat(fabric, a, b, z, width, seed=seed, **settings).cell]
        except (ContradictionError, NotDecidedError):
            return []

    return by_sat


def _labelled(
    truth: Operation, count: int, width: int, sampler: str | dict[str, float], rng: np.random.Generator
) -> tuple[Any, Any, Any]:
    """Return `count` points where an operation is defined, and its results: a, b (None of one operand) and z."""
    a, b = draw(sampler, truth, count, width, rng=rng)
    for _ in range(_MOST):
        left_out = ~(truth.defined(a, b) if truth.arity == 2 else truth.defined(a))
        if not left_out.any():
            second = b if truth.arity == 2 else None
            return a, second, truth.evaluate(a, second, width)
        a[left_out], b[left_out] = draw(sampler, truth, int(left_out.sum()), width, rng=rng)
    raise ValueError(f"the sampler {sampler!r} gives no points where {truth.name} is defined")


def _proved(cell: LearnedCell, truth: Operation) -> bool:
    zero = "skip" if truth.undefined is not None and truth.arity == 2 else "ones"
    return proof_of(cell, truth.name, zero=zero).outcome == "proved"
