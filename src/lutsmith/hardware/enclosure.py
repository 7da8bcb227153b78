"""The frame in which a part is placed, so that its clock can be found on any device: two pins, whatever its inputs and
outputs are.

Inputs are held by a chain of registers that one pin feeds, outputs are caught by registers and joined into one pin by
exclusive ors with a register behind each. So the longest path between registers lies in the part.
"""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder

_JOINED = 4
"""Bits that one exclusive or takes, with a table that every device has."""


def enclosed(netlist: Netlist) -> Netlist:
    """Return a netlist of one input and one output with `netlist` between registers."""
    builder = NetlistBuilder(1)
    chain = builder.register(max(1, netlist.num_inputs))
    builder.connect(chain, np.concatenate([[0], chain[:-1]]))
    bits = _registered(builder, builder.embed(netlist, chain[: netlist.num_inputs]))
    parity = np.arange(1 << _JOINED)
    parity = np.bitwise_xor.reduce(parity >> np.arange(_JOINED)[:, None] & 1, axis=0)
    while bits.size > 1:
        fill = np.full(-bits.size % _JOINED, builder.constant(False), np.int32)
        groups = np.concatenate([bits, fill]).reshape(-1, _JOINED)
        bits = _registered(builder, builder.lut(groups, np.tile(parity, (len(groups), 1))))
    return builder.build(bits)


def _registered(builder: NetlistBuilder, signals: np.ndarray) -> np.ndarray:
    registers = builder.register(signals.size)
    builder.connect(registers, signals)
    return registers
