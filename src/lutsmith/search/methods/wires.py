"""Moves of wires: one input of a node reads the best of many signals, and the node gets the best table for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import whole_number
from lutsmith.ground.arrays import unpacked
from lutsmith.kernels.additive.growth import LANES, MAX_RANK, Grower
from lutsmith.search.change import Change
from lutsmith.search.effects import inverted
from lutsmith.search.method import SearchMethod, SearchStep, accept_best, register
from lutsmith.search.mutation import readable
from lutsmith.search.part import LabelledPart
from lutsmith.search.problem import Problem

SCALE = 2**30
"""What the gains of all samples add up to at most, as integers, without their signs."""


@dataclass(frozen=True)
class WireSettings:
    """Settings of moves of wires.

    Attributes:
        nodes: how many nodes a step looks at, an input of each.
        candidates: signals that are tried for an input, any of lower levels.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    nodes: int = 8
    candidates: int = 256

    def __post_init__(self) -> None:
        whole_number("nodes", self.nodes, 1)
        whole_number("candidates", self.candidates, 1)


@register
class WireMoves(SearchMethod):
    """For some nodes, one input is replaced by the signal with which the best table lowers the loss of the batch most:
    all candidates are counted in one pass. The best of these moves is accepted if it lowers the loss on the samples of
    acceptance.
    """

    name = "wires"
    Settings = WireSettings

    def check(self, problem: Problem) -> None:
        if problem.bank is not None:
            raise ValueError("wires gives nodes tables that the bank may not have; use evolve, pivotal or coordinate")

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: WireSettings = self.settings
        batch, changes = problem.batch(), []
        for node in rng.choice(problem.num_nodes, min(how.nodes, problem.num_nodes), replace=False).tolist():
            if problem.ranks[node]:
                slot = int(rng.integers(problem.ranks[node]))
                signals = rng.integers(0, readable(problem.netlist, node), how.candidates)
                change = best_signal(batch, node, slot, signals)
                if change is not None:
                    changes.append(change)
        return accept_best(problem, changes)


def best_signal(part: LabelledPart, node: int, slot: int, signals: NDArray[np.int64]) -> Change | None:
    """Return what a node reads best in place of one input, with its best table: exact for all else as it is.

    An input that stays may be read twice now; then only signals that no input reads are tried.

    Args:
        part: the samples.
        node: which.
        slot: which of its inputs leaves; it is among the candidates.
        signals: int (C,), candidates.

    Returns:
        None: the node reads a signal twice among the inputs that stay, or there are no samples or no other signals.
    """
    evaluation, reads = part.evaluation, part.evaluation.reads(node).astype(np.int64)
    others = np.delete(reads, slot)
    rank = reads.size
    tried = np.setdiff1d(np.append(signals, reads[slot]), others)
    if np.unique(others).size < others.size or not tried.size or not len(part) or rank > MAX_RANK:
        return None
    before = part.loss.of_samples(evaluation)
    with inverted(evaluation, node):
        rise = part.loss.of_samples(evaluation) - before
    first_node = evaluation.cones.net.rows.size - evaluation.ranks.size
    ones = unpacked(evaluation.rows([first_node + node]), len(part))[:, 0]
    gains = _as_integers(np.where(ones, rise, -rise))
    if not gains.any():
        return None
    every = np.concatenate([others, tried])
    candidates = np.full(-(-every.size // LANES) * LANES, every.size - 1, np.int32)
    candidates[: every.size] = np.arange(every.size)
    grower = Grower(len(part), candidates.size, rank)
    grown = grower.grow(evaluation.rows(every), gains, candidates, known=rank - 1)
    table = sum([1 << _moved(entry, slot, rank) for entry in np.flatnonzero(grown.sums > 0).tolist()])
    signal = int(every[grown.inputs[-1]])
    return Change(np.array([node]), np.array([table], np.uint64), np.array([[node, slot, signal]]))


def _as_integers(gains: NDArray[np.float64]) -> NDArray[np.int32]:
    """Gains as integers: as they are if they are whole numbers, else in the finest unit that sums have room for."""
    total = np.abs(gains).sum()
    whole = bool((gains == np.rint(gains)).all()) and total <= SCALE
    return np.rint(gains if whole or total == 0 else gains * (SCALE / total / 2)).astype(np.int32)


def _moved(entry: int, slot: int, rank: int) -> int:
    """The address that an entry has where the last input is at a slot, and the others keep their order."""
    low, high, last = entry & (1 << slot) - 1, entry >> slot & (1 << rank - 1 - slot) - 1, entry >> rank - 1
    return low | last << slot | high << slot + 1
