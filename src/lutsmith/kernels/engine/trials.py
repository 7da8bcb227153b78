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
from lutsmith.kernels.engine import lanes, rise_planes, scattered
from lutsmith.kernels.engine.lanes import HEADER_ROWS, ONES_ROW, ROW_BYTES, WORDS
from lutsmith.kernels.engine.rise_planes import risen
from lutsmith.kernels.engine.scattered import Scattered, lut_on_block, next_waiting

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

_SOURCES = lanes.__file__, rise_planes.__file__, scattered.__file__
_WORD = ir.IntType(64)


class Room(NamedTuple):
    """What one thread writes to. `waiting`, tables and rows are as they were after a call.

    Attributes:
        waiting: uint64 (at least ceil(N / 64),), 0: the nodes that have something to do, a bit each.
        place: int64, address of N + 3 blocks of a row, 64-byte aligned.
        changed: int32 (N + 1,), the nodes that changed.
        rows: int64 (S,), where the rows are before anything is tried: a copy of the network's.
        spare: int64, address of rows for `rises.Planes`, 64-byte aligned.
    """

    waiting: NDArray[np.uint64]
    place: int
    changed: NDArray[np.int32]
    rows: NDArray[np.int64]
    spare: int


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
        targets: uint64 (O, at least 16 a block), the wanted bits, rows 64-byte aligned, 0 beyond the last sample.
        wrong: int64 (O,), how many bits of each output are wrong now.
    """

    outputs: NDArray[np.int64]
    first: NDArray[np.int64]
    targets: NDArray[np.uint64]
    wrong: NDArray[np.int64]


class Turns(NamedTuple):
    """Work that several threads share: each takes the next few places, when it is done with those that it had.

    Attributes:
        taken: int64 (8,), a cache line; the first says how many places are taken, 0 in the beginning.
        size: places that are taken at a time.
    """

    taken: NDArray[np.int64]
    size: int


@intrinsic
def _add(_: Any, address: Any, count: Any) -> Any:
    """Add to a number that other threads add to as well, and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], _WORD.as_pointer())
        return builder.atomic_rmw("add", place, arguments[1], "monotonic")

    return types.int64(types.int64, types.int64), generate


@kernel(ENGINE)
def following(turns: Turns, place: int) -> int:
    """The place after one, of which -1 is before the first: the next of the same turn, or the first of a new one."""
    place += 1
    return place if place % turns.size else _add(turns.taken.ctypes.data, turns.size)


@intrinsic
def _word(_: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _WORD.as_pointer()), align=8)

    return types.uint64(types.int64), generate


@kernel(ENGINE, sources=_SOURCES)
def run_waiting(net: Any, readers: Any, room: Any, block: int, count: int, span: tuple[int, int]) -> int:
    """Run the nodes that wait on one block, and what reads those that change; return how many nodes have changed.

    Rows of nodes that changed are elsewhere: only their block is there. The first `count` have changed already.
    Nothing waits before or behind the nodes of `span`: a network may be large, and a cone small.
    """
    base, wires, rows, first = net.header.ctypes.data, net.fanin.ctypes.data, net.rows, len(net.rows) - len(net.tables)
    offset = ROW_BYTES * block
    mask = base + ROW_BYTES * (ONES_ROW if block < net.blocks - 1 else HEADER_ROWS)
    node, out = span[0] - 1, room.place + ROW_BYTES * count - offset
    end = span[1]
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
def _try(net: Any, readers: Any, room: Any, nodes: Any, tables: Any, block: int) -> int:
    """Run nodes with other tables, and what depends on them, on one block; return how many nodes changed.

    Rows of nodes that changed are elsewhere until `_take_back`: only their block is there.
    """
    start, end = len(net.tables), 0
    for place in range(len(nodes)):
        node = nodes[place]
        net.tables[node], tables[place] = tables[place], net.tables[node]
        room.waiting[node >> 6] |= np.uint64(1) << np.uint64(node & 63)
        start, end = min(start, node), max(end, node + 1)
    return run_waiting(net, readers, room, block, 0, (start, end))


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
    turns: Turns,
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
        turns: at the trials.
        result: int64 (K,).
    """
    start, nodes, tables = trials
    first, total = len(net.rows) - len(net.tables), wanted.wrong.sum()
    begin = following(turns, -1)
    while begin < len(result):
        stop = min(begin + turns.size, len(result))
        result[begin:stop] = total
        for block in range(net.blocks):  # a few trials at a time: rows of one block are in a cache for all of them
            offset = ROW_BYTES * block
            target = wanted.targets.ctypes.data + offset
            for trial in range(begin, stop):
                own, words = nodes[start[trial] : start[trial + 1]], tables[start[trial] : start[trial + 1]]
                count = _try(net, readers, room, own, words, block)
                for place in range(count):
                    signal = first + room.changed[place]
                    for entry in range(wanted.first[signal], wanted.first[signal + 1]):
                        goal = target + wanted.targets.strides[0] * wanted.outputs[entry]
                        result[trial] += risen(room.rows[signal] + offset, net.rows[signal] + offset, goal)
                _take_back(net, room, own, words, count)
        begin = following(turns, stop - 1) if stop % turns.size == 0 else stop


@kernel(ENGINE, sources=_SOURCES)
def pivotal_rows(
    net: Scattered,
    readers: Readers,
    room: Room,
    nodes: NDArray[np.int64],
    wanted: Wanted,
    turns: Turns,
    result: NDArray[np.uint64],
) -> None:
    """Find the samples on which inverting a node inverts an output.

    Args:
        net: as for `wrong_bits`.
        readers: see there.
        room: see there.
        nodes: int64 (k,).
        wanted: see there; only which signals are outputs is read.
        turns: at the nodes.
        result: uint64 (k, O, W).
    """
    table, first = np.empty(1, np.uint64), len(net.rows) - len(net.tables)
    trial = following(turns, -1)
    while trial < len(nodes):
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
        trial = following(turns, trial)


@kernel(ENGINE)
def first_repeated(start: NDArray[np.int64], nodes: NDArray[np.int64], seen: NDArray[np.int64]) -> int:
    """Return the first trial that has a node twice, or -1; `start` and `nodes` are those of `wrong_bits`, `seen` is
    int64 (N,), -1.
    """
    for trial in range(len(start) - 1):
        for place in range(start[trial], start[trial + 1]):
            if seen[nodes[place]] == trial:
                return trial
            seen[nodes[place]] = trial
    return -1
