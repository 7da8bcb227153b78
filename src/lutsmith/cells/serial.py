"""Cells that go through the bits of two operands one by one: bitwise, with a state, and in two passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lutsmith.cells.fabric import Evaluator, Fabric, Signal, Tables, TableShape
from lutsmith.ground.arguments import one_of, whole_number

ORDERS = ("lsb", "msb")
READS = ("stream", "final", "readout")
MAX_STATE_BITS = 4


@dataclass(frozen=True)
class Bitwise(Fabric):
    """Each bit of the result is a table of the bits beside it: `out_i = cell[a_i, b_i]`."""

    kind: ClassVar[str] = "bitwise"

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return (TableShape("cell", 2),)

    def result_bits(self, width: int) -> int:
        return width

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        return tuple(on.cell(tables["cell"], pair)[0] for pair in zip(a, b, strict=True))


@dataclass(frozen=True)
class SerialCell(Fabric):
    """A cell with a state, which walks along the bits: `out_i, state' = cell[a_i, b_i, state]`.

    Attributes:
        state_bits: bits of the state, 1 to 4.
        order: "lsb" begins at the lowest bit, "msb" at the highest.
        read: what the result is: "stream", the bits given on the way; "final", bit 0 of the state at the end;
            "readout", a table of [a_msb, b_msb, state] at the end.
        extra: steps beyond the operands' width, which read zeros; only of a stream from the lowest bit.
    """

    state_bits: int = 1
    order: str = "lsb"
    read: str = "stream"
    extra: int = 0

    kind: ClassVar[str] = "serial"

    def __post_init__(self) -> None:
        whole_number("state_bits", self.state_bits, 1, MAX_STATE_BITS, "the bits of the state")
        whole_number("extra", self.extra, 0, 64, "steps beyond the operands")
        one_of("order", self.order, ORDERS)
        one_of("read", self.read, READS)
        if self.extra and (self.read, self.order) != ("stream", "lsb"):
            raise ValueError(f"extra={self.extra} goes with a stream from the lowest bit alone")

    @property
    def tables(self) -> tuple[TableShape, ...]:
        streams = self.read == "stream"
        shapes = [
            TableShape("start", 0, self.state_bits),
            TableShape("cell", 2 + self.state_bits, self.state_bits + streams),
        ]
        if self.read == "readout":
            shapes.append(TableShape("readout", 2 + self.state_bits))
        return tuple(shapes)

    def result_bits(self, width: int) -> int:
        return width + self.extra if self.read == "stream" else 1

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        pairs = list(zip(a, b, strict=True)) + [(on.constant(False),) * 2] * self.extra
        if self.order == "msb":
            pairs.reverse()
        state, given = on.cell(tables["start"], ()), []
        for pair in pairs:
            if self.read == "stream":
                out, *state_after = on.cell(tables["cell"], (*pair, *state))
                given.append(out)
                state = tuple(state_after)
            else:
                state = on.cell(tables["cell"], (*pair, *state))
        if self.read == "stream":
            return tuple(reversed(given)) if self.order == "msb" else tuple(given)
        if self.read == "final":
            return state[:1]
        return on.cell(tables["readout"], (a[-1], b[-1], *state))


@dataclass(frozen=True)
class TwoPass(Fabric):
    """Two walks, of which the second knows how the first ended: what min, max, |a| and |a - b| need.

    `flag` is the final state of a first cell, and `out_i, state' = cell[a_i, b_i, flag, state]` from the lowest bit on.

    Attributes:
        order: where the first walk begins, "lsb" or "msb".
        state_bits: bits of the second walk's state, 0 to 4.
    """

    order: str = "lsb"
    state_bits: int = 0

    kind: ClassVar[str] = "two-pass"

    def __post_init__(self) -> None:
        one_of("order", self.order, ORDERS)
        whole_number("state_bits", self.state_bits, 0, MAX_STATE_BITS, "the bits of the second state")

    @property
    def tables(self) -> tuple[TableShape, ...]:
        first = tuple(TableShape(f"first_{each.name}", each.rank, each.outputs) for each in self._first.tables)
        second = TableShape("cell", 3 + self.state_bits, 1 + self.state_bits)
        return (*first, *((TableShape("start", 0, self.state_bits),) if self.state_bits else ()), second)

    def result_bits(self, width: int) -> int:
        return width

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        (flag,) = self._first.run(on, {each.name: tables[f"first_{each.name}"] for each in self._first.tables}, a, b)
        state = on.cell(tables["start"], ()) if self.state_bits else ()
        given = []
        for pair in zip(a, b, strict=True):
            out, *after = on.cell(tables["cell"], (*pair, flag, *state))
            given.append(out)
            state = tuple(after)
        return tuple(given)

    @property
    def _first(self) -> SerialCell:
        return SerialCell(order=self.order, read="final")
