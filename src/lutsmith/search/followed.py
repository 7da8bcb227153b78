"""Cross entropy that follows a network's changes, and says what a change would do: only samples that change cost.

The probabilities of classes of every sample are at hand. A node is inverted, its cone is run, and the rows of outputs
before and after tell which samples' losses rise, and by how much: see `kernels.search.softmax`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation, RowChange
from lutsmith.ground.arrays import integers
from lutsmith.kernels.search import softmax
from lutsmith.search.effects import inverted
from lutsmith.search.losses import CrossEntropy

HIGHEST = 700.0
"""Exponents that float64 holds."""


class Rises(NamedTuple):
    """What samples lose by a change; the others nothing.

    Attributes:
        samples: int32 (M,), those whose outputs change, ascending.
        values: float64 (M,), by how much the loss of each rises, in nats.
    """

    samples: NDArray[np.int32]
    values: NDArray[np.float64]


class Effects(NamedTuple):
    """What inverting entries of a table would do, by parts of the samples.

    Attributes:
        sums: float64 (P, 2**rank), by how much the loss of a part rises if an entry is inverted.
        squares: float64 (P, 2**rank), the sums of the squares over samples.
    """

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


class FollowedLoss:
    """The cross entropy of a network on packed samples, as its tables and wires change. Not for several threads.

    Args:
        evaluation: of the network; it is changed through this object alone.
        loss: the labels, the head and tau.
        parts: uint8 (N,), which part each sample belongs to, from 0 on; None: all to one.

    Attributes:
        evaluation: as given.
        num_parts: P.
    """

    def __init__(self, evaluation: PackedEvaluation, loss: CrossEntropy, parts: ArrayLike | None = None) -> None:
        samples = len(evaluation.samples)
        if len(loss.labels) != samples:
            raise ValueError(f"{len(loss.labels)} labels for {samples} samples")
        given = np.zeros(samples, np.uint8) if parts is None else integers("parts", parts, low=0, high=256)
        if given.shape != (samples,):
            raise ValueError(f"parts has shape {given.shape}, expected ({samples},)")
        self._parts = given.astype(np.uint8)
        self.num_parts = int(given.max(initial=0)) + 1
        self.evaluation, self._loss, self._tau = evaluation, loss, loss.tau
        weights = loss.head.weights
        self._weights = np.empty((0, 0), np.int32) if weights is None else np.ascontiguousarray(weights)
        self._size = loss.head.group_size(loss.num_outputs)
        steps = np.arange(-self._size, self._size + 1) / loss.tau
        self._factors = np.expm1(np.minimum(steps, HIGHEST))
        padded = 64 * evaluation.samples.words.shape[1]  # kernels take 64 samples at a time
        self._labels = np.zeros(padded, np.int64)
        self._labels[:samples] = loss.labels
        self._shares = np.zeros((loss.head.num_classes, padded))
        self._places = np.empty(padded, np.uint8)
        self._room = tuple(np.empty(padded, kind) for kind in (np.int32, np.float64, np.float64, np.int64))
        self.begin()

    def begin(self) -> None:
        """Compute the probabilities anew, so that no rounding adds up over changes."""
        scores = self._loss.head.affine(self._group_counts()).T / self._tau
        scores -= scores.max(axis=0, initial=-np.inf)
        np.exp(scores, out=scores)
        self._shares[:, : len(self._loss.labels)] = scores / scores.sum(axis=0)

    def total(self) -> float:
        """Return the loss of all samples, in nats."""
        own = np.take_along_axis(self._shares[:, : len(self._loss.labels)], self._loss.labels[None], axis=0)
        return float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).sum())

    def rises(self, node: int) -> Rises:
        """Return what inverting a node on all samples would do. The arrays are overwritten by the next call."""
        with inverted(self.evaluation, node) as change:
            before, after, groups = self._moved(change)
            samples, values, room, exponents = self._room
            count = softmax.rises(
                before, after, groups, self._weights, self._shares, self._labels, self._factors, self._tau,
                samples, values, room, exponents,
            )  # fmt: skip
        return Rises(samples[:count], values[:count])

    def effects(self, node: int) -> Effects:
        """Return what inverting each entry of a node's table would do: as `effects.table_effects`, by parts."""
        return self.sums(self.evaluation.reads(node), self.rises(node))

    def sums(self, reads: NDArray[np.int32], rises: Rises) -> Effects:
        """Return the sums of rises where a LUT reads some signals, by parts and addresses."""
        found = np.zeros((self.num_parts, 1 << len(reads), 2))
        softmax.addresses(self.evaluation.rows(reads), self._places)
        softmax.sums_at(self._places, *rises, self._parts, found)
        return Effects(found[..., 0], found[..., 1])

    def gains(self, rises: Rises, signal: int, part: int, most: float, out: NDArray[np.int32]) -> None:
        """Write what each sample of a part gains where a node is 1 and not 0, in integers; other samples gain 0.

        Args:
            rises: of inverting the node.
            signal: the node's.
            part: see above.
            most: what the integers add up to without their signs, at the most.
            out: int32 (N,), written.
        """
        own = self.evaluation.rows([signal])[0]
        total = float(np.abs(rises.values).sum())
        scale = (most - len(out)) / total if total > 0 else 0.0  # each is rounded by up to a half
        softmax.gains(*rises, own, self._parts, part, scale, out)

    def mostly(self, reads: NDArray[np.int32], signal: int) -> NDArray[np.bool_]:
        """Return what a signal mostly is at each address of some others, bool (2**n,): 0 where it is so as often."""
        softmax.addresses(self.evaluation.rows(np.append(reads, np.int32(signal))), self._places)
        counts = np.bincount(self._places[: len(self.evaluation.samples)], minlength=2 << len(reads))
        zeros, ones = np.split(counts, 2)
        return np.asarray(ones > zeros)

    def change(self, node: int, table: int, slots: ArrayLike = (), signals: ArrayLike = ()) -> None:
        """Give a node another table, and inputs other signals to read, for good."""
        places = np.atleast_1d(np.asarray(slots, np.int64))
        if places.size:
            tables = np.full(places.size, table, np.uint64)
            change = self.evaluation.rewire(np.full(places.size, node), places, signals, tables)
        else:
            change = self.evaluation.change([node], [np.uint64(table)])
        before, after, groups = self._moved(change)
        softmax.follow(before, after, groups, self._weights, self._shares, self._tau)
        self.evaluation.accept()

    def _moved(self, change: RowChange) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        """The rows of outputs before and after a change, and the groups of these."""
        outputs = change.outputs
        signals = self.evaluation.output_signals[outputs]
        rows = self.evaluation.rows
        return rows(signals, before=True), rows(signals), outputs // self._size

    def _group_counts(self) -> NDArray[np.int32]:
        """The ones in each group, int32 (N, G): of a clone, so that this evaluation need not follow them."""
        return self.evaluation.clone().counts(self._loss.head.num_groups)
