"""Greedy training, layer by layer: the LUTs of each are grown as if they voted, and the next layer reads what they say.

Within a layer it is boosting: the votes so far give each sample its weight, and a LUT gets the inputs, among
candidates, and the table that lower the cross entropy of the votes most, to first order (`kernels.search.votes`). So no
change passes through a layer, and a network of any depth costs what its LUTs cost.

Source: the layers are those of Y. Bengio et al., "Greedy layer-wise training of deep networks", NIPS 2006; the votes
and their closed form are those of additive learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arguments import number, whole_number
from lutsmith.kernels.additive.growth import LANES, MAX_RANK, MOST, Grower
from lutsmith.kernels.additive.luts import add_up, evaluate
from lutsmith.kernels.search import votes
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, register
from lutsmith.search.problem import Problem
from lutsmith.search.tables import filled_tables

TOGETHER = 16
"""LUTs that are grown beside each other, by the same votes."""

Lut = tuple[NDArray[np.int32], np.uint64]
"""The rows that a LUT reads, and its table."""

LEAST = 1e-17
"""Odds that count nothing."""


@dataclass(frozen=True)
class GreedySettings:
    """Settings of greedy training.

    Attributes:
        candidates: signals that are drawn for a LUT, beside those that it reads; 0: wires stay as they are.
        fixed: the first levels, so many, whose wires stay as they are, such as windows over an image.
        exchanges: how often an input of a LUT that is there leaves for a better one.
        tau: of the votes of a layer: scores are divided by this times the root of their number, roughly: their standard
            deviation if votes were coins. The higher, the less a layer learns of samples by heart.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    candidates: int = 64
    fixed: int = 0
    exchanges: int = 0
    tau: float = 2.0

    def __post_init__(self) -> None:
        for name in ("candidates", "fixed", "exchanges"):
            whole_number(name, getattr(self, name), 0)
        number("tau", self.tau, lambda value: 0 < value < np.inf, "a number above 0")


@register
class GreedyLayers(SearchMethod):
    """A step grows all LUTs of a level, on the batch, from the inputs on; when all levels are grown, it ends.

    A LUT that is an output votes by the weights that the head has for it. The others are given outputs whose weights
    they vote by, as often each.
    """

    name = "greedy"
    Settings = GreedySettings
    image_layers = 4000, 2000

    def most_steps(self, problem: Problem) -> int:
        return problem.netlist.level_ptr.size - 1

    def check(self, problem: Problem) -> None:
        if problem.bank is not None and self.settings.candidates:
            raise ValueError("greedy chooses wires for tables that the bank may not have; give candidates=0 beside it")

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: GreedySettings = self.settings
        number = problem.step % self.most_steps(problem)
        level, before = GrownLevel(problem, number, how), problem.accepting().value
        problem.accept(level.grown(0 if number < how.fixed else how.candidates, rng))
        return SearchStep(before, problem.accepting().value, level.size, True)


class GrownLevel:
    """A level of a network, whose LUTs are grown on a batch.

    Attributes:
        size: how many LUTs it has.
    """

    def __init__(self, problem: Problem, level: int, how: GreedySettings) -> None:
        netlist, part = problem.netlist, problem.batch()
        self._netlist, self._how, self._bank = netlist, how, problem.bank
        self._nodes = np.arange(*netlist.level_ptr[level : level + 2])
        self.size, self._tables = self._nodes.size, problem.tables
        self._labels = part.loss.labels
        self._threads = num_threads(part.threads)
        ends = netlist.fanin_ptr[self._nodes[0]], netlist.fanin_ptr[self._nodes[-1] + 1]
        self._signals = np.unique(netlist.fanin[slice(*ends)])
        self._bits = part.evaluation.rows(self._signals)
        ones = np.bitwise_count(self._bits).sum(axis=1)
        self._varying = np.flatnonzero((ones > 0) & (ones < len(part))).astype(np.int32)
        self._head, self._growers = part.loss.head, dict[tuple[int, int], list[Grower]]()

    def grown(self, candidates: int, rng: np.random.Generator) -> Change:
        """Return all LUTs of the level grown, in an order that is drawn."""
        order = rng.permutation(self.size)
        weights = vote_weights(self._netlist, self._head, self._nodes, rng)
        tau = self._how.tau * max(1.0, float(weights.var(axis=1, ddof=min(1, weights.shape[1] - 1)).sum())) ** 0.5
        powers = np.exp(-np.arange(int(np.ceil(-np.log(LEAST) * tau)) + 1) / tau)
        scores = np.zeros((weights.shape[1], self._labels.size), np.int32)
        shares, wires = np.empty(scores.shape), []
        tables = self._tables[self._nodes]
        for begin in range(0, order.size, TOGETHER):
            some = order[begin : begin + TOGETHER]
            drawn = [self._candidates(place, candidates, rng) for place in some]
            votes.shares(scores, powers, shares)
            luts, said = self._together(some, drawn, shares, weights[some])
            votes.count(said, weights[some], scores)
            for place, (inputs, table) in zip(some.tolist(), luts, strict=True):
                tables[place] = table
                node = np.full(inputs.size, self._nodes[place])
                wires.append(np.stack([node, np.arange(inputs.size), self._signals[inputs]], axis=1))
        return Change(self._nodes, tables, np.concatenate(wires).astype(np.int64))

    def _together(
        self,
        some: NDArray[np.int64],
        drawn: list[NDArray[np.int32]],
        shares: NDArray[np.float64],
        weights: NDArray[np.int32],
    ) -> tuple[list[Lut], NDArray[np.uint64]]:
        """Some LUTs, grown by the same probabilities of classes, and what they say, packed."""
        luts: list[Lut] = [(np.empty(0, np.int32), np.uint64(0))] * some.size
        said = np.empty((some.size, self._bits.shape[1]), np.uint64)

        def work(take: Callable[[], int | None]) -> None:
            gains, room = np.empty(self._labels.size, np.int32), np.empty(self._labels.size)
            while (at := take()) is not None:
                votes.gains(shares, self._labels, weights[at], MOST, room, gains)
                inputs, table = luts[at] = self._lut(some[at], drawn[at], gains)
                entries = (table >> np.arange(1 << inputs.size, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)
                evaluate(self._bits, inputs, entries, said[at])

        share(some.size, self._threads, work)
        return luts, said

    def _reads(self, place: int) -> NDArray[np.int32]:
        """The rows that a LUT reads."""
        node = self._nodes[place]
        own = self._netlist.fanin[self._netlist.fanin_ptr[node] : self._netlist.fanin_ptr[node + 1]]
        return np.searchsorted(self._signals, own).astype(np.int32)

    def _candidates(self, place: int, count: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Rows that a LUT may read, padded to whole words; none where its wires stay."""
        own = np.unique(self._reads(place))
        if not count:
            return own[:0]
        drawn = rng.choice(self._varying, min(count, self._varying.size), replace=False)
        rows = np.unique(np.concatenate([own, drawn])).astype(np.int32)
        if rows.size == own.size or rows.size < self._netlist.ranks[self._nodes[place]]:
            return own[:0]
        return np.concatenate([rows, np.full(-rows.size % LANES, rows[0], np.int32)])

    def _lut(self, place: int, candidates: NDArray[np.int32], gains: NDArray[np.int32]) -> Lut:
        """The rows that a LUT reads from now on, and its table."""
        inputs = self._reads(place)
        if candidates.size and 0 < inputs.size <= MAX_RANK and gains.any():
            free = self._growers.setdefault((candidates.size, inputs.size), [])
            try:
                grower = free.pop()
            except IndexError:  # all of them are at work in other threads
                grower = Grower(gains.size, candidates.size, inputs.size)
            inputs, sums = grower.grow(self._bits, gains, candidates, exchanges=self._how.exchanges)
            free.append(grower)
        else:
            sums = np.empty(1 << inputs.size, np.int64)
            add_up(self._bits, inputs, gains, sums)
        return inputs, filled_tables(self._tables[self._nodes[place], None], sums[None], self._bank)[0]


def vote_weights(netlist: Netlist, head: Head, nodes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int32]:
    """Return what the LUTs of a level count for each class where they vote, int32 (k, C).

    One that is an output counts what the head says; the others, each as often, what it says of an output that it tells
    classes apart by.
    """
    count = netlist.outputs.size
    table = np.eye(head.num_groups, dtype=np.int32) if head.weights is None else head.weights
    of_output = np.repeat(table, head.group_size(count), axis=1).T
    telling = np.flatnonzero(np.ptp(of_output, axis=1))
    pool = telling if telling.size else np.arange(count)
    drawn = rng.permutation(np.resize(rng.permutation(pool), nodes.size))
    first = netlist.num_inputs + netlist.num_registers
    signals, outputs = np.unique(netlist.outputs, return_index=True)
    at = np.searchsorted(signals, nodes + first)
    inside = np.minimum(at, signals.size - 1)
    own = np.where(signals[inside] == nodes + first, outputs[inside], drawn)
    weights: NDArray[np.int32] = np.ascontiguousarray(of_output[own], np.int32)
    return weights
