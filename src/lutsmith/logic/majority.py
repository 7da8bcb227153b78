"""Majorities of many bits: counted by LUTs, and compared with half of their number.

They are made once and used in many places, such as behind a pool's windows. `check` proves by substitution
(`logic.sums`) that a count is the sum of its bits, and tries the comparison for every count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arguments import whole_number
from lutsmith.logic.arithmetic import at_least, popcount
from lutsmith.logic.folding import FoldingBuilder
from lutsmith.logic.sums import NotDecided, expected_sum, sum_of

MOST = 256
"""Bits that a majority is of."""


@dataclass(frozen=True)
class Majority:
    """Whether more than half of `count` bits are ones.

    Attributes:
        count: 2 to 256.

    Raises:
        ValueError: another number of bits.
    """

    count: int

    def __post_init__(self) -> None:
        whole_number("count", self.count, 2, MOST, "the bits of a majority")

    @property
    def least(self) -> int:
        """How many ones are enough."""
        return self.count // 2 + 1

    @cached_property
    def counter(self) -> Netlist:
        """From the bits to their count, the least significant bit first."""
        logic = FoldingBuilder()
        return logic.build(popcount(logic, logic.input(self.count)[None])[0])

    @cached_property
    def comparator(self) -> Netlist:
        """From a count to whether it is more than half."""
        logic = FoldingBuilder()
        return logic.build(at_least(logic, logic.input(self.counter.outputs.size)[None], np.array([self.least])))

    def check(self) -> None:
        """Prove that these LUTs are the majority of any bits.

        Raises:
            ValueError: they are not, or it could not be decided.
        """
        counter, comparator = self.counter, self.comparator
        modulus = 1 << counter.outputs.size
        try:
            found = sum_of(counter, counter.outputs.tolist(), modulus)
        except NotDecided as error:
            raise ValueError(f"the count of {self.count} bits: {error}") from error
        if modulus <= self.count or found != expected_sum(dict.fromkeys(range(self.count), 1), 0, modulus):
            raise ValueError(f"the count of {self.count} bits is not their sum")
        counts = np.arange(self.count + 1)
        bits = counts[:, None] >> np.arange(comparator.num_inputs) & 1 == 1
        if comparator.num_inputs != counter.outputs.size or not np.array_equal(
            comparator.evaluate(bits)[:, 0], counts > self.count - counts
        ):
            raise ValueError(f"the comparison of a count of {self.count} bits is not whether it is more than half")
