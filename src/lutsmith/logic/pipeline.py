"""Registers in designs: a new sample every clock cycle, and every path crosses the same number of registers.

Each part is cut after every n levels of LUTs and at its end. A value that is read in a later stage than its own waits
in registers, one a stage, which all its readers share. The inputs of a design get no registers: the logic that drives
them should hold them in registers, as every part does with its outputs. A part without LUTs, which is only wires, gets
no registers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.ground.arguments import whole_number
from lutsmith.logic.design import Design, Part

_NEVER = np.iinfo(np.int64).max


def pipelined(design: Design, every: int, name: str = "every") -> Design:
    """Return a design with registers after every `every` levels of LUTs and at the end of each part.

    A sample goes in each cycle, and its outputs come `latency` cycles later. Registers start as 0, so that the outputs
    of the first `latency` cycles mean nothing. LUTs that no output needs are left out, and instances of parts are
    flattened, because registers may be placed within them. `name` is what messages call `every`.

    Raises:
        TypeError, ValueError: `every` is not an int of at least 1, or the design has registers: a state cannot be
            pipelined, because the next sample would come before the state is ready.
    """
    levels = whole_number(name, every, 1, (1 << 31) - 1, "levels of LUTs between registers")
    for part in design.parts:
        if part.netlist.num_registers:
            raise ValueError(
                f"part {part.name!r} has {part.netlist.num_registers} registers: only designs without are pipelined"
            )
    return replace(design, parts=tuple(_pipelined(part, levels) for part in design.parts))


def is_balanced(part: Part) -> bool:
    """Return whether every path from an input to an output crosses exactly `part.latency` registers, and no register
    feeds itself.

    Then a part is the function of its LUTs, `latency` cycles late, whatever the registers start as.
    """
    netlist, first_node = part.netlist, part.netlist.num_inputs + part.netlist.num_registers
    fewest, most = np.full(netlist.num_signals, _NEVER), np.zeros(netlist.num_signals, np.int64)
    fewest[: netlist.num_inputs] = 0
    registers = slice(netlist.num_inputs, first_node)
    while True:
        for nodes, reads in _by_level(netlist):
            fewest[nodes] = fewest[reads].min(axis=1)
            most[nodes] = most[reads].max(axis=1)
        if most.max(initial=0) > part.latency:
            return False
        low, high = fewest[netlist.register_next], most[netlist.register_next] + 1
        low = np.where(low == _NEVER, low, low + 1)
        if np.array_equal(fewest[registers], low) and np.array_equal(most[registers], high):
            break
        fewest[registers], most[registers] = low, high
    ends, depends = netlist.outputs, fewest[netlist.outputs] != _NEVER
    return bool((fewest[ends] == part.latency)[depends].all() and (most[ends] == part.latency)[depends].all())


def _pipelined(part: Part, every: int) -> Part:
    netlist = part.netlist
    depth = np.zeros(netlist.num_signals, np.int64)
    levels = list(_by_level(netlist))
    for nodes, reads in levels:
        depth[nodes] = depth[reads].max(axis=1) + 1
    latency = -(-int(depth[netlist.outputs].max(initial=0)) // every)
    if not levels:
        return part
    stage = np.maximum(depth - 1, 0) // every
    constant = np.zeros(netlist.num_signals, np.bool_)
    constant[netlist.num_inputs :] = netlist.ranks == 0

    live = np.zeros(netlist.num_signals, np.bool_)
    live[netlist.outputs] = True
    waits = np.zeros(netlist.num_signals, np.int64)  # registers behind each signal
    np.maximum.at(waits, netlist.outputs, latency - stage[netlist.outputs])
    for nodes, reads in reversed(levels):
        needed = live[nodes]
        live[reads[needed]] = True
        np.maximum.at(waits, reads[needed], stage[nodes[needed], None] - stage[reads[needed]])
    waits[constant] = 0

    builder = NetlistBuilder()
    number = np.full(netlist.num_signals, -1, np.int64)
    number[: netlist.num_inputs] = builder.input(netlist.num_inputs)
    chain = builder.register(int(waits.sum()))
    first = np.cumsum(waits) - waits
    for value in (False, True):
        same = np.flatnonzero(constant & live)
        same = same[(netlist.tables()[same - netlist.num_inputs] & np.uint64(1) == 1) == value]
        if same.size:
            number[same] = builder.constant(value)

    def delayed(signals: NDArray[np.int32], cycles: NDArray[np.int64]) -> NDArray[np.int64]:
        """The signals as they were some cycles ago; constants are what they always are."""
        now = (cycles == 0) | constant[signals]
        late = np.where(now, 0, first[signals] + cycles - 1)
        return np.where(now, number[signals], chain[late]) if chain.size else number[signals]

    tables = netlist.tables()
    for nodes, reads in levels:
        kept = live[nodes]
        made = nodes[kept]
        sources = delayed(reads[kept], stage[made, None] - stage[reads[kept]])
        number[made] = builder.lut(sources, tables[made - netlist.num_inputs])
    last = delayed(netlist.outputs, latency - stage[netlist.outputs])
    follows = np.arange(chain.size) > np.repeat(first, waits)
    sources = np.where(follows, np.roll(chain, 1), np.repeat(number, waits))
    builder.connect(chain, sources)
    return replace(part, netlist=builder.build(last), latency=latency, shared=())


def _by_level(netlist: Netlist) -> list[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Return the LUTs of each level and rank, signals (W,), with what they read, (W, rank); constants left out."""
    first_node, ranks = netlist.num_inputs + netlist.num_registers, netlist.ranks
    blocks = []
    for start, stop in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True):
        for rank in np.unique(ranks[start:stop]):
            nodes = start + np.flatnonzero(ranks[start:stop] == rank)
            if rank:
                blocks.append((first_node + nodes, netlist.fanin[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)]))
    return blocks
