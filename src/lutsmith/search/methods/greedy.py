"""Greedy training, layer by layer: the LUTs of each layer are grown as if they voted, and the next layer reads their
outputs.

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
from lutsmith.search.method import SearchMethod, SearchStep, State, register
from lutsmith.search.problem import Problem
from lutsmith.search.tables import filled_tables

TOGETHER = 16
"""LUTs that are grown beside each other, by the same votes."""

PIECE = 512
"""LUTs of a step, a multiple of `TOGETHER`."""

Lut = tuple[NDArray[np.int32], np.uint64]
"""The rows that a LUT reads, and its table."""


@dataclass(frozen=True)
class GreedySettings:
    """Settings of greedy training.

    Attributes:
        candidates: signals that are drawn for a LUT, beside those that it reads; 0: wires stay as they are.
        fixed: the first levels, so many, whose wires stay as they are, such as windows over an image.
        exchanges: how often an input of a LUT that is there leaves for a better one.
        tau: for the votes of a layer: scores are divided by this times the root of their number, which is roughly their
            standard deviation if votes were coin flips. With a higher tau a layer learns fewer samples by heart.

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
    """A step grows a piece of a level, on the batch, from the inputs on; when all levels are grown, it ends.

    A LUT that is an output votes by the weights that the head has for it. The others are given outputs whose weights
    they vote by, as often each.
    """

    name = "greedy"
    Settings = GreedySettings
    image_layers = 4000, 2000

    def __init__(self, settings: GreedySettings | None = None) -> None:
        super().__init__(settings)
        self._seed = 0
        self._level: GrownLevel | None = None

    def most_steps(self, problem: Problem) -> int:
        return int(_begins(problem.netlist)[-1])

    def check(self, problem: Problem) -> None:
        how, levels = self.settings, problem.netlist.level_ptr.size - 1
        if problem.bank is not None and how.candidates and how.fixed < levels:
            raise ValueError("greedy chooses wires for tables that the bank may not have; give candidates=0 beside it")

    def state(self) -> State:
        return {"seed": np.array(self._seed)}

    def restore(self, state: State) -> None:
        self._seed, self._level = int(state["seed"]), None

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: GreedySettings = self.settings
        begins = _begins(problem.netlist)
        step = problem.step % int(begins[-1])
        number = int(np.searchsorted(begins, step, side="right")) - 1
        piece = step - int(begins[number])
        if piece == 0:
            self._seed = int(rng.integers(2**63))
        before, part, level = problem.accepting().value, problem.batch(), self._level
        if piece == 0 or level is None or level.part is not part or level.place != (number, piece):
            level = self._level = GrownLevel(problem, number, how, self._seed)
            level.read(piece)
        change = level.grown(0 if number < how.fixed else how.candidates, rng)
        problem.accept(change)
        return SearchStep(before, problem.accepting().value, change.nodes.size, True)


def _begins(netlist: Netlist) -> NDArray[np.int64]:
    """How many pieces there are before each level, from the inputs on, and in all, int64 (levels + 1,)."""
    return np.cumsum([0, *(-(-np.diff(netlist.level_ptr) // PIECE))])


class GrownLevel:
    """A level of a network, whose LUTs are grown on a batch, piece by piece, in an order that is drawn.

    Args:
        problem: the network, and the batch.
        number: of the level, from the inputs on.
        how: see there.
        seed: of the order, and of what the LUTs vote for.

    Attributes:
        part: the batch.
        place: the number of the level and that of the next piece.
    """

    def __init__(self, problem: Problem, number: int, how: GreedySettings, seed: int) -> None:
        netlist, self.part = problem.netlist, problem.batch()
        self.place = number, 0
        self._netlist, self._how, self._bank = netlist, how, problem.bank
        self._nodes = np.arange(*netlist.level_ptr[number : number + 2])
        self._tables, self._labels = problem.tables, self.part.loss.labels
        self._threads = num_threads(self.part.threads)
        ends = netlist.fanin_ptr[[self._nodes[0], self._nodes[-1] + 1]]
        self._signals = np.unique(problem.start.fanin[slice(*ends)])
        self._bits = self.part.evaluation.rows(self._signals)
        ones = np.bitwise_count(self._bits).sum(axis=1)
        self._varying = np.flatnonzero((ones > 0) & (ones < len(self.part))).astype(np.int32)
        self._head, self._growers = self.part.loss.head, dict[tuple[int, int], list[Grower]]()
        draw = np.random.default_rng([seed, 0x6EE])
        self._order = draw.permutation(self._nodes.size)
        self._weights = vote_weights(netlist, self._head, self._nodes, draw)
        spread = self._weights.var(axis=1, ddof=min(1, self._weights.shape[1] - 1)).sum()
        self._tau = how.tau * max(1.0, float(spread)) ** 0.5
        self._scores = np.zeros((self._weights.shape[1], self._labels.size), np.int64)

    def read(self, pieces: int) -> None:
        """Count the votes of pieces that are grown."""
        first = self._netlist.num_inputs + self._netlist.num_registers
        for begin in range(0, pieces * PIECE, TOGETHER):
            some = self._order[begin : begin + TOGETHER]
            said = self.part.evaluation.rows(first + self._nodes[some])
            votes.count(said, self._weights[some], self._scores)
        self.place = self.place[0], pieces

    def grown(self, candidates: int, rng: np.random.Generator) -> Change:
        """Return the LUTs of the next piece grown."""
        number, piece = self.place
        order = self._order[piece * PIECE : (piece + 1) * PIECE]
        shares, wires = np.empty(self._scores.shape), []
        tables = np.empty(order.size, np.uint64)
        for begin in range(0, order.size, TOGETHER):
            some = order[begin : begin + TOGETHER]
            drawn = [self._candidates(place, candidates, rng) for place in some]
            votes.shares(self._scores, self._tau, shares)
            luts, said = self._together(some, drawn, shares, self._weights[some])
            votes.count(said, self._weights[some], self._scores)
            for at, (place, (inputs, table)) in enumerate(zip(some.tolist(), luts, strict=True), begin):
                tables[at] = table
                node = np.full(inputs.size, self._nodes[place])
                wires.append(np.stack([node, np.arange(inputs.size), self._signals[inputs]], axis=1))
        self.place = number, piece + 1
        return Change(self._nodes[order], tables, np.concatenate(wires).astype(np.int64))

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
