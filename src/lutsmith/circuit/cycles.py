"""Netlists with registers as machines, cycle after cycle, in plain NumPy: the specification of `engine.cycles`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arrays import booleans

STREAMS = 1024
"""Streams that are evaluated at a time, to bound the memory."""


def evaluate_cycles(
    netlist: Netlist, bits: ArrayLike, state: ArrayLike | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Evaluate the netlist on streams of bits: what it gives in each cycle, and what its registers hold at the end.

    Args:
        netlist: any; without registers, its cycles are independent of one another.
        bits: (N, T, I) booleans or integers 0 and 1: T cycles of N streams.
        state: (N, R) or (R,), what the registers hold before the first cycle; `register_init` by default.

    Returns:
        bool (N, T, O), the outputs in each cycle; bool (N, R), the state after the last.

    Raises:
        TypeError, ValueError: an argument has the wrong type, shape or values.
    """
    streams = booleans("bits", bits)
    if streams.ndim != 3 or streams.shape[2] != netlist.num_inputs:
        raise ValueError(f"bits has shape {streams.shape}, expected (streams, cycles, {netlist.num_inputs})")
    final = states(netlist, state, len(streams))
    outputs = np.zeros((*streams.shape[:2], netlist.outputs.size), np.bool_)
    for start in range(0, len(streams), STREAMS):
        part = slice(start, start + STREAMS)
        for cycle in range(streams.shape[1]):
            values = netlist.evaluate(streams[part, cycle], keep="all", state=final[part])
            outputs[part, cycle], final[part] = values[:, netlist.outputs], values[:, netlist.register_next]
    return outputs, final


def states(netlist: Netlist, state: ArrayLike | None, count: int) -> NDArray[np.bool_]:
    """Return what the registers of `count` streams hold, bool (count, R), a copy.

    Args:
        netlist: whose registers are meant.
        state: (count, R), (R,) for all of them, or None: `register_init`.
        count: of streams.

    Raises:
        TypeError, ValueError: no booleans or integers 0 and 1, or another shape.
    """
    shape = (count, netlist.num_registers)
    given = netlist.register_init if state is None else booleans("state", state)
    if given.shape not in (shape, shape[1:]):
        raise ValueError(f"state has shape {given.shape}, expected {shape} or {shape[1:]}: one bit a register")
    return np.array(np.broadcast_to(given, shape))
