"""How often a learned ALU is right, operation by operation, on points that training may not have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.alu.calculator import line
from lutsmith.alu.device import LearnedALU
from lutsmith.data.alu.operations import Operation, operation
from lutsmith.data.alu.samplers import draw
from lutsmith.ground.arguments import whole_number
from lutsmith.ground.shares import Share

POINTS = 10_000
_SHOWN = 3


@dataclass(frozen=True)
class OperationCheck:
    """The result for one operation.

    Attributes:
        name: of the operation.
        exact: on uniform points.
        edge: on points where arithmetic goes wrong: `edge_points`.
        bits: share of right result bits, uniform points.
        constant: the share of points that the most frequent answer alone gets right; `exact` means nothing without it.
        errors: a few of the wrong answers, as ALU_Net prints them.
    """

    name: str
    exact: Share
    edge: Share
    bits: float
    constant: float
    errors: tuple[str, ...]

    @property
    def line(self) -> str:
        """The line that ALU_Net prints of an operation."""
        wrong = self.exact.points - self.exact.right
        return f"OP{self.name}: Ok: {self.exact.right}, Error: {wrong} -> {100 * self.exact.value:.1f}%"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        told = {"operation": self.name, "bits": self.bits, "constant": self.constant, "errors": list(self.errors)}
        return {**told, "exact": self.exact.to_json(), "edge": self.edge.to_json(), "line": self.line}


@dataclass(frozen=True)
class CheckReport:
    """The result for an ALU.

    Attributes:
        operations: each of them.
        bits: of the operands.
        exhaustive: whether all possible points were tried.
    """

    operations: tuple[OperationCheck, ...]
    bits: int
    exhaustive: bool

    @property
    def all_right(self) -> bool:
        """Whether no answer was wrong."""
        return all(one.exact.right == one.exact.points and one.edge.right == one.edge.points for one in self.operations)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "bits": self.bits,
            "exhaustive": self.exhaustive,
            "all_right": self.all_right,
            "operations": [one.to_json() for one in self.operations],
        }


def check(alu: LearnedALU, points: int = POINTS, seed: int = 0) -> CheckReport:
    """Check how often an ALU's circuit is right: each operation on fresh uniform points, and separately on edge points.

    Where there are no more pairs of operands than points, all of them are tried.

    Args:
        alu: what is checked.
        points: of each operation, at least 100.
        seed: of the points.

    Raises:
        TypeError, ValueError: too few points.
    """
    whole_number("seed", seed, 0)
    whole_number("points", points, 100, 100_000_000, "points of each operation")
    exhaustive = 2 * alu.bits < 63 and 1 << 2 * alu.bits <= points
    edge = edge_points(alu.bits)
    found = []
    for number, name in enumerate(alu.operations):
        truth, rng = operation(name), np.random.default_rng([seed, number])
        given = _every(alu.bits) if exhaustive else draw("uniform", truth, points, alu.bits, rng=rng)
        found.append(_checked(alu, truth, given, edge))
    return CheckReport(tuple(found), alu.bits, exhaustive)


def edge_points(bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return operands at which arithmetic goes wrong: every pair of 0, 1, 2, powers of two and their neighbours, halves
    and words of ones, patterns that carry all the way, each against each; ties and neighbours are among them.
    """
    top = (1 << bits) - 1
    powers = {1 << place for place in range(bits)}
    patterns = {top // 3, top - top // 3, top >> 1, top - 1, top, 0, 1, 2, 3}
    values = sorted(
        {value for power in powers | patterns for value in (power - 1, power, power + 1) if 0 <= value <= top}
    )
    operands = np.array(values, np.uint64)
    return np.repeat(operands, len(operands)), np.tile(operands, len(operands))


def _every(bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    values = np.arange(1 << bits, dtype=np.uint64)
    return np.repeat(values, len(values)), np.tile(values, len(values))


def _checked(alu: LearnedALU, truth: Operation, uniform: Any, edge: Any) -> OperationCheck:
    exact, bits, constant, wrong = _compared(alu, truth, *uniform)
    on_edges, _, _, more = _compared(alu, truth, *edge)
    return OperationCheck(truth.name, exact, on_edges, bits, constant, tuple((wrong + more)[:_SHOWN]))


def _compared(
    alu: LearnedALU, truth: Operation, a: NDArray[Any], b: NDArray[Any]
) -> tuple[Share, float, float, list[str]]:
    """Return the exact share, that of right bits, that of the most frequent answer, and a few wrong answers."""
    two = truth.arity == 2
    keep = truth.defined(a, b) if two else truth.defined(a)
    a, b = a[keep], b[keep]
    wanted = truth.evaluate(a, b if two else None, alu.bits).astype(object)
    given = alu.evaluate(truth.name, a, b if two else None).astype(object)
    right = given == wanted
    width = truth.result_bits(alu.bits)
    ones = sum(int(int(each) & (1 << width) - 1).bit_count() for each in (given ^ wanted)[~right].tolist())
    _, counts = np.unique(wanted, return_counts=True)
    wrong = [
        line(truth.name, int(a[place]), int(b[place]) if two else None, int(wanted[place]), int(given[place]))
        for place in np.flatnonzero(~right)[:_SHOWN]
    ]
    exact = Share(int(right.sum()), len(right))
    return exact, 1 - ones / (len(right) * width), int(counts.max()) / len(right), wrong
