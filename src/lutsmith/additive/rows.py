"""Rows as packed bits with the votes on them, and where the rows of training come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.front import Bits
from lutsmith.additive.network import VotingLut
from lutsmith.additive.objectives import Goal
from lutsmith.additive.opinions import Opinions
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import score
from lutsmith.kernels.additive import luts

CHUNK = 1 << 12
"""Rows that are encoded at a time, a multiple of 64."""

Augment = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Samples (N, *input_shape) and a generator to changed samples of the same shape and dtype."""


class Rows:
    """Rows as packed bits, and the votes of a network on them.

    Args:
        goal: what is learned.
        y: the targets, (N,) or (N, K).
        weights: how much each row counts, (N,), or None: all alike.
        bits: B, of the encoding.
        room: for so many outputs of LUTs that others read.
        opinions: of a teacher, on these rows.

    Attributes:
        bits: uint64 (B + room, W): of the encoding, and the outputs of the network's LUTs in their order.
        votes: on these rows.
        weight: of all rows together.
    """

    def __init__(
        self,
        goal: Goal,
        y: NDArray[Any],
        weights: NDArray[Any] | None,
        bits: int,
        room: int = 0,
        opinions: Opinions | None = None,
    ) -> None:
        self.goal, self.y = goal, y
        self.weight = float(len(y) if weights is None else np.sum(weights))
        self.num_bits = bits
        self.bits = np.zeros((bits + room, -(-len(y) // 64)), np.uint64)
        self.votes = goal.votes(y, weights, opinions)

    def __len__(self) -> int:
        return len(self.y)

    def output(self, lut: VotingLut) -> NDArray[np.uint64]:
        """Return what a LUT says, packed, (W,)."""
        words = np.empty(self.bits.shape[1], np.uint64)
        luts.evaluate(self.bits, lut.inputs, lut.table, words)
        return words

    def cast(self, lut: VotingLut, sign: int = 1) -> None:
        """Add a LUT's votes, or take them away with -1."""
        self.votes.cast(lut.code, self.output(lut), sign)

    def put(self, lut: VotingLut, place: int) -> None:
        """Let others read the output of the network's LUT of this place, where there is room for outputs."""
        if self.num_bits + place < len(self.bits):
            self.bits[self.num_bits + place] = self.output(lut)

    def replay(self, network: Sequence[VotingLut], tau: float) -> None:
        """Count the votes of a network from the beginning."""
        self.votes.clear()
        for place, lut in enumerate(network):
            self.put(lut, place)
            self.cast(lut)
        self.votes.begin(tau)

    def score(self) -> float:
        """Return how good the votes are, as `data.report.score` says."""
        return score(self.goal.objective, self.goal.predicted(self.votes), self.y)


class RowSource:
    """Gives the rows of training: all of them, one block after the other, or changed copies beside them.

    Draw d holds rows d, d + D, d + 2 D, ... of D blocks, and behind them `copies` changed copies of each, made anew in
    every draw. What is drawn depends on the seed and on d alone, not on threads.

    Args:
        dataset: of which the training part is taken.
        rows: int64 (N,), which rows.
        encoding: makes the bits.
        goal: what is learned.
        room: of `Rows`.
        block: rows of a block at the most; None: all of them.
        copies: of each row; 0 without `augment`.
        augment: how copies are changed.
        seed: of the changes.
        opinions: of a teacher, on the rows.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: NDArray[np.int64],
        encoding: Bits,
        goal: Goal,
        *,
        room: int = 0,
        block: int | None = None,
        copies: int = 0,
        augment: Augment | None = None,
        seed: int = 0,
        opinions: Opinions | None = None,
    ) -> None:
        self.goal = goal
        self._dataset, self._rows, self._encoding = dataset, rows, encoding
        self._blocks = 1 if block is None else -(-len(rows) // block)
        self._copies, self._augment, self._seed, self._room = copies if augment else 0, augment, seed, room
        self._opinions = opinions
        self._drawn: tuple[int, Rows] | None = None

    @property
    def changes(self) -> bool:
        """Whether one draw differs from another."""
        return self._blocks > 1 or self._copies > 0

    def draw(self, number: int) -> Rows:
        """Return the rows of a draw, without votes; those of an earlier one are overwritten where sizes are equal."""
        rows = self._rows[number % self._blocks :: self._blocks]
        if self._drawn is not None and (not self.changes or self._drawn[0] == number):
            return self._drawn[1]
        same = self._blocks == 1 and self._drawn is not None  # then the rows themselves stay, and their copies change
        if self._drawn is not None and same:
            found = self._drawn[1]
        else:
            self._drawn = None  # no room for both
            weights = self._dataset.sample_weight
            counted = None if weights is None else np.tile(np.asarray(weights, np.float64)[rows], 1 + self._copies)
            y = self._dataset.y_train[rows]
            said = self._opinions
            if said is not None:
                own = said.said[number % self._blocks :: self._blocks]
                said = said._replace(said=np.concatenate([own] * (1 + self._copies)))
            found = Rows(
                self.goal, np.concatenate([y] * (1 + self._copies)), counted, len(self._encoding), self._room, said
            )
        self._drawn = number, found
        first = len(rows) // CHUNK if same else 0
        self._encode(rows, found.bits, first, number)
        return found

    def _encode(self, rows: NDArray[np.int64], bits: NDArray[np.uint64], first: int, number: int) -> None:
        total = len(rows) * (1 + self._copies)
        x = self._dataset.x_train

        def work(take: Any) -> None:
            while (piece := take()) is not None:
                start = (first + piece) * CHUNK
                places = np.arange(start, min(start + CHUNK, total))
                part = x[rows[places % len(rows)]]
                changed = places >= len(rows)
                if self._augment is not None and changed.any():
                    generator = np.random.default_rng([self._seed, 0xA06, number, first + piece])
                    part[changed] = self._augment(part[changed], generator)
                words = self._encoding.packed(part.reshape(len(part), -1))
                bits[: len(words), start // 64 : start // 64 + words.shape[1]] = words

        pieces = -(-total // CHUNK) - first
        share(pieces, min(num_threads(), pieces), work)
