"""Netlists cut into what a proof needs: registers taken out, some outputs alone, what lies behind inner signals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats.assembly import CycleError, assemble
from lutsmith.hardware.abc import combinational


def bypassed(netlist: Netlist) -> Netlist:
    """Return the netlist with a wire in place of each register: what a sample meets on its way, at any speed.

    Raises:
        CycleError: registers feed themselves; then there is no such netlist.
    """
    if not netlist.num_registers:
        return netlist
    first, registers = netlist.num_inputs, netlist.num_registers
    target = np.arange(netlist.num_signals, dtype=np.int64)
    target[first : first + registers] = netlist.register_next
    for _ in range(registers.bit_length() + 1):  # registers in a row: each round doubles what is skipped
        target = target[target]
    number = target.copy()
    stuck = (target >= first) & (target < first + registers)
    if stuck.any():
        raise CycleError(int(np.argmax(stuck)))
    number[target >= first + registers] -= registers
    return assemble(
        first,
        np.zeros(0, np.bool_),
        netlist.ranks,
        number[netlist.fanin],
        netlist.tables(),
        number[netlist.outputs],
        np.zeros(0, np.int64),
    )


def folded(netlist: Netlist) -> Netlist:
    """Return the netlist with constants carried through the tables, and without inputs that a table does not read."""
    first, ranks = netlist.num_inputs + netlist.num_registers, netlist.ranks
    tables = netlist.tables().copy()
    known = np.full(netlist.num_signals, -1, np.int8)  # 0 or 1 where a signal is constant
    reads = np.ones(netlist.fanin.size, np.bool_)
    address = np.arange(64, dtype=np.uint64)
    for start, stop in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True):
        for rank in np.unique(ranks[start:stop]).tolist():
            nodes = start + np.flatnonzero(ranks[start:stop] == rank)
            size = 1 << rank
            entries = (tables[nodes][:, None] >> address[:size] & np.uint64(1)).astype(np.bool_)
            for slot in range(rank):
                places = netlist.fanin_ptr[nodes] + slot
                value = known[netlist.fanin[places]]
                halves = entries.reshape(nodes.size, -1, 2, 1 << slot)
                fixed = np.flatnonzero(value >= 0)
                halves[fixed] = halves[fixed, :, value[fixed]][:, :, None]
                reads[places] = (halves[:, :, 0] != halves[:, :, 1]).any(axis=(1, 2))
            constant = ~(entries != entries[:, :1]).any(axis=1)
            known[first + nodes[constant]] = entries[constant, 0]
            tables[nodes] = _without_unread(entries, reads[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)])
    left = np.add.reduceat(np.append(reads, False).astype(np.int64), netlist.fanin_ptr[:-1]) if ranks.size else ranks
    left = np.where(ranks == 0, 0, left)
    return assemble(
        netlist.num_inputs,
        netlist.register_init,
        left,
        netlist.fanin[reads].astype(np.int64),
        tables,
        netlist.outputs.astype(np.int64),
        netlist.register_next.astype(np.int64),
    )


def _without_unread(entries: NDArray[np.bool_], reads: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return tables (W,) of entries (W, 2**n) at the addresses of those inputs that are read, (W, n), alone."""
    count, size = entries.shape
    address = np.zeros((count, size), np.int64)  # in the full table, of each address in the short one
    shift: NDArray[np.int64] = np.cumsum(reads, axis=1) - reads
    for slot in range(reads.shape[1]):
        bit = np.arange(size)[None] >> shift[:, slot][:, None] & 1
        address |= np.where(reads[:, slot][:, None], bit << slot, 0)
    short = np.take_along_axis(entries, address, axis=1)
    short &= np.arange(size)[None] < (1 << reads.sum(axis=1))[:, None]
    words = np.zeros(count, np.uint64)
    for place in range(size):
        words |= short[:, place].astype(np.uint64) << np.uint64(place)
    return words


def next_state(netlist: Netlist) -> Netlist:
    """Return the netlist from inputs and registers (I + R) to what the registers take next (R)."""
    builder = NetlistBuilder()
    signals = builder.input(netlist.num_inputs + netlist.num_registers)
    open_ = replace(
        netlist,
        num_inputs=signals.size,
        outputs=netlist.register_next,
        register_next=np.zeros(0, np.int32),
        register_init=np.zeros(0, np.bool_),
    )
    return builder.build(builder.embed(open_, signals))


def keeps_state(num_inputs: int, num_registers: int) -> Netlist:
    """Return the netlist of the same inputs whose outputs are the registers: what `next_state` is while they hold."""
    builder = NetlistBuilder(num_inputs + num_registers)
    return builder.build(np.arange(num_inputs, num_inputs + num_registers))


def cone(netlist: Netlist, outputs: slice) -> Netlist:
    """Return the netlist of some of the outputs, with the nodes that they need; all inputs stay."""
    ends = netlist.outputs[outputs]
    first = netlist.num_inputs + netlist.num_registers
    needed = np.zeros(netlist.num_signals, np.bool_)
    needed[ends] = True
    needed[netlist.register_next] = True
    ranks = netlist.ranks
    for start, stop in zip(netlist.level_ptr[:-1][::-1], netlist.level_ptr[1:][::-1], strict=True):
        wanted = np.repeat(needed[first + start : first + stop], ranks[start:stop])
        needed[netlist.fanin[netlist.fanin_ptr[start] : netlist.fanin_ptr[stop]][wanted]] = True
    kept = needed[first:]
    number = np.cumsum(np.concatenate([np.ones(first, np.bool_), kept])) - 1
    return assemble(
        netlist.num_inputs,
        netlist.register_init,
        ranks[kept],
        number[netlist.fanin[np.repeat(kept, ranks)]],
        netlist.tables()[kept],
        number[ends],
        number[netlist.register_next],
    )


def roots(netlist: Netlist, signals: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the signals behind signals (S,) when buffers and inverters before them are left out, and which are
    inverted.
    """
    first = netlist.num_inputs + netlist.num_registers
    tables, ranks = netlist.tables(), netlist.ranks
    root = signals.astype(np.int64)
    inverted = np.zeros(root.size, np.bool_)
    while True:
        node = np.maximum(root - first, 0)
        through = np.zeros(root.size, np.bool_)
        if netlist.num_nodes:
            through = (root >= first) & (ranks[node] == 1) & np.isin(tables[node], np.array([0b01, 0b10], np.uint64))
        if not through.any():
            return root, inverted
        inverted[through] ^= tables[node[through]] == 0b01
        root[through] = netlist.fanin[netlist.fanin_ptr[node[through]]]


def cut(netlist: Netlist, boundary: NDArray[np.int64], outputs: slice) -> Netlist | None:
    """Return some of the outputs as functions of distinct signals inside (S,), or None where they need others."""
    first = netlist.num_inputs + netlist.num_registers
    place = np.full(netlist.num_signals, -1, np.int64)
    place[boundary] = np.arange(boundary.size)
    needed = np.zeros(netlist.num_signals, np.bool_)
    needed[netlist.outputs[outputs]] = True
    ranks, at_boundary = netlist.ranks, place >= 0
    for start, stop in zip(netlist.level_ptr[:-1][::-1], netlist.level_ptr[1:][::-1], strict=True):
        level = slice(first + start, first + stop)
        wanted = np.repeat(needed[level] & ~at_boundary[level], ranks[start:stop])
        needed[netlist.fanin[netlist.fanin_ptr[start] : netlist.fanin_ptr[stop]][wanted]] = True
    if (needed[:first] & ~at_boundary[:first]).any():
        return None
    kept = (needed & ~at_boundary)[first:]
    place[first:][kept] = boundary.size + np.arange(np.count_nonzero(kept))
    return assemble(
        boundary.size,
        np.zeros(0, np.bool_),
        ranks[kept],
        place[netlist.fanin[np.repeat(kept, ranks)]],
        netlist.tables()[kept],
        place[netlist.outputs[outputs]],
        np.zeros(0, np.int64),
    )


def behind(
    netlist: Netlist, signals: NDArray[np.int32], outputs: slice, wanted: Netlist
) -> tuple[Netlist, Netlist] | None:
    """Return outputs as a function of signals inside, and what they should be as a function of the same.

    Signals that are constants, inverters or the same one stay so on both sides. Inputs are in the order in which the
    signals first need them.

    Args:
        netlist: without registers.
        signals: S of it.
        outputs: those that are wanted.
        wanted: a netlist with S inputs and as many outputs.

    Returns:
        Two netlists of the same inputs; None where the outputs read other signals besides.
    """
    root, inverted = roots(netlist, signals)
    first = netlist.num_inputs + netlist.num_registers
    node = np.maximum(root - first, 0)
    constant = (root >= first) & (netlist.ranks[node] == 0) if netlist.num_nodes else np.zeros(root.size, np.bool_)
    ascending, first_at, place = np.unique(root[~constant], return_index=True, return_inverse=True)
    order = np.argsort(first_at)
    boundary, place = ascending[order], np.argsort(order)[place.reshape(-1)]
    found = cut(netlist, boundary, outputs)
    if found is None:
        return None
    builder = NetlistBuilder(boundary.size)
    sources = np.zeros(root.size, np.int32)
    sources[~constant] = place
    if constant.any():
        values = netlist.tables()[node[constant]] == 1
        sources[constant] = [builder.constant(bool(value)) for value in values]
    turned = np.flatnonzero(inverted)
    if turned.size:
        sources[turned] = builder.lut(sources[turned][:, None], np.full(turned.size, 0b01, np.uint64))
    return found, builder.build(builder.embed(wanted, sources))


def machine_behind(
    netlist: Netlist, signals: NDArray[np.int32], ends: NDArray[np.int32], wanted: Netlist
) -> tuple[Netlist, Netlist] | None:
    """Return signals inside a machine as what its registers make of other signals, beside what they should be.

    Args:
        netlist: a machine.
        signals: S of it.
        ends: the signals that are wanted.
        wanted: a machine with S inputs that gives as many.

    Returns:
        Two machines of the same inputs; None where signals or ends read others besides, or registers are not as many.
    """
    registers, first = netlist.num_registers, netlist.num_inputs
    opened = replace(combinational(netlist), outputs=np.concatenate([ends, netlist.register_next]))
    root = roots(opened, signals)[0]
    if registers != wanted.num_registers or ((root >= first) & (root < first + registers)).any():
        return None
    held = np.arange(first, first + registers, dtype=np.int32)
    pair = behind(opened, np.concatenate([signals, held]), slice(0, opened.outputs.size), combinational(wanted))
    if pair is None:
        return None
    found, meant = (
        replace(
            side,
            num_inputs=side.num_inputs - registers,
            outputs=side.outputs[: ends.size],
            register_next=side.outputs[ends.size :],
            register_init=init,
        )
        for side, init in zip(pair, (netlist.register_init, wanted.register_init), strict=True)
    )
    return found, meant
