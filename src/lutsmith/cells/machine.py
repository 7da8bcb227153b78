"""A cell as a machine: one copy of it, or one row of copies, and registers, used once in each clock cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from lutsmith.cells.arrays import ArrayCell, RowFeedback
from lutsmith.cells.evaluators import Netlists
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.ground.arguments import instance_of, whole_number

MAX_BITS = 64

_EITHER = [[0, 1, 0, 1, 0, 0, 1, 1]]
"""x_2 ? x_1 : x_0."""


def rows_alike(fabric: Fabric) -> bool:
    """Return whether the steps of a fabric are alike, so that one cell or row can do all of them, one after another."""
    if isinstance(fabric, Tap):
        return rows_alike(fabric.fabric)
    return type(fabric) in _RESULTS and fabric != RowFeedback("root")


def cycles(fabric: Fabric, bits: int) -> int:
    """Return how many clock cycles the machine of a fabric takes for operands of so many bits.

    Raises:
        ValueError: the fabric has rows that differ, so that there is no such machine.
    """
    if not rows_alike(fabric):
        raise ValueError(
            f"{fabric} has rows that differ, which one row of cells cannot be: take LearnedCell.to_circuit"
        )
    if isinstance(fabric, Tap):
        return cycles(fabric.fabric, bits)
    if isinstance(fabric, TwoPass):
        return 2 * bits
    return bits + fabric.extra if isinstance(fabric, SerialCell) else bits


def to_machine(cell: LearnedCell, bits: int, *, signed: bool = False, **fields: Any) -> Circuit:
    """Return the circuit with registers that goes on with a cell from cycle to cycle: words a and b in, words out.

    With n = `cycles(cell.fabric, bits)`: the words a and b are read in cycle 0, and not in the n - 1 after it.
    In cycle n - 1 the word `done` is 1, and `result` is the result of them; in other cycles `done` is 0, and `result`
    is a part of it or nothing. The next operands are read in cycle n, and so on: there is a result every n cycles, and
    nothing is to be reset. A cycle uses one cell of a serial fabric, and one row of a multiplier's or a divider's.

    Args:
        cell: of any fabric whose steps are alike: not a counter, a shifter, or a square root.
        bits: of the operands, 1 to 64.
        signed: whether the result is two's complement.
        **fields: further ones of `CircuitBuilder.build`, such as metadata.

    Raises:
        TypeError, ValueError: no cell, another number of bits, or a fabric whose rows differ.
    """
    instance_of("cell", cell, LearnedCell)
    whole_number("bits", bits, 1, MAX_BITS, "the bits of an operand")
    builder = CircuitBuilder((2,))
    clock = Clock(builder, cycles(cell.fabric, bits))
    a, b = builder.words(builder.features, bits).tolist()
    result = clock.result(cell, a, b)
    builder.integers({"result": result, "done": [clock.last]}, signed=["result"] if signed else ())
    return builder.build(**fields)


class Clock:
    """The registers of machines that start together and do the same in every n cycles: a one goes round in n of them.

    Args:
        builder: of the circuit.
        count: n, the cycles of the slowest machine.

    Attributes:
        builder: as above.
        ring: the signals that are 1 in cycle 0, 1, and so on.
        first: the signal that is 1 in cycle 0, in which operands are read.
        last: in cycle n - 1.
    """

    def __init__(self, builder: CircuitBuilder, count: int) -> None:
        self.builder = builder
        if count == 1:
            self.ring = [builder.constant(True)]
        else:
            ring = builder.register(count, np.arange(count) == 0)
            builder.connect(ring, np.roll(ring, 1))
            self.ring = ring.tolist()
        self.first, self.last = self.ring[0], self.ring[-1]
        self._copies: dict[tuple[object, ...], list[int]] = {}

    def result(self, cell: LearnedCell, a: list[int], b: list[int], name: str = "cell") -> list[int]:
        """Add the machine of a cell, and return the signals that are its result in the last of its `cycles`.

        Args:
            cell: of a fabric that takes no more cycles than this clock has.
            a: the bits of the first operand in the first cycle, the lowest first.
            b: of the second.
            name: of the parts.
        """
        fabric = cell.fabric
        if isinstance(fabric, Tap):
            return [self.result(LearnedCell(fabric.fabric, cell.tables), a, b, name)[fabric.place]]
        return _RESULTS[type(fabric)](self, Netlists(self.builder, name), cell, fabric, a, b)

    def either(self, choice: int, low: Sequence[int], high: Sequence[int]) -> list[int]:
        """Return words[place] = high where choice is 1, else low."""
        reads = [[*pair, choice] for pair in zip(low, high, strict=True)]
        made: list[int] = self.builder.lut(reads, _EITHER * len(reads)).tolist()
        return made

    def state(
        self, start: Sequence[int], after: Callable[[list[int]], Sequence[int]], loads: int | None = None
    ) -> list[int]:
        """Return bits that are `start` in the first cycle (or where `loads` is 1), then what `after` makes of them."""
        if len(self.ring) == 1:
            after(list(start))
            return list(start)
        registers = self.builder.register(len(start))
        bits = self.either(self.first if loads is None else loads, registers.tolist(), start)
        self.builder.connect(registers, after(bits))
        return bits

    def held(self, word: Sequence[int]) -> list[int]:
        """Return a word as it was in the first cycle."""
        return self._copy("held", word, lambda bits: bits)

    def taken(self, word: Sequence[int], order: str) -> int:
        """Return the bit of a word whose turn it is; zeros follow the last."""
        zero = [self.builder.constant(False)]
        if order == "lsb":
            return self._copy("lsb", word, lambda bits: [*bits[1:], *zero])[0]
        return self._copy("msb", word, lambda bits: [*zero, *bits[:-1]])[-1]

    def _copy(
        self, kind: Literal["held", "lsb", "msb"], word: Sequence[int], after: Callable[[list[int]], Sequence[int]]
    ) -> list[int]:
        """Return a copy of a word, which all machines share."""
        key = (kind, *word)
        if key not in self._copies:
            self._copies[key] = self.state(word, after)
        return self._copies[key]

    def collected(self, bit: int, size: int, order: str) -> list[int]:
        """Return the last `size` bits that there were, this one included, in the order of a word."""
        if size == 1:
            return [bit]
        registers = self.builder.register(size)
        told = registers.tolist()
        word = [*told[1:], bit] if order == "lsb" else [bit, *told[:-1]]
        self.builder.connect(registers, word)
        return word


def _signals(on: Netlists, cell: LearnedCell, table: str, inputs: Sequence[Any] = ()) -> list[int]:
    return [on.signal(bit) for bit in on.cell(cell.tables[table], inputs)]


def _bitwise(clock: Clock, on: Netlists, cell: LearnedCell, _: Bitwise, a: list[int], b: list[int]) -> list[int]:
    (bit,) = _signals(on, cell, "cell", [clock.taken(word, "lsb") for word in (a, b)])
    return clock.collected(bit, len(a), "lsb")


def _serial(clock: Clock, on: Netlists, cell: LearnedCell, fabric: SerialCell, a: list[int], b: list[int]) -> list[int]:
    pair, ends = [clock.taken(word, fabric.order) for word in (a, b)], []

    def after(state: list[int]) -> list[int]:
        ends.extend(_signals(on, cell, "cell", [*pair, *state]))
        return ends[-fabric.state_bits :]

    clock.state(_signals(on, cell, "start"), after)
    if fabric.read == "stream":
        return clock.collected(ends[0], fabric.result_bits(len(a)), fabric.order)
    if fabric.read == "final":
        return ends[:1]
    highest = pair if fabric.order == "lsb" else clock.held([a[-1], b[-1]])
    return _signals(on, cell, "readout", [*highest, *ends])


def _two_pass(clock: Clock, on: Netlists, cell: LearnedCell, fabric: TwoPass, a: list[int], b: list[int]) -> list[int]:
    """The words go round: once from the end at which the first walk begins, and once from the lowest bit."""
    bits, builder = len(a), clock.builder
    second = builder.register(1)
    builder.connect(second, builder.lut([[second[0], clock.ring[bits - 1], clock.last]], [[0, 1, 1, 1, 0, 0, 0, 0]]))
    (is_second,) = second.tolist()

    def round_(word: list[int]) -> list[int]:
        down = [*word[1:], word[0]]
        return down if fabric.order == "lsb" else clock.either(is_second, [word[-1], *word[:-1]], down)

    words = [clock.state(word, round_) for word in (a, b)]
    lowest = [word[0] for word in words]
    walked = lowest if fabric.order == "lsb" else [word[-1] for word in words]

    def flagged(flag: list[int]) -> list[int]:
        return clock.either(is_second, _signals(on, cell, "first_cell", [*walked, *flag]), flag)

    flag = clock.state(_signals(on, cell, "first_start"), flagged)
    ends: list[int] = []

    def after(state: list[int]) -> list[int]:
        ends.extend(_signals(on, cell, "cell", [*lowest, *flag, *state]))
        return ends[1:]

    if fabric.state_bits:
        clock.state(_signals(on, cell, "start"), after, loads=clock.ring[bits])
    else:
        after([])
    return clock.collected(ends[0], bits, "lsb")


def _array(clock: Clock, on: Netlists, cell: LearnedCell, fabric: ArrayCell, a: list[int], b: list[int]) -> list[int]:
    """The sums move down by a place in each row, and the lowest is done with it."""
    held, b_bit, ends = clock.held(a), clock.taken(b, "lsb"), []

    def after(sums: list[int]) -> list[int]:
        (carry,) = on.cell(cell.tables["start"], ())
        for place, a_bit in zip(sums, held, strict=True):
            total, carry = on.cell(cell.tables["cell"], (place, a_bit, b_bit, carry))
            ends.append(on.signal(total))
        ends.append(on.signal(carry))
        return ends[1:]

    clock.state([on.signal(False)] * len(a), after)
    lower = clock.collected(ends[0], len(a), "lsb")
    return lower + ends[1:] if fabric.product == "full" else lower


def _rows(clock: Clock, on: Netlists, cell: LearnedCell, fabric: RowFeedback, a: list[int], b: list[int]) -> list[int]:
    bit, held = clock.taken(a, "msb"), clock.held(b)
    ends: list[int] = []

    def after(rest: list[int]) -> list[int]:
        digit, left = fabric.row(on, cell.tables, [bit, *rest], [*held, on.constant(False)])
        ends.extend(on.signal(each) for each in (digit, *left[:-1]))
        return ends[1:]

    clock.state([on.signal(False)] * len(a), after)
    quotient = clock.collected(ends[0], len(a), "msb")
    return {"quotient": quotient, "remainder": ends[1:]}.get(fabric.result, quotient + ends[1:])


_RESULTS: dict[type[Fabric], Callable[..., list[int]]] = {
    Bitwise: _bitwise,
    SerialCell: _serial,
    TwoPass: _two_pass,
    ArrayCell: _array,
    RowFeedback: _rows,
}
"""What adds the machine of a fabric and returns its result's signals, as they are in the last cycle."""
