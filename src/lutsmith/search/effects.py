"""The exact effect of a change: a node is inverted on all samples, its cone is run, and everything is undone.

A node is *pivotal* for an output on a sample if inverting the node on that sample inverts the output: the Boolean
difference. Samples do not interact, so one run of the cone answers for all of them, even if paths meet again or a node
reads the same signal several times. Samples at different addresses of a table do not interact either, so the effects of
its entries add up. While everything else stays, the best table is the one in which each entry is inverted if this
lowers the loss. That is an exact step in one coordinate, a whole table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation, RowChange
from lutsmith.ground.arrays import unpacked
from lutsmith.search.losses import SearchLoss


@contextmanager
def inverted(evaluation: PackedEvaluation, node: int) -> Iterator[RowChange]:
    """Invert a node on all samples within the block; then everything is as it was."""
    change = evaluation.change([node], [evaluation.tables[node] ^ np.uint64(2**64 - 1)])
    try:
        yield change
    finally:
        evaluation.undo()


def pivotal_rows(evaluation: PackedEvaluation, node: int) -> NDArray[np.uint64]:
    """Return for which outputs a node is pivotal, uint64 (O, ceil(N / 64)): bit b of word w of row o belongs to sample
    64 w + b.
    """
    before = evaluation.rows(evaluation.output_signals)
    with inverted(evaluation, node):
        return before ^ evaluation.rows(evaluation.output_signals)


def addresses(evaluation: PackedEvaluation, node: int) -> NDArray[np.int64]:
    """Return which entry of its table a node reads on each sample, int64 (N,)."""
    reads = evaluation.reads(node)
    bits = unpacked(evaluation.rows(reads), len(evaluation.samples))
    return bits.astype(np.int64) @ (1 << np.arange(len(reads)))


def table_effects(evaluation: PackedEvaluation, loss: SearchLoss, node: int) -> NDArray[np.float64]:
    """Return by how much the loss of all samples rises if an entry of a node's table is inverted, float64 (2**rank,).

    An entry that no sample reads has effect 0. Effects of different entries of one node add up.
    """
    before, size = loss.of_samples(evaluation), 1 << int(evaluation.ranks[node])
    with inverted(evaluation, node):
        risen = loss.of_samples(evaluation) - before
    return np.bincount(addresses(evaluation, node), risen, minlength=size).astype(np.float64, copy=False)


def best_table(table: int, effects: NDArray[np.float64]) -> tuple[int, float]:
    """Return a table whose entries are inverted where that lowers the loss, and by how much it does so in all."""
    better = effects < 0
    flips = sum(1 << entry for entry in np.flatnonzero(better).tolist())
    return table ^ flips, float(-effects[better].sum())
