"""Labelled samples on which a network is judged: its loss, what changes would do to it, and its accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples, Trials
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.search.change import Change, TableChanges
from lutsmith.search.effects import table_effects
from lutsmith.search.losses import WrongBits, loss_named


class LabelledPart:
    """A network on some labelled samples. All answers are for the network in its present state; judging changes
    nothing.

    Args:
        netlist: the network.
        samples: the bits of its inputs.
        labels: int (N,).
        head: from output bits to scores.
        loss: by name.
        threads: to judge with; the result is the same for any number.

    Attributes:
        evaluation: all values of nodes. Changing it is seen by the part.
        loss: on these samples.
        targets: uint64 (O, ceil(N / 64)), the bits of the labels' codes, packed; 0 beyond the last sample.
        threads: as given.
    """

    def __init__(
        self,
        netlist: Netlist,
        samples: PackedSamples,
        labels: NDArray[np.int64],
        head: Head,
        loss: str,
        threads: int | None = None,
    ) -> None:
        self.evaluation = PackedEvaluation(netlist, samples, threads=threads)
        self.loss = loss_named(loss, head, labels, netlist.outputs.size)
        self.threads = threads
        self._level_sizes = np.diff(netlist.level_ptr)
        self.targets = WrongBits(head, labels, netlist.outputs.size).targets
        self._counts_bits = isinstance(self.loss, WrongBits)
        self._trials = Trials(self.evaluation, self.targets)

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.evaluation.samples)

    @property
    def value(self) -> float:
        """The loss of all samples together."""
        return self.loss.total(self.evaluation)

    @property
    def levels(self) -> NDArray[np.int64]:
        """int64 (nodes,), the level of each node, from 0."""
        return np.repeat(np.arange(self._level_sizes.size), self._level_sizes)

    @property
    def accuracy(self) -> float:
        """The share of samples that are given their label; NaN of none."""
        right = self.loss.head.labels(self.loss.scores(self.evaluation)) == self.loss.labels
        return float(right.mean()) if right.size else float("nan")

    def follow(self, netlist: Netlist, tables: NDArray[np.uint64], fanin: NDArray[np.int32]) -> None:
        """Give the network other tables and wires, where they differ; only what depends on these is run."""
        entries = np.flatnonzero(self.evaluation.cones.net.fanin[: fanin.size] != fanin)
        nodes = np.flatnonzero(self.evaluation.tables != tables)
        if not entries.size + nodes.size:
            return
        of = np.searchsorted(netlist.fanin_ptr, entries, side="right") - 1
        wires = np.stack([of, entries - netlist.fanin_ptr[of], fanin[entries]], axis=1).astype(np.int64)
        Change(nodes, tables[nodes], wires).make(self.evaluation)
        self.evaluation.accept()

    def judge(self, changes: Sequence[Change]) -> NDArray[np.float64]:
        """Return the loss that each change would give, float64 (K,): only their cones are run."""
        only_tables = isinstance(changes, TableChanges) or not any(len(change.wires) for change in changes)
        if not (self._counts_bits and only_tables):
            return np.array([self._after(change) for change in changes], np.float64)
        if isinstance(changes, TableChanges):  # no Python for each
            start, nodes = np.arange(len(changes) + 1) * changes.nodes.size, np.tile(changes.nodes, len(changes))
            tables = changes.tables.reshape(-1)
        else:
            start = np.cumsum([0, *(change.nodes.size for change in changes)])
            nodes = np.concatenate([change.nodes for change in changes] or [np.empty(0, np.int64)])
            tables = np.concatenate([change.tables for change in changes] or [np.empty(0, np.uint64)])
        return self._trials.wrong_bits(start, nodes, tables, threads=self.threads).astype(np.float64)

    def scores(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much the loss would fall if each node alone were inverted on all samples, float64 (k,)."""
        if not self._counts_bits:
            return np.asarray(-self.effects(nodes).sum(axis=1))
        return -self._trials.rises(nodes, threads=self.threads).astype(np.float64)

    def gains(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much the best table of each node alone would lower the loss, float64 (k,): the sum over its
        entries of what inverting the entry gains, if anything.
        """
        if self._counts_bits:
            return self._trials.gains(nodes, threads=self.threads).astype(np.float64)
        return np.asarray(np.maximum(0.0, -self.effects(nodes)).sum(axis=1))

    def effects(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much the loss would rise if an entry of a node's table were inverted, float64 (k, 64).

        Entries from 2**rank up have effect 0. Effects of entries of one node add up.
        """
        if self._counts_bits:
            return self._trials.effects(nodes, threads=self.threads).astype(np.float64)
        result = np.zeros((nodes.size, 64))
        for place, node in enumerate(nodes.tolist()):
            found = table_effects(self.evaluation, self.loss, node)
            result[place, : found.size] = found
        return result

    def pivotal(self, nodes: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return on which samples inverting a node inverts an output bit, uint64 (k, O, ceil(N / 64))."""
        return self._trials.pivotal(nodes, threads=self.threads)

    def wrong(self) -> NDArray[np.uint64]:
        """Return which output bits are not those of the label's code, uint64 (O, ceil(N / 64))."""
        differ: NDArray[np.uint64] = self.evaluation.rows(self.evaluation.output_signals) ^ self.targets
        return differ

    def _after(self, change: Change) -> float:
        change.make(self.evaluation)
        try:
            return self.loss.total(self.evaluation)
        finally:
            for _ in range(change.steps):
                self.evaluation.undo()
