"""The form in which passes change a netlist: every LUT a row of six inputs, and back to an immutable `Netlist`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist, level_offsets
from lutsmith.circuit.tables import Words, narrowed, sort_inputs, widened

UNUSED = -1
"""What an unused input reads: the constant 0. Arrays over signals have one more entry, the last, for it."""


@dataclass(eq=False)
class Luts:
    """The nodes of a netlist as rows, free to be changed.

    Signals are numbered as in the netlist. A pass may let a node read any signal that does not wait for the node, and
    an output any signal; a table must not depend on an input that is `UNUSED`.

    Attributes:
        source: the netlist that the rows came from.
        reads: int32 (N, 6), the signals that each node reads, `UNUSED` where it reads none.
        words: uint64 (N,), the tables as those of six inputs.
        outputs: int32 (O,).
        register_next: int32 (R,).
    """

    source: Netlist
    reads: NDArray[np.int32]
    words: Words
    outputs: NDArray[np.int32]
    register_next: NDArray[np.int32]

    @classmethod
    def of(cls, netlist: Netlist) -> Luts:
        """Return the rows of a netlist."""
        ranks = netlist.ranks
        slots = np.arange(MAX_RANK)
        used = slots < ranks[:, None]
        reads = np.full(used.shape, UNUSED, np.int32)
        reads[used] = netlist.fanin
        words = widened(netlist.tables(), ranks)
        return cls(netlist, reads, words, netlist.outputs.copy(), netlist.register_next.copy())

    @property
    def first_node(self) -> int:
        """The signal of node 0."""
        return self.source.num_inputs + self.source.num_registers

    def levels(self) -> Iterator[slice]:
        """The nodes of each level of the source, from the lowest."""
        for start, stop in zip(self.source.level_ptr[:-1].tolist(), self.source.level_ptr[1:].tolist(), strict=True):
            yield slice(start, stop)

    def fanout(self) -> NDArray[np.int64]:
        """Return int64 (signals + 1,), how many inputs of nodes, outputs and registers read each signal."""
        everything = np.concatenate([self.reads.reshape(-1), self.outputs, self.register_next])
        counts = np.bincount(everything[everything != UNUSED], minlength=self.source.num_signals + 1)
        return counts.astype(np.int64, copy=False)

    def depths(self) -> NDArray[np.int32]:
        """Return int32 (signals + 1,): 0 for inputs, registers and constants, else one more than the highest read."""
        depth = np.zeros(self.source.num_signals + 1, np.int32)
        is_lut = (self.reads != UNUSED).any(axis=1)
        levels = self.source.level_ptr
        first_of_level = self.first_node + np.repeat(levels[:-1], np.diff(levels))
        late = bool((self.reads >= first_of_level[:, None]).any())  # signals of the same or a higher level are read
        while True:
            before = depth.copy()
            for nodes in self.levels():
                above = depth[self.reads[nodes]].max(axis=1) + 1
                depth[self.first_node + nodes.start : self.first_node + nodes.stop] = above * is_lut[nodes]
            if not late or np.array_equal(depth, before):
                return depth

    def netlist(self, keep: NDArray[np.bool_] | None = None) -> Netlist:
        """Return the netlist of these rows, its levels as low as they can be.

        Args:
            keep: bool (N,), the nodes that stay; what stays must not read others. All by default.
        """
        return self.with_registers(np.ones(self.source.num_registers, np.bool_), keep)

    def with_registers(self, registers: NDArray[np.bool_], keep: NDArray[np.bool_] | None = None) -> Netlist:
        """Return the netlist with those registers, bool (R,), and nodes alone."""
        depth = self.depths()[self.first_node : -1]
        nodes = np.arange(depth.size) if keep is None else np.flatnonzero(keep)
        nodes = nodes[np.argsort(depth[nodes], kind="stable")]
        reads, words = self.reads[nodes], self.words[nodes]
        sort_inputs(reads, words, (reads == UNUSED).view(np.int8))

        inputs = self.source.num_inputs
        held = np.flatnonzero(registers)
        number = np.full(self.source.num_signals + 1, UNUSED, np.int32)
        number[:inputs] = np.arange(inputs)
        number[inputs + held] = inputs + np.arange(held.size)
        number[self.first_node + nodes] = inputs + held.size + np.arange(nodes.size)
        used = reads != UNUSED
        ranks = np.count_nonzero(used, axis=1)
        table_pool, table_index = np.unique(narrowed(words, ranks), return_inverse=True)
        return Netlist(
            num_inputs=inputs,
            fanin=number[reads[used]],
            fanin_ptr=np.append(0, np.cumsum(ranks)),
            table_pool=table_pool,
            table_index=table_index.reshape(-1).astype(np.int32),
            level_ptr=level_offsets(depth[nodes]),
            outputs=number[self.outputs],
            register_next=number[self.register_next[held]],
            register_init=self.source.register_init[held],
        )
