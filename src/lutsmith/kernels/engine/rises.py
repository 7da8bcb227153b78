"""By how much wrong output bits rise where nodes are inverted, for many nodes at once, from one another.

A node that nobody but readers r and s sees acts through them alone: where its inversion changes r only, its rise is
that of r; where s only, that of s; where both, that of inverting both. So nodes with the same two readers need one run
of a cone, the pair's, beside the readers' own, and nodes with one reader need none. The rest is run node by node.
Exact, as long as no reader depends on the other: readers are of one level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel
from lutsmith.kernels.engine import lanes, rise_planes, scattered, trials
from lutsmith.kernels.engine.lanes import HEADER_ROWS, ONES_ROW, ROW_BYTES
from lutsmith.kernels.engine.rise_planes import (
    add_output,
    add_sums,
    clear,
    invert,
    minterms,
    same,
    select,
    total_rise,
)
from lutsmith.kernels.engine.scattered import Scattered, lut_on_block
from lutsmith.kernels.engine.trials import Readers, Room, Turns, Wanted, following, run_waiting

_SOURCES = lanes.__file__, rise_planes.__file__, scattered.__file__, trials.__file__


class Planes(NamedTuple):
    """Where rises of one block are kept for others.

    Attributes:
        place: int64, address of planes, `depth` rows each.
        depth: planes of a rise.
        spare: int64, address of `depth` + MASK_ROWS rows of a thread's own.
    """

    place: int
    depth: int
    spare: int


@kernel(ENGINE)
def settle(
    chosen: NDArray[np.int64],
    through: NDArray[np.int32],
    joined: NDArray[np.bool_],
    most: int,
    depth: NDArray[np.int64],
) -> None:
    """Say how long a chain of nodes each rise hangs on: 0 of a node that is run by itself.

    Args:
        chosen: int64 (k,), nodes, ascending.
        through: int32 (k, 2), the two readers of each.
        joined: bool (k,), whether it may take its rise from its readers, which are chosen as well.
        most: the longest chain.
        depth: int64 (N,), 0: the result.
    """
    for place in range(len(chosen) - 1, -1, -1):
        if joined[place]:
            length = 1 + max(depth[through[place, 0]], depth[through[place, 1]])
            if length <= most:
                depth[chosen[place]] = length


@kernel(ENGINE, sources=_SOURCES)
def _sum_up(net: Any, planes: Any, rises: int, node: int, block: int, sums: Any) -> None:
    """Add the rises of a block to those of the entries of a node's table, int64 (64,) or, whatever the entry, (1,)."""
    depth = planes.depth
    while depth > 1 and same(rises + ROW_BYTES * (depth - 2), rises + ROW_BYTES * (depth - 1)):
        depth -= 1  # the topmost says nothing new
    if len(sums) == 1:
        sums[0] += total_rise(rises, depth)
        return
    masks, offset, begin = planes.spare + ROW_BYTES * planes.depth, ROW_BYTES * block, net.fanin_ptr[node]
    rank, wires, zeros = net.fanin_ptr[node + 1] - begin, net.fanin, net.header.ctypes.data
    for half in range(2 if rank > 3 else 1):
        first = 3 * half
        one = two = three = zeros - offset
        if rank > first:
            one = net.rows[wires[begin + first]]
        if rank > first + 1:
            two = net.rows[wires[begin + first + 1]]
        if rank > first + 2:
            three = net.rows[wires[begin + first + 2]]
        minterms(rank, first, (one + offset, two + offset, three + offset), masks + 8 * ROW_BYTES * half)
    if rank <= 3:
        add_sums(rises, depth, masks, zeros + ROW_BYTES * ONES_ROW, sums.ctypes.data)
        return
    for high in range(1 << (rank - 3)):
        mask = masks + ROW_BYTES * (8 + high)
        if not same(mask, zeros):
            add_sums(rises, depth, masks, mask, sums.ctypes.data + 64 * high)


@kernel(ENGINE, sources=_SOURCES)
def run_cones(
    net: Scattered,
    readers: Readers,
    room: Room,
    starts: NDArray[np.int64],
    planes: Planes,
    wanted: Wanted,
    block: int,
    turns: Turns,
    result: NDArray[np.int64],
) -> None:
    """Invert one or two nodes on all samples of a block, run what depends on them, and take it back; for many.

    Args:
        net: rows are changed and taken back.
        readers: who reads the nodes.
        room: see there.
        starts: int64 (k, 4): the nodes to invert, the second -1 for none; where to keep the rise among `planes`, -1:
            nowhere; and the place in `result` of the first node, -1: none.
        planes: see there.
        wanted: see there.
        block: which.
        turns: at `starts`.
        result: int64 (n, 64), for entries of tables, or (n, 1), for whole nodes; what is found is added.
    """
    first, offset = len(net.rows) - len(net.tables), ROW_BYTES * block
    mask = net.header.ctypes.data + ROW_BYTES * (ONES_ROW if block < net.blocks - 1 else HEADER_ROWS)
    target = wanted.targets.ctypes.data + offset
    unit = following(turns, -1)
    while unit < len(starts):
        count, start, end = 0, len(net.tables), 0
        for side in range(2):
            node = starts[unit, side]
            if node < 0:
                continue
            out = room.place + ROW_BYTES * count
            invert(net.rows[first + node] + offset, mask, out)
            net.rows[first + node], room.changed[count] = out - offset, node
            count += 1
            for reading in range(readers.start[node], readers.start[node + 1]):
                reader = readers.nodes[reading]
                room.waiting[reader >> 6] |= np.uint64(1) << np.uint64(reader & 63)
                start, end = min(start, int(reader)), max(end, int(reader) + 1)
        count = run_waiting(net, readers, room, block, count, (start, end))
        rises = planes.spare if starts[unit, 2] < 0 else planes.place + ROW_BYTES * planes.depth * starts[unit, 2]
        clear(rises, planes.depth)
        for place in range(count):
            signal = first + room.changed[place]
            for entry in range(wanted.first[signal], wanted.first[signal + 1]):
                before, after = room.rows[signal] + offset, net.rows[signal] + offset
                goal = target + wanted.targets.strides[0] * wanted.outputs[entry]
                add_output(rises, planes.depth, before, after, goal)
        for place in range(count):
            signal = first + room.changed[place]
            net.rows[signal] = room.rows[signal]
        if starts[unit, 3] >= 0:
            _sum_up(net, planes, rises, starts[unit, 0], block, result[starts[unit, 3]])
        unit = following(turns, unit)


@kernel(ENGINE, sources=_SOURCES)
def combine(
    net: Scattered,
    room: Room,
    nodes: NDArray[np.int64],
    planes: Planes,
    block: int,
    turns: Turns,
    result: NDArray[np.int64],
) -> None:
    """Find the rises of nodes from those of their readers, and of these together.

    Args:
        net: rows are changed and taken back.
        room: see there.
        nodes: int64 (k, 8): a node, its two readers (twice the same, if it has one), where the rises of these and of
            both together are among `planes`; and as in `run_cones`, where to keep the rise, and the place in `result`.
        planes: see there.
        block: which.
        turns: at `nodes`.
        result: as for `run_cones`.
    """
    base, wires, first = net.header.ctypes.data, net.fanin.ctypes.data, len(net.rows) - len(net.tables)
    offset, size = ROW_BYTES * block, ROW_BYTES * planes.depth
    mask = base + ROW_BYTES * (ONES_ROW if block < net.blocks - 1 else HEADER_ROWS)
    flipped, found = room.place, (room.place + ROW_BYTES, room.place + 2 * ROW_BYTES)
    unit = following(turns, -1)
    while unit < len(nodes):
        node = nodes[unit, 0]
        was = net.rows[first + node]
        invert(was + offset, mask, flipped)
        net.rows[first + node] = flipped - offset
        one, two = nodes[unit, 1], nodes[unit, 2]
        for side in range(1 if one == two else 2):
            reader, out = nodes[unit, 1 + side], found[side]
            entry = net.fanin_ptr[reader]
            rank, reads = net.fanin_ptr[reader + 1] - entry, wires + 4 * entry
            where, old = (offset, mask, out - offset), net.rows[first + reader]
            lut_on_block(rank, base, reads, net.tables[reader], net.rows.ctypes.data, where, old, 0)
        net.rows[first + node] = was
        rises = planes.spare if nodes[unit, 6] < 0 else planes.place + size * nodes[unit, 6]
        own = net.rows[first + one] + offset
        given = planes.place + size * nodes[unit, 3], planes.place + size * nodes[unit, 4]
        both = planes.place + size * nodes[unit, 5]
        if one == two:
            select(rises, planes.depth, (given[0], given[0], given[0]), (own, own), (found[0], own))
        else:
            other = net.rows[first + two] + offset
            select(rises, planes.depth, (given[0], given[1], both), (own, other), found)
        if nodes[unit, 7] >= 0:
            _sum_up(net, planes, rises, node, block, result[nodes[unit, 7]])
        unit = following(turns, unit)


@kernel(ENGINE)
def gains(effects: NDArray[np.int64], result: NDArray[np.int64]) -> None:
    """Sum up the falls among the effects of each node's entries, int64 (k, 64), to int64 (k,)."""
    for node in range(len(effects)):
        total = np.int64(0)
        for entry in range(effects.shape[1]):
            total -= min(effects[node, entry], np.int64(0))
        result[node] = total
