"""Sums and differences of a few words, compared with constants: cones of LUTs, and the integers that they stand for.

A `LinearForm` is made once and used in many places, such as at every pixel of an image. `check` compares its LUTs with
integer arithmetic for every value of its words; there are few enough values, so this is a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.logic.arithmetic import at_least, minus, plus
from lutsmith.logic.folding import FALSE, FoldingBuilder, Literals

MAX_BITS = 22
"""Of both words together: all of their values are looked at."""

_ROWS = 1 << 18
"""Values that are looked at at once."""


@dataclass(frozen=True)
class LinearForm:
    """`factor * a - b` compared with constants, or `a + b`, of two unsigned words.

    Attributes:
        widths: bits of a and of b, together at most 22.
        bounds: bit j of the result is `factor * a - b >= bounds[j]`; None: the result is the word `a + b`.
        factor: 1 or 2.

    Raises:
        ValueError: words of too many bits.
    """

    widths: tuple[int, int]
    bounds: tuple[int, ...] | None = None
    factor: int = 1

    def __post_init__(self) -> None:
        if sum(self.widths) > MAX_BITS:
            raise ValueError(
                f"words of {self.widths[0]} and {self.widths[1]} bits; expected {MAX_BITS} together at most"
            )

    @property
    def num_outputs(self) -> int:
        """How many bits the result has."""
        return max(self.widths) + 1 if self.bounds is None else len(self.bounds)

    @cached_property
    def netlist(self) -> Netlist:
        """The LUTs. Inputs are the bits of a and then of b, the least significant first."""
        logic = FoldingBuilder()
        inputs = logic.input(sum(self.widths))[None]
        a, b = inputs[:, : self.widths[0]], inputs[:, self.widths[0] :]
        if self.factor == 2:
            a = np.concatenate([np.full((1, 1), FALSE), a], axis=1)
        width = max(a.shape[1], b.shape[1])
        a, b = (np.pad(word, [(0, 0), (0, width - word.shape[1])], constant_values=FALSE) for word in (a, b))
        return logic.build((plus(logic, a, b) if self.bounds is None else self._compared(logic, a, b))[0])

    def _compared(self, logic: FoldingBuilder, a: Literals, b: Literals) -> Literals:
        width = a.shape[1]
        bounds = np.clip(np.array(self.bounds, np.int64), -(1 << width), 1 << width) + (1 << width)
        lowest = min((int(bound & -bound).bit_length() - 1 for bound in bounds.tolist() if bound), default=0)
        words = minus(logic, a, b, lowest=lowest)
        words[:, -1] ^= 1  # the order of two's complement, once the sign is turned
        return at_least(logic, np.repeat(words, bounds.size, axis=0), bounds)[None]

    def expected(self, inputs: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the result, bool (N, outputs), of values of the inputs as integers (N,): by integers alone."""
        a, b = inputs & (1 << self.widths[0]) - 1, inputs >> self.widths[0]
        if self.bounds is None:
            result: NDArray[np.bool_] = (a + b)[:, None] >> np.arange(self.num_outputs) & 1 == 1
        else:
            result = (self.factor * a - b)[:, None] >= np.array(self.bounds, np.int64)
        return result

    def check(self) -> None:
        """Compare LUTs and integers for every value of the words.

        Raises:
            ValueError: they differ.
        """
        bits = sum(self.widths)
        for start in range(0, 1 << bits, _ROWS):
            rows = np.arange(start, min(start + _ROWS, 1 << bits))
            given = rows[:, None] >> np.arange(bits) & 1 == 1
            if not np.array_equal(self.netlist.evaluate(given), self.expected(rows)):
                raise ValueError(f"the LUTs of {self} compute something else than the integers")


def placed(
    netlist: Netlist, inputs: NDArray[Any], make: Callable[[NDArray[Any], NDArray[np.uint64]], NDArray[Any]]
) -> NDArray[Any]:
    """Return the outputs of a netlist in several places, (I, outputs), from its inputs there, (I, inputs).

    Args:
        netlist: without registers.
        inputs: numbers of signals, or of anything else that LUTs read.
        make: LUTs of a level: what they read, (LUTs, n), and their tables, words (LUTs,), to what they are, (LUTs,).
    """
    count, first = len(inputs), netlist.num_inputs
    known = np.zeros((count, netlist.num_signals), inputs.dtype)
    known[:, :first] = inputs
    ranks, tables = netlist.ranks, netlist.tables()
    for begin, end in zip(netlist.level_ptr[:-1].tolist(), netlist.level_ptr[1:].tolist(), strict=True):
        for rank in np.unique(ranks[begin:end]).tolist():
            nodes = begin + np.flatnonzero(ranks[begin:end] == rank)
            fanin = netlist.fanin[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)]
            made = make(known[:, fanin].reshape(count * nodes.size, rank), np.tile(tables[nodes], count))
            known[:, first + nodes] = made.reshape(count, nodes.size)
    return known[:, netlist.outputs]
