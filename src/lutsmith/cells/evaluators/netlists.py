"""Bits as signals of a netlist: each use of a table is an instance of one part, or a LUT where it cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import CircuitBuilder, Netlist, NetlistBuilder

Bit = bool | int
"""A known bit, or a signal."""


class Netlists:
    """Adds the LUTs of a fabric to a builder.

    Args:
        builder: of a netlist or a circuit.
        name: what the parts are called, a number after it. None: no parts, LUTs alone.
    """

    def __init__(self, builder: NetlistBuilder | CircuitBuilder, name: str | None = None) -> None:
        self._builder = builder
        self._name = name
        self._parts: dict[tuple[tuple[int, int], bytes], tuple[str, Netlist, list[int]] | None] = {}

    def constant(self, value: bool) -> Bit:
        return value

    def signal(self, bit: Bit) -> int:
        """Return the signal of a bit, also of a known one."""
        return self._builder.constant(bit) if isinstance(bit, bool) else int(bit)

    def cell(self, table: NDArray[np.bool_], inputs: Sequence[Bit]) -> tuple[Bit, ...]:
        if self._name is not None and not any(isinstance(bit, bool) for bit in inputs):
            part = self._part(table)
            if part is not None:
                name, netlist, reads = part
                ends = self._builder.instances(name, netlist, [[inputs[place] for place in reads]])[0]
                return tuple(ends.tolist())
        return tuple(self._lut(entries, inputs) for entries in table)

    def _lut(self, entries: NDArray[np.bool_], inputs: Sequence[Bit]) -> Bit:
        for place, bit in reversed(list(enumerate(inputs))):
            if isinstance(bit, bool):
                entries = entries.reshape(-1, 2, 1 << place)[:, int(bit)].reshape(-1)
        free = [bit for bit in inputs if not isinstance(bit, bool)]
        for place in reversed(range(len(free))):
            halves = entries.reshape(-1, 2, 1 << place)
            if (halves[:, 0] == halves[:, 1]).all():
                entries = halves[:, 0].reshape(-1)
                del free[place]
        if not free:
            return bool(entries[0])
        if len(free) == 1 and entries[1]:
            return free[0]
        return int(self._builder.lut([free], entries[None])[0])

    def _part(self, table: NDArray[np.bool_]) -> tuple[str, Netlist, list[int]] | None:
        """Return the part that a table is, and which inputs it reads; None if an output is not a LUT of its own."""
        key = (table.shape, table.tobytes())
        if key not in self._parts:
            self._parts[key] = None
            rank = table.shape[1].bit_length() - 1
            reads = [place for place in range(rank) if _depends(table, place)]
            alone = all(sum(_depends(entries[None], place) for place in range(rank)) > 1 for entries in table)
            if alone and len({entries.tobytes() for entries in table}) == len(table):
                part = NetlistBuilder(len(reads))
                number = {place: signal for signal, place in enumerate(reads)}
                within = Netlists(part)
                ends = [within._lut(entries, [number.get(place, False) for place in range(rank)]) for entries in table]
                count = sum(known is not None for known in self._parts.values())
                self._parts[key] = f"{self._name}{count or ''}", part.build(ends), reads
        return self._parts[key]


def _depends(table: NDArray[np.bool_], place: int) -> bool:
    halves = table.reshape(len(table), -1, 2, 1 << place)
    return bool((halves[:, :, 0] != halves[:, :, 1]).any())
