"""Many changes of tables, each tried on its own and taken back, in one call: only the cone of each is run.

Rows are those of `scattered`, and a change is run on one block after the other, so that what it writes stays in the
first cache. Nothing is left behind: rows and tables are the same afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel
from lutsmith.kernels.engine import lanes, scattered
from lutsmith.kernels.engine.lanes import HEADER_ROWS, ONES_ROW, ROW_BYTES, WORDS
from lutsmith.kernels.engine.scattered import Scattered, lowest, lut_on_block, next_waiting

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

_SOURCES = lanes.__file__, scattered.__file__
_WORD = ir.IntType(64)


class Room(NamedTuple):
    """What one thread writes to. `waiting`, tables and rows are as they were after a call.

    Attributes:
        waiting: uint64 (ceil(N / 64),), 0: the nodes that have something to do, a bit each.
        place: int64, address of N + 1 blocks of a row, 64-byte aligned.
        changed: int32 (N + 1,), the nodes that changed.
        rows: int64 (S,), where the rows are before anything is tried: a copy of the network's.
    """

    waiting: NDArray[np.uint64]
    place: int
    changed: NDArray[np.int32]
    rows: NDArray[np.int64]


class Readers(NamedTuple):
    """Who reads the nodes.

    Attributes:
        start: int64 (N + 1,), where those of each node begin.
        nodes: int32, those that read a node, in any order.
    """

    start: NDArray[np.int64]
    nodes: NDArray[np.int32]


class Wanted(NamedTuple):
    """What outputs ought to be.

    Attributes:
        outputs: int64 (O,), the outputs, those of the first signal first.
        first: int64 (S + 1,), where those of each signal begin in `outputs`.
        targets: uint64 (O, W), the wanted bits, 0 beyond the last sample.
        wrong: int64 (O,), how many bits of each output are wrong now.
    """

    outputs: NDArray[np.int64]
    first: NDArray[np.int64]
    targets: NDArray[np.uint64]
    wrong: NDArray[np.int64]


@intrinsic
def _word(_: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _WORD.as_pointer()), align=8)

    return types.uint64(types.int64), generate


@intrinsic
def _ones(_: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@kernel(ENGINE, sources=_SOURCES)
def _try(net: Any, readers: Any, room: Any, nodes: Any, tables: Any, block: int) -> int:
    """Run nodes with other tables, and what depends on them, on one block; return how many nodes changed.

    Rows of nodes that changed are elsewhere until `_take_back`: only their block is there.
    """
    base, wires, rows, first = net.header.ctypes.data, net.fanin.ctypes.data, net.rows, len(net.rows) - len(net.tables)
    offset = ROW_BYTES * block
    mask = base + ROW_BYTES * (ONES_ROW if block < net.blocks - 1 else HEADER_ROWS)
    start, end = len(net.tables), 0  # nothing waits before or behind these: a network may be large, and a cone small
    for place in range(len(nodes)):
        node = nodes[place]
        net.tables[node], tables[place] = tables[place], net.tables[node]
        room.waiting[node >> 6] |= np.uint64(1) << np.uint64(node & 63)
        start, end = min(start, node), max(end, node + 1)
    node, count, out = start - 1, 0, room.place - offset
    while True:
        node = next_waiting(room.waiting[: (end + 63) >> 6], node + 1)
        if node < 0:
            break
        entry = net.fanin_ptr[node]
        rank = net.fanin_ptr[node + 1] - entry
        where, old = (offset, mask, out), rows[first + node]
        if lut_on_block(rank, base, wires + 4 * entry, net.tables[node], rows.ctypes.data, where, old, 0):
            rows[first + node], room.changed[count] = out, node
            count += 1
            out += ROW_BYTES
            for reading in range(readers.start[node], readers.start[node + 1]):
                reader = readers.nodes[reading]
                room.waiting[reader >> 6] |= np.uint64(1) << np.uint64(reader & 63)
                end = max(end, reader + 1)
    return count


@kernel(ENGINE, sources=_SOURCES)
def _take_back(net: Any, room: Any, nodes: Any, tables: Any, count: int) -> None:
    """Undo what `_try` did."""
    first = len(net.rows) - len(net.tables)
    for place in range(count):
        signal = first + room.changed[place]
        net.rows[signal] = room.rows[signal]
    for place in range(len(nodes)):
        net.tables[nodes[place]], tables[place] = tables[place], net.tables[nodes[place]]


@kernel(ENGINE, sources=_SOURCES)
def wrong_bits(
    net: Scattered,
    readers: Readers,
    room: Room,
    trials: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]],
    wanted: Wanted,
    result: NDArray[np.int64],
) -> None:
    """Count the wrong output bits of each of K trials.

    Args:
        net: rows and tables are changed and taken back.
        readers: who reads the nodes.
        room: see there.
        trials: int64 (K + 1,), where the nodes of each trial begin; int64 (E,), these, each once in a trial; and
            uint64 (E,), the tables that they get, changed and taken back.
        wanted: see there.
        result: int64 (K,).
    """
    start, nodes, tables = trials
    first, total = len(net.rows) - len(net.tables), wanted.wrong.sum()
    for trial in range(len(result)):
        own, words = nodes[start[trial] : start[trial + 1]], tables[start[trial] : start[trial + 1]]
        wrong = total
        for block in range(net.blocks):
            count, low = _try(net, readers, room, own, words, block), WORDS * block
            high = min(low + WORDS, wanted.targets.shape[1])
            for place in range(count):
                signal = first + room.changed[place]
                for entry in range(wanted.first[signal], wanted.first[signal + 1]):
                    output, now, then = wanted.outputs[entry], net.rows[signal], room.rows[signal]
                    for word in range(low, high):
                        target = wanted.targets[output, word]
                        wrong += _ones(_word(now + 8 * word) ^ target) - _ones(_word(then + 8 * word) ^ target)
            _take_back(net, room, own, words, count)
        result[trial] = wrong


@kernel(ENGINE, sources=_SOURCES)
def wrong_bit_effects(
    net: Scattered, readers: Readers, room: Room, nodes: NDArray[np.int64], wanted: Wanted, result: NDArray[np.int64]
) -> None:
    """Count by how much the wrong output bits rise where an entry of a node's table is inverted.

    A node is inverted on all samples; the effect on a sample belongs to the entry that the node reads there.

    Args:
        net: as for `wrong_bits`.
        readers: see there.
        room: see there.
        nodes: int64 (k,).
        wanted: see there.
        result: int64 (k, 64); entries from 2**rank up, and those that no sample reads, are 0.
    """
    table, found = np.empty(1, np.uint64), np.empty((3, len(wanted.outputs)), np.int64)
    sources, first = np.empty(6, np.uint64), len(net.rows) - len(net.tables)
    depth = 2
    while 1 << (depth - 1) <= len(wanted.outputs):
        depth += 1
    planes, top = np.empty(depth, np.uint64), np.int64(1) << (depth - 1)
    for trial in range(len(nodes)):
        own, sums, node = nodes[trial : trial + 1], result[trial], nodes[trial]
        sums[:] = 0
        begin = net.fanin_ptr[node]
        rank = net.fanin_ptr[node + 1] - begin
        for block in range(net.blocks):
            table[0] = ~net.tables[node]
            count, outputs, low = _try(net, readers, room, own, table, block), 0, WORDS * block
            for place in range(count):
                signal = first + room.changed[place]
                for entry in range(wanted.first[signal], wanted.first[signal + 1]):
                    found[0, outputs], found[1, outputs] = net.rows[signal], room.rows[signal]
                    found[2, outputs] = wanted.outputs[entry]
                    outputs += 1
            for word in range(low, min(low + WORDS, wanted.targets.shape[1]) if outputs else low):
                either = np.uint64(0)
                planes[:] = 0  # a sample's rise in two's complement, its bits in as many words
                for place in range(outputs):
                    before = _word(found[1, place] + 8 * word)
                    differ = before ^ _word(found[0, place] + 8 * word)
                    minus = differ & (before ^ wanted.targets[found[2, place], word])
                    either |= differ
                    carry = planes[0] & differ
                    planes[0] ^= differ
                    for plane in range(1, depth):
                        bits = planes[plane]
                        planes[plane] = bits ^ minus ^ carry
                        carry = (bits & minus) | (carry & (bits ^ minus))
                if either == np.uint64(0):
                    continue
                for slot in range(rank):
                    sources[slot] = _word(net.rows[net.fanin[begin + slot]] + 8 * word)
                while either:
                    bit = np.uint64(lowest(either))
                    either &= either - np.uint64(1)
                    address, rise = np.int64(0), np.int64(0)
                    for slot in range(rank):
                        address |= np.int64(sources[slot] >> bit & np.uint64(1)) << slot
                    for plane in range(depth):
                        rise |= np.int64(planes[plane] >> bit & np.uint64(1)) << plane
                    sums[address] += (rise ^ top) - top
            _take_back(net, room, own, table, count)


@kernel(ENGINE, sources=_SOURCES)
def pivotal_rows(
    net: Scattered, readers: Readers, room: Room, nodes: NDArray[np.int64], wanted: Wanted, result: NDArray[np.uint64]
) -> None:
    """Find the samples on which inverting a node inverts an output.

    Args:
        net: as for `wrong_bits`.
        readers: see there.
        room: see there.
        nodes: int64 (k,).
        wanted: see there; only which signals are outputs is read.
        result: uint64 (k, O, W).
    """
    table, first = np.empty(1, np.uint64), len(net.rows) - len(net.tables)
    for trial in range(len(nodes)):
        own, node = nodes[trial : trial + 1], nodes[trial]
        result[trial] = 0
        for block in range(net.blocks):
            table[0] = ~net.tables[node]
            count, low = _try(net, readers, room, own, table, block), WORDS * block
            for place in range(count):
                signal = first + room.changed[place]
                for entry in range(wanted.first[signal], wanted.first[signal + 1]):
                    output, now, then = wanted.outputs[entry], net.rows[signal], room.rows[signal]
                    for word in range(low, min(low + WORDS, result.shape[2])):
                        result[trial, output, word] = _word(now + 8 * word) ^ _word(then + 8 * word)
            _take_back(net, room, own, table, count)
