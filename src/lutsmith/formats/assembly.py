"""Nodes in any order, as files have them, into a netlist."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, level_offsets
from lutsmith.ground.arrays import numbered, runs


class CycleError(ValueError):
    """Nodes that wait for each other.

    Attributes:
        node: one of them, or one that reads them.
    """

    def __init__(self, node: int) -> None:
        super().__init__(f"node {node} waits for its own value")
        self.node = node


def assemble(
    num_inputs: int,
    register_init: NDArray[np.bool_],
    ranks: NDArray[np.int64],
    fanin: NDArray[np.int64],
    tables: NDArray[np.uint64],
    outputs: NDArray[np.int64],
    register_next: NDArray[np.int64],
) -> Netlist:
    """Return the netlist of nodes that may read each other in any order.

    Signals are numbered as in a netlist: inputs, registers, then the nodes as given. Nodes of a level keep their order.

    Args:
        num_inputs: I.
        register_init: (R,).
        ranks: (N,), 0 to 6.
        fanin: the signals that the nodes read, node after node.
        tables: (N,).
        outputs: (O,), signals.
        register_next: (R,), signals.

    Raises:
        CycleError: the nodes are not without a cycle.
    """
    first_node = num_inputs + register_init.size
    start = np.append(0, np.cumsum(ranks))
    levels = _levels(start, fanin - first_node)
    order = np.argsort(levels, kind="stable")
    number = np.arange(first_node + ranks.size, dtype=np.int32)
    number[first_node + order] = first_node + np.arange(ranks.size, dtype=np.int32)
    counts = ranks[order]
    words = tables[order]
    first_use, table_index = numbered(words)
    return Netlist(
        num_inputs=num_inputs,
        fanin=number[fanin[runs(start[order], counts)]],
        fanin_ptr=np.append(0, np.cumsum(counts)),
        table_pool=words[first_use],
        table_index=table_index,
        level_ptr=level_offsets(levels),
        outputs=number[outputs],
        register_next=number[register_next],
        register_init=register_init,
    )


def _levels(start: NDArray[np.int64], reads: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the level of each node: 0 for constants, else one more than the highest that it reads.

    Args:
        start: (N+1,), node i reads `reads[start[i]:start[i+1]]`.
        reads: nodes; negative numbers are inputs and registers.
    """
    count = start.size - 1
    ranks = np.diff(start)
    levels = (ranks > 0).astype(np.int64)
    from_node = reads >= 0
    reader = np.repeat(np.arange(count), ranks)[from_node]
    source = reads[from_node]
    waiting = np.bincount(reader, minlength=count)
    readers = reader[np.argsort(source, kind="stable")]  # of node 0, of node 1, ...
    first = np.append(0, np.cumsum(np.bincount(source, minlength=count)))
    ready = np.flatnonzero(waiting == 0)
    last = np.empty(count, np.int64)
    done = 0
    while ready.size:  # those that wait for nothing, then those that waited for them
        done += ready.size
        counts = first[ready + 1] - first[ready]
        told = readers[runs(first[ready], counts)]
        np.maximum.at(levels, told, np.repeat(levels[ready] + 1, counts))
        np.subtract.at(waiting, told, 1)
        freed = told[waiting[told] == 0]
        last[freed] = np.arange(freed.size)
        ready = freed[last[freed] == np.arange(freed.size)]  # each once
    if done < count:
        raise CycleError(int(np.argmax(waiting > 0)))
    return levels
