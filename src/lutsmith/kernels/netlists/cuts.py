"""Cuts of a network of LUTs, and the choice of few of them that cover it: area-oriented mapping to k-input LUTs.

A cut of a node is a set of signals (its leaves) that determine the node: a LUT that reads them can stand for the node
and for all that lies between. Of each node a few cuts are kept, the cheapest first (priority cuts: Mishchenko, Cho,
Chatterjee, Brayton, ICCAD 2007); those of a node are the unions of those of what it reads. First sweeps take the cut of
least area flow: LUTs that it costs, each shared among those that read it. Later sweeps take the cut of least exact
area: the LUTs that come into use with it and with nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the simplifier, once per machine, about 10 s"

PRIORITY = 8
"""Cuts kept a node."""

PARTIAL = 16
"""Cuts kept while those of the inputs of one node are joined."""

REACH = 256
"""Uses that an exact area may count before it is given up, so that long chains cost no quadratic time."""

WIDTH = 6
"""Leaves of a cut, at most."""


@kernel(COMPILING)
def _union(a: Any, size_a: int, b: Any, size_b: int, limit: int, out: Any) -> int:
    """Write the union of two ascending sets to `out` and return its size, or -1 where it is above `limit`."""
    i = j = size = 0
    while i < size_a or j < size_b:
        if size == limit:
            return -1
        if j == size_b or (i < size_a and a[i] < b[j]):
            out[size] = a[i]
            i += 1
        elif i == size_a or b[j] < a[i]:
            out[size] = b[j]
            j += 1
        else:
            out[size] = a[i]
            i += 1
            j += 1
        size += 1
    return size


@kernel(COMPILING)
def _contains(a: Any, size_a: int, b: Any, size_b: int) -> bool:
    """Whether the ascending set a contains b."""
    i = 0
    for j in range(size_b):
        while i < size_a and a[i] < b[j]:
            i += 1
        if i == size_a or a[i] != b[j]:
            return False
    return True


@kernel(COMPILING)
def _keep(
    leaves: Any, sizes: Any, signs: Any, costs: Any, count: int, most: int, new: Any, size: int, sign: Any, cost: float
) -> int:
    """Insert a cut into a list sorted by cost, then size; none in it contains another. Return the new length."""
    if count == most and (cost > costs[count - 1] or (cost == costs[count - 1] and size >= sizes[count - 1])):
        return count
    kept = 0
    for c in range(count):
        better = sizes[c] <= size and (signs[c] & sign) == signs[c] and costs[c] <= cost
        if better and _contains(new, size, leaves[c], sizes[c]):
            return count
    for c in range(count):
        worse = size <= sizes[c] and (signs[c] & sign) == sign and cost <= costs[c]
        if worse and _contains(leaves[c], sizes[c], new, size):
            continue
        if kept != c:
            for j in range(sizes[c]):
                leaves[kept, j] = leaves[c, j]
            sizes[kept], signs[kept], costs[kept] = sizes[c], signs[c], costs[c]
        kept += 1
    count = min(kept, most - 1)
    place = count
    while place > 0 and (cost < costs[place - 1] or (cost == costs[place - 1] and size < sizes[place - 1])):
        for j in range(sizes[place - 1]):
            leaves[place, j] = leaves[place - 1, j]
        sizes[place], signs[place], costs[place] = sizes[place - 1], signs[place - 1], costs[place - 1]
        place -= 1
    for j in range(size):
        leaves[place, j] = new[j]
    sizes[place], signs[place], costs[place] = size, sign, cost
    return count + 1


@kernel(COMPILING)
def _sign(leaves: Any, size: int) -> Any:
    """A word that is contained in that of every cut with these leaves and more."""
    sign = np.uint64(0)
    for j in range(size):
        sign |= np.uint64(1) << np.uint64(leaves[j] & 63)
    return sign


@kernel(COMPILING)
def _bits(word: Any) -> int:
    """The number of ones."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    ones: int = np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))  # type: ignore[assignment]
    return ones


@kernel(COMPILING)
def _change(leaves: Any, size: int, by: int, first: int, uses: Any, best: Any, best_size: Any, log: Any) -> int:
    """Take a cut into use (by = 1) or out of it (by = -1), with all that falls in or out of use by that.

    Returns the LUTs that fell in or out of use; -1 where that is more work than `log` holds, with nothing changed.
    `log` holds its length, then the signals whose uses changed, to be undone by `_undo`; 2 signal + 1 marks those that
    fell in or out of use.
    """
    log[0] = 0
    area = 0
    done = 0
    source, width = leaves, size
    while True:
        if log[0] + width + 1 > log.size:
            _undo(by, uses, log)
            return -1
        for j in range(width):
            signal = source[j]
            before = uses[signal]
            uses[signal] = before + by
            log[0] += 1
            log[log[0]] = 2 * signal + (min(before, before + by) == 0)
        while done < log[0]:
            done += 1
            signal = log[done] >> 1
            if log[done] & 1 and signal >= first:
                break
        else:
            return area
        area += 1
        source, width = best[signal - first], best_size[signal - first]


@kernel(COMPILING)
def _undo(by: int, uses: Any, log: Any) -> None:
    """Undo a `_change`."""
    for entry in range(1, log[0] + 1):
        uses[log[entry] >> 1] -= by


@kernel(COMPILING)
def _cost(
    leaves: Any, size: int, exact: bool, first: int, uses: Any, best: Any, best_size: Any, log: Any, share: Any
) -> float:
    """The LUTs that a cut costs: exactly (infinite where that is too far to count), or as area flow."""
    if exact:
        area = _change(leaves, size, 1, first, uses, best, best_size, log)
        if area < 0:
            return np.inf
        _undo(1, uses, log)
        return area + 1.0
    flow = 1.0
    for j in range(size):
        flow += share[leaves[j]]
    return flow


@kernel(COMPILING)
def cover(reads: Any, first: int, needed: Any, fanout: Any, limit: int, flow_sweeps: int, exact_sweeps: int) -> Any:
    """Choose cuts of at most `limit` leaves that cover a network with few LUTs.

    Args:
        reads: int32 (N, 6), what the nodes read, -1 where nothing, after all else; nodes in topological order.
        first: the signal of node 0.
        needed: int32 (signals,), how many outputs and registers read each signal.
        fanout: int32 (signals,), how many readers each signal has in the network.
        limit: leaves of a cut, 1 to 6. The cut of what a node reads is allowed whatever its size.
        flow_sweeps: sweeps by area flow, at least 1.
        exact_sweeps: sweeps by exact area.

    Returns:
        cuts: int32 (N, 6), the leaves of the cut chosen for each node, ascending.
        sizes: int32 (N,).
        uses: int32 (signals,), how often each signal is read in the cover; a node with none is not in it.
    """
    nodes, signals = len(reads), fanout.size
    leaves = np.empty((nodes, PRIORITY, WIDTH), np.int32)
    sizes = np.empty((nodes, PRIORITY), np.int32)
    signs = np.empty((nodes, PRIORITY), np.uint64)
    costs = np.empty((nodes, PRIORITY), np.float64)
    counts = np.zeros(nodes, np.int32)
    best = np.empty((nodes, WIDTH), np.int32)
    best_size = np.zeros(nodes, np.int32)
    uses = np.zeros(signals, np.int32)
    share = np.zeros(signals, np.float64)
    readers = np.empty(signals, np.float64)
    for signal in range(signals):
        readers[signal] = max(1, fanout[signal])
    log = np.empty(REACH, np.int64)
    part_leaves = np.empty((2, PARTIAL, WIDTH), np.int32)
    part_sizes = np.empty((2, PARTIAL), np.int32)
    part_signs = np.empty((2, PARTIAL), np.uint64)
    part_costs = np.empty((2, PARTIAL), np.float64)
    new = np.empty(WIDTH, np.int32)
    own = np.empty(WIDTH, np.int32)
    single = np.empty(1, np.int32)

    for sweep in range(flow_sweeps + exact_sweeps):
        exact = sweep >= flow_sweeps
        for node in range(nodes):
            if sweep > 0 and counts[node] == 1:  # nothing to choose: the first sweep found its own cut alone
                total = 1.0
                for j in range(best_size[node]):
                    total += share[best[node, j]]
                share[first + node] = total / readers[first + node]
                continue
            used = uses[first + node] > 0
            if exact and used and _change(best[node], best_size[node], -1, first, uses, best, best_size, log) < 0:
                continue
            rank = 0
            while rank < WIDTH and reads[node, rank] >= 0:
                rank += 1
            at = 0
            part_sizes[0, 0] = 0
            part_signs[0, 0] = 0
            part_costs[0, 0] = 0.0
            parts = 1
            own_size = 0
            for slot in range(rank):
                signal = reads[node, slot]
                single[0] = signal
                for j in range(own_size):
                    new[j] = own[j]
                own_size = _union(new, own_size, single, 1, WIDTH, own)
                to, joined = 1 - at, 0
                last = slot == rank - 1
                most = PRIORITY if last else PARTIAL
                others = counts[signal - first] if signal >= first else 0
                for part in range(parts):
                    for c in range(-1, others):
                        if c < 0:
                            other, other_size = single, 1
                            sign = part_signs[at, part] | _sign(single, 1)
                        else:
                            other, other_size = leaves[signal - first, c], sizes[signal - first, c]
                            sign = part_signs[at, part] | signs[signal - first, c]
                        if _bits(sign) > limit:
                            continue
                        size = _union(part_leaves[at, part], part_sizes[at, part], other, other_size, limit, new)
                        if size < 0:
                            continue
                        cost = _cost(new, size, exact and last, first, uses, best, best_size, log, share)
                        if cost == np.inf:
                            continue
                        joined = _keep(
                            part_leaves[to], part_sizes[to], part_signs[to], part_costs[to], joined, most, new, size,
                            sign, cost,
                        )  # fmt: skip
                at, parts = to, joined
            if rank == 0:
                parts = 0
            cost = _cost(own, own_size, exact, first, uses, best, best_size, log, share)
            if cost < np.inf:
                parts = _keep(
                    part_leaves[at], part_sizes[at], part_signs[at], part_costs[at], parts, PRIORITY, own, own_size,
                    _sign(own, own_size), cost,
                )  # fmt: skip
            if sweep > 0:
                cost = _cost(best[node], best_size[node], exact, first, uses, best, best_size, log, share)
                if cost < np.inf or parts == 0:
                    parts = _keep(
                        part_leaves[at], part_sizes[at], part_signs[at], part_costs[at], parts, PRIORITY, best[node],
                        best_size[node], _sign(best[node], best_size[node]), cost,
                    )  # fmt: skip
            counts[node] = parts
            for c in range(parts):
                sizes[node, c], signs[node, c], costs[node, c] = part_sizes[at, c], part_signs[at, c], part_costs[at, c]
                for j in range(sizes[node, c]):
                    leaves[node, c, j] = part_leaves[at, c, j]
            best_size[node] = sizes[node, 0]
            for j in range(best_size[node]):
                best[node, j] = leaves[node, 0, j]
            total = 1.0
            for j in range(best_size[node]):
                total += share[best[node, j]]
            share[first + node] = total / readers[first + node]
            if exact and used:
                _change(best[node], best_size[node], 1, first, uses, best, best_size, log)
        if not exact:
            for signal in range(signals):
                uses[signal] = needed[signal]
            for node in range(nodes - 1, -1, -1):
                if uses[first + node] > 0:
                    for j in range(best_size[node]):
                        uses[best[node, j]] += 1
            for signal in range(signals):
                readers[signal] = max(1.0, (2.0 * readers[signal] + uses[signal]) / 3.0)
    return best, best_size, uses


@kernel(COMPILING)
def tables_of(reads: Any, words: Any, first: int, cuts: Any, sizes: Any, uses: Any, variables: Any) -> Any:
    """The tables of the LUTs in a cover, uint64 (N,), as tables of six inputs; 0 for nodes that are not in it.

    Args:
        reads: int32 (N, 6), -1 where nothing is read.
        words: uint64 (N,), the tables of the nodes.
        first: the signal of node 0.
        cuts: of `cover`.
        sizes: of `cover`.
        uses: of `cover`.
        variables: uint64 (6,), the table of each input.
    """
    nodes = len(reads)
    signals = uses.size
    found = np.zeros(nodes, np.uint64)
    value = np.zeros(signals, np.uint64)
    stamp = np.full(signals, -1, np.int64)
    stack = np.empty(nodes * WIDTH + 1, np.int64)
    tree = np.empty(64, np.uint64)
    for root in range(nodes):
        if uses[first + root] == 0:
            continue
        for j in range(sizes[root]):
            value[cuts[root, j]] = variables[j]
            stamp[cuts[root, j]] = root
        stack[0] = first + root
        depth = 1
        while depth > 0:
            signal = stack[depth - 1]
            if stamp[signal] == root:
                depth -= 1
                continue
            node = signal - first
            waiting = depth
            rank = 0
            while rank < WIDTH and reads[node, rank] >= 0:
                if stamp[reads[node, rank]] != root:
                    stack[depth] = reads[node, rank]
                    depth += 1
                rank += 1
            if depth > waiting:
                continue
            entries = 1 << rank
            for a in range(entries):
                tree[a] = np.uint64(0) - ((words[node] >> np.uint64(a)) & np.uint64(1))
            for j in range(rank):
                entries >>= 1
                select = value[reads[node, j]]
                for a in range(entries):
                    tree[a] = (tree[2 * a] & ~select) | (tree[2 * a + 1] & select)
            value[signal] = tree[0]
            stamp[signal] = root
            depth -= 1
        found[root] = value[first + root]
    return found
