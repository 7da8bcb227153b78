"""A loss that follows a network's changes and predicts the effect of a change; the cost depends only on the samples
that change.

The scores of every sample are at hand (`score_state`). A node is inverted, its cone is run, and the rows of outputs
before and after tell which samples' losses rise, and by how much: see `kernels.search`.
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
from lutsmith.search.score_state import state_of
from lutsmith.search.separate_losses import SeparateLoss


class Rises(NamedTuple):
    """By how much the loss of samples rises with a change; other samples do not change.

    Attributes:
        samples: int32 (M,), those whose outputs change, ascending.
        values: float64 (M,), by how much the loss of each rises.
    """

    samples: NDArray[np.int32]
    values: NDArray[np.float64]


class Effects(NamedTuple):
    """The effects of inverting entries of a table, by parts of the samples.

    Attributes:
        sums: float64 (P, 2**rank), by how much the loss of a part rises if an entry is inverted.
        squares: float64 (P, 2**rank), the sums of the squares over samples.
    """

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


class FollowedLoss:
    """The loss of a network on packed samples, as its tables and wires change. Not for several threads.

    Args:
        evaluation: of the network; it is changed through this object alone.
        loss: the cross entropy of classes, or a loss of labels or numbers.
        parts: uint8 (N,), which part each sample belongs to, from 0 on; None: all to one.

    Attributes:
        evaluation: as given.
        num_parts: P.
    """

    def __init__(
        self, evaluation: PackedEvaluation, loss: CrossEntropy | SeparateLoss, parts: ArrayLike | None = None
    ) -> None:
        samples, known = len(evaluation.samples), len(loss.labels) if isinstance(loss, CrossEntropy) else len(loss)
        if known != samples:
            raise ValueError(f"{known} labels for {samples} samples")
        given = np.zeros(samples, np.uint8) if parts is None else integers("parts", parts, low=0, high=256)
        if given.shape != (samples,):
            raise ValueError(f"parts has shape {given.shape}, expected ({samples},)")
        self._parts = given.astype(np.uint8)
        self.num_parts = int(given.max(initial=0)) + 1
        self.evaluation, self._head = evaluation, loss.head
        self._size = loss.head.group_size(loss.num_outputs)
        words = evaluation.samples.words.shape[1]  # kernels take 64 samples at a time
        self._state = state_of(loss, words)
        self._places = np.empty(64 * words, np.uint8)
        self._samples, self._values = np.empty(64 * words, np.int32), np.empty(64 * words)
        self.begin()

    def begin(self) -> None:
        """Compute the scores anew, so that no rounding adds up over changes."""
        self._state.begin(self._head.affine(self._group_counts()))

    def total(self) -> float:
        """Return the loss of all samples."""
        return self._state.total()

    def rises(self, node: int) -> Rises:
        """Return what inverting a node on all samples would do. The arrays are overwritten by the next call."""
        with inverted(self.evaluation, node) as change:
            count = self._state.rises(*self._moved(change), self._samples, self._values)
        return Rises(self._samples[:count], self._values[:count])

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
        self._state.follow(*self._moved(change))
        self.evaluation.accept()

    def _moved(self, change: RowChange) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        """The rows of outputs before and after a change, and the groups of these."""
        outputs = change.outputs
        signals = self.evaluation.output_signals[outputs]
        rows = self.evaluation.rows
        return rows(signals, before=True), rows(signals), outputs // self._size

    def _group_counts(self) -> NDArray[np.int32]:
        """The ones in each group, int32 (N, G): of a clone, so that this evaluation need not follow them."""
        return self.evaluation.clone().counts(self._head.num_groups)
