"""What one bit of a function asks of an operation's cell: which operands, and which bit of the result.

A cell that was learned on unsigned operands also says what signed ones ask for. Operands whose sign is repeated above
them have the sum and the product of the signed integers in their lower bits, and operands whose signs are inverted have
the order of the signed ones. These are wires; the cell is used unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lutsmith.cells.arrays import ArrayCell
from lutsmith.cells.evaluators import Netlists
from lutsmith.cells.learned import LearnedCell
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.ground.arguments import one_of, whole_number


@dataclass(frozen=True)
class BitReading:
    """One bit of an operation.

    Attributes:
        operation: whose cell is asked.
        place: of operands of n bits, the bit is n * place[0] + place[1].
        extended: the operands' signs are repeated n * extended[0] + extended[1] times above them.
        inverted: whether the signs are inverted.
        operands: 1 or 2.
    """

    operation: str
    place: tuple[int, int] = (0, 0)
    extended: tuple[int, int] = (0, 0)
    inverted: bool = False
    operands: int = 2


READINGS: Mapping[str, BitReading] = {
    "sum": BitReading("+", (1, -1)),
    "sum sign": BitReading("+", (1, 0), (0, 1)),
    "quotient": BitReading("/"),
    "remainder": BitReading("%"),
    "product": BitReading("*", (1, -1)),
    "product sign": BitReading("*", (2, -1), (1, 0)),
    "less": BitReading("<", inverted=True),
    "root": BitReading("isqrt", operands=1),
}
"""The arithmetic functions of the IWLS 2020 contest, by the names of `data.functions.ORACLES`."""


def read_bit(kind: str, cells: Mapping[str, LearnedCell], width: int) -> Netlist:
    """Return the netlist of a function's bit, of an operation's cell: its inputs are the bits of a, then of b.

    Args:
        kind: a name of `READINGS`.
        cells: learned on unsigned operands, by operation.
        width: n, of the operands.

    Raises:
        ValueError: an unknown kind; or no cell of its operation.
    """
    reading = READINGS[one_of("kind", kind, READINGS)]
    cell = cells[one_of("the operation", reading.operation, cells)]
    whole_number("width", width, 1, None, "the bits of an operand")
    if isinstance(cell.fabric, ArrayCell):  # what is above the bit is not needed
        cell = LearnedCell(ArrayCell("low"), cell.tables)
    builder = NetlistBuilder(reading.operands * width)
    words = []
    for start in range(0, reading.operands * width, width):
        *low, sign = range(start, start + width)
        if reading.inverted:
            sign = int(builder.lut([[sign]], [[1, 0]])[0])
        words.append([*low, sign, *[sign] * (width * reading.extended[0] + reading.extended[1])])
    return _bit(builder, cell, words, width * reading.place[0] + reading.place[1])


def bit_netlist(cell: LearnedCell, inputs: int, operands: int) -> Netlist:
    """Return the netlist of a cell whose result is one bit; its inputs are the bits of a, then of b.

    Args:
        cell: what was learned of one bit.
        inputs: of the netlist, a multiple of `operands`.
        operands: 1 or 2.
    """
    width = inputs // operands
    words = [list(range(start, start + width)) for start in range(0, inputs, width)]
    return _bit(NetlistBuilder(inputs), cell, words, 0)


def _bit(builder: NetlistBuilder, cell: LearnedCell, words: list[list[int]], place: int) -> Netlist:
    on = Netlists(builder)
    a, *rest = words
    bits = cell.fabric.run(on, cell.tables, a, rest[0] if rest else [False] * len(a))
    return builder.build([on.signal(bits[place])])
