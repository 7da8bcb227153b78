"""Memorisation: for each combination of its inputs, a LUT outputs the more frequent value of its target; level by
level, by counting.

Source: S. Chatterjee, "Learning and Memorization", ICML 2018. Of several classes, the targets are the bits of their
codes, one for each output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.memorised import entry_gains
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arguments import instance_of, number
from lutsmith.ground.arrays import integers
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, State, register
from lutsmith.search.methods.pivotal import accept_rule
from lutsmith.search.mutation import Bank
from lutsmith.search.part import LabelledPart
from lutsmith.search.problem import Problem
from lutsmith.search.tables import filled_tables

NODES = 1024
"""LUTs whose inputs are gathered at a time."""


@dataclass(frozen=True)
class MemorizeSettings:
    """Settings of memorisation.

    Attributes:
        share: the share of LUTs that a step after the first draws another reader for, whose target they learn.
        balanced: the more samples share a target bit, the less each of them counts, so that codes of few ones are
            learned as well as others. False: every sample counts the same, as in the source.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    share: float = 0.1
    balanced: bool = True

    def __post_init__(self) -> None:
        number("share", self.share, lambda value: 0 < value <= 1, "a share above 0, at most 1")
        instance_of("balanced", self.balanced, bool)


@register
class Memorisation(SearchMethod):
    """Every step fills all tables again, on the batch; they are kept if this lowers the loss on the samples of
    acceptance.

    An output learns its own target, any other LUT that of one of its readers. Which one is drawn; after the first step
    some are drawn again. An entry stays as it is where the samples do not decide it, because none reads it or as many
    ask for 0 as for 1: in a drawn network it stays random.
    """

    name = "memorize"
    Settings = MemorizeSettings

    def __init__(self, settings: MemorizeSettings | None = None) -> None:
        super().__init__(settings)
        self._readers: NDArray[np.int64] | None = None

    def check(self, problem: Problem) -> None:
        if self._readers is not None:
            check_readers(problem.netlist, self._readers)

    def state(self) -> State:
        return {} if self._readers is None else {"readers": self._readers}

    def restore(self, state: State) -> None:
        self._readers = state.get("readers")

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: MemorizeSettings = self.settings
        netlist = problem.netlist
        readers = drawn_readers(netlist, rng)
        if self._readers is not None:
            again = rng.random(readers.size) < how.share
            readers = np.where(again, readers, self._readers)
        change = memorised(problem.batch(), netlist, targets_of(netlist, readers), problem.bank, how.balanced)
        taken = accept_rule(problem, change, "falls", 1)
        if taken.accepted:
            self._readers = readers
        return taken


def drawn_readers(netlist: Netlist, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a reader of each node, int64 (nodes,), any with equal probability: a node, or -1 - o for output o. A node
    that is an output has an output; one that nothing reads has any.
    """
    first = netlist.num_inputs + netlist.num_registers
    result = -1 - rng.integers(0, netlist.outputs.size, netlist.num_nodes)
    for read, readers in (
        (netlist.fanin, np.repeat(np.arange(netlist.num_nodes), netlist.ranks)),
        (netlist.outputs, -1 - np.arange(netlist.outputs.size)),
    ):
        order = rng.permutation(np.flatnonzero(read >= first))
        result[read[order] - first] = readers[order]  # the last of each
    return result


def check_readers(netlist: Netlist, readers: NDArray[Any]) -> None:
    """Raise TypeError or ValueError where readers are not such as `drawn_readers` gives."""
    integers("readers", readers, low=-netlist.outputs.size, high=netlist.num_nodes)
    level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
    if readers.shape != level.shape or np.any((readers >= 0) & (level[readers] <= level)):
        raise ValueError("readers are not nodes of higher levels or outputs, one of each node")


def targets_of(netlist: Netlist, readers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the output whose target each node learns, int64 (nodes,): that of its reader."""
    result = -1 - readers
    for level in range(netlist.level_ptr.size - 2, -1, -1):
        nodes = np.arange(*netlist.level_ptr[level : level + 2])
        within = nodes[readers[nodes] >= 0]
        result[within] = result[readers[within]]
    return result


def memorised(
    part: LabelledPart, netlist: Netlist, targets: NDArray[np.int64], bank: Bank | None, balanced: bool
) -> Change | None:
    """Return the tables that a network gets by memorising a part, level by level; None: those that it has.

    Args:
        part: the samples; it stays as it is.
        netlist: the network as it is.
        targets: int64 (nodes,), the output whose wanted bit each node learns.
        bank: tables that nodes are kept to: then the one that is right on most.
        balanced: see `MemorizeSettings`.
    """
    evaluation = part.evaluation
    before, tables, steps = evaluation.tables, evaluation.tables, 0
    try:
        for level in range(netlist.level_ptr.size - 1):
            nodes = np.arange(*netlist.level_ptr[level : level + 2])
            for rank in np.unique(netlist.ranks[nodes]):
                alike = nodes[netlist.ranks[nodes] == rank]
                for start in range(0, alike.size, NODES):
                    some = alike[start : start + NODES]
                    gains = _gains(part, netlist, some, targets[some], balanced)
                    tables[some] = filled_tables(tables[some], gains, bank)
            changed = nodes[tables[nodes] != before[nodes]]
            if changed.size:
                evaluation.change(changed, tables[changed])
                steps += 1
    finally:
        for _ in range(steps):
            evaluation.undo()
    changed = np.flatnonzero(tables != before)
    return Change(changed, tables[changed]) if changed.size else None


def _gains(
    part: LabelledPart, netlist: Netlist, nodes: NDArray[np.int64], targets: NDArray[np.int64], balanced: bool
) -> NDArray[np.int64]:
    """What entries of nodes of one rank gain where they are 1 and not 0, int64 (k, 2**rank)."""
    reads = netlist.fanin[netlist.fanin_ptr[nodes, None] + np.arange(netlist.ranks[nodes[0]])]
    signals, inputs = np.unique(reads, return_inverse=True)
    bits, rows = part.evaluation.rows(signals), inputs.reshape(reads.shape).astype(np.int32)
    return entry_gains(bits, rows, part.targets, targets, len(part), balanced=balanced, threads=part.threads)
