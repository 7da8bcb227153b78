"""The best table that never falls, or never rises, along some of its inputs: a closure of the largest weight.

Where an entry is 1 and the table may not fall along an input, the entry with that input turned on is 1 too. So the
entries that are 1 are a set that such edges do not leave, and the one with the largest sum of weights is told by a
minimum cut (J. C. Picard, "Maximal closure of a graph and applications to combinatorial problems", 1976). Flow goes
from entries of positive weight along edges to those of negative weight, by shortest paths in the graph of what is left,
until none is there: what can then be reached from positive weight that is left over is the closure, the smallest of the
best ones. Weights are integers: nothing is rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.additive.naive import FALLS, RISES
from lutsmith.kernels.compiler import kernel


@kernel()
def best_unate(weights: Any, unate: Any, table: Any) -> Any:
    """Fill in a table, bool (2**n,), and return the sum of the weights where it is 1; `naive.best_unate` says which.

    Args:
        weights: int64 (2**n,).
        unate: uint8 (n,), `RISES`, `FALLS`, both or 0.
        table: bool (2**n,).
    """
    rank, size = unate.size, weights.size
    left = weights.copy()  # what positive ones still send, and negative ones take
    flow = np.zeros((size, rank), np.int64)  # from an entry along an edge
    came, queue = np.empty(size, np.int64), np.empty(size, np.int64)
    table[:] = False
    for source in range(size):
        while left[source] > 0 and not table[source]:
            came[:] = -1
            came[source] = rank
            queue[0], head, tail, sink = source, 0, 1, -1
            while head < tail and sink < 0:
                entry = queue[head]
                head += 1
                for slot in range(rank):
                    other = entry ^ (1 << slot)
                    if came[other] >= 0 or table[other]:
                        continue
                    along = unate[slot] & (FALLS if entry >> slot & 1 else RISES)
                    if along or flow[other, slot] > 0:
                        came[other] = slot
                        queue[tail] = other
                        tail += 1
                        if left[other] < 0:
                            sink = other
                            break
            if sink < 0:
                for place in range(tail):
                    table[queue[place]] = True
                break
            amount, entry = min(left[source], -left[sink]), sink
            while entry != source:
                slot = came[entry]
                entry ^= 1 << slot
                if not unate[slot] & (FALLS if entry >> slot & 1 else RISES):
                    amount = min(amount, flow[entry ^ (1 << slot), slot])
            left[source] -= amount
            left[sink] += amount
            entry = sink
            while entry != source:
                slot = came[entry]
                entry ^= 1 << slot
                if unate[slot] & (FALLS if entry >> slot & 1 else RISES):
                    flow[entry, slot] += amount
                else:
                    flow[entry ^ (1 << slot), slot] -= amount
    total: Any = np.int64(0)
    for entry in range(size):
        if table[entry]:
            total += weights[entry]
    return total
