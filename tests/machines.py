"""Machines of which tests of several rooms know what they do."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit import Circuit, Comparators, Netlist, NetlistBuilder

SUM, MAJORITY = 0x96, 0xE8


def serial_adder(form: str) -> Netlist:
    """Two numbers in, least significant bits first, their sum out: a full adder and what it keeps.

    Args:
        form: "carry": one register; "borrow": it holds the carry inverted, and starts as 1; "two": that both bits are
            ones, and that one is while a carry comes in, in a register each.
    """
    builder = NetlistBuilder(2)
    if form == "two":
        state = builder.register(2)
        rows = np.arange(16)
        x, y, carry = rows & 1, rows >> 1 & 1, (rows >> 2 | rows >> 3) & 1
        tables = np.stack([x & y, (x ^ y) & carry, x ^ y ^ carry]).astype(np.uint8)
        kept = builder.lut(np.tile([0, 1, *state], (3, 1)), tables)
        builder.connect(state, kept[:2])
        return builder.build(kept[2:])
    state = builder.register(1, form == "borrow")
    tables = [SUM, MAJORITY] if form == "carry" else [0x69, 0x71]
    total, following = builder.lut([[0, 1, state[0]]] * 2, np.array(tables, np.uint64))
    builder.connect(state, [following])
    return builder.build([total])


def adder_circuit(form: str = "carry") -> Circuit:
    """The same on two features of 0 and 1."""
    return Circuit((2,), Comparators([0, 1], [0.5, 0.5], 2), serial_adder(form))
