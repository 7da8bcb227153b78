"""Popcounts of outputs that follow what changes: counted once, then moved by the bits that differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.plan import aligned
from lutsmith.ground.arrays import integers, runs
from lutsmith.kernels.engine import bits, rows


class OutputCounts:
    """Which outputs a signal is, and the ones in groups of outputs.

    Args:
        outputs: int (O,), the signal of each output.
        num_signals: how many signals there are.
        num_samples: N.
    """

    def __init__(self, outputs: NDArray[np.int32], num_signals: int, num_samples: int) -> None:
        self._signals, self._num_samples = outputs, num_samples
        self._order = np.argsort(outputs, kind="stable")
        self._first = np.searchsorted(outputs[self._order], np.arange(num_signals + 1))
        self._counts: NDArray[np.int32] | None = None  # (groups, 64 words): a change is of few groups

    def copy(self) -> OutputCounts:
        """Return counts that follow other changes."""
        new = object.__new__(OutputCounts)
        new.__dict__.update(self.__dict__)
        new._counts = None if self._counts is None else self._counts.copy()
        return new

    def outputs(self, signals: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the outputs that are one of `signals`, and which of these each is."""
        counts = self._first[signals + 1] - self._first[signals]
        return self._order[runs(self._first[signals], counts)], np.repeat(np.arange(signals.size), counts)

    def counted(self, num_groups: int, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return int32 (N, num_groups), read-only, the ones in each group; `addresses` int64, of the signals' rows."""
        groups = int(integers("num_groups", [num_groups], low=1, high=2**31)[0])
        size, rest = divmod(self._signals.size, groups)
        if rest or not size:
            raise ValueError(f"{self._signals.size} outputs do not fall into {groups} equal groups")
        if self._counts is None or len(self._counts) != groups:
            self._counts = self._count(groups, size, addresses[self._signals])
        view = self._counts[:, : self._num_samples].T
        view.setflags(write=False)
        return view

    def follow(self, signals: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
        """Follow a change of signals, whose rows were at the addresses `before` and are at `after`."""
        if self._counts is not None:
            outputs, which = self.outputs(signals)
            groups = outputs // (self._signals.size // len(self._counts))
            rows.update_counts(before[which], after[which], -(-self._num_samples // 64), groups, self._counts)

    def _count(self, groups: int, size: int, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        """Count the rows at some addresses, block by block."""
        values: NDArray[np.uint64] = aligned((addresses.size + 1, bits.WORDS), np.uint64)
        values[0] = 0
        places = (np.arange(addresses.size).reshape(groups, size) + 1) * (8 * bits.WORDS)
        padded = np.pad(places, ((0, 0), (0, -size % 8))).astype(np.uint32)
        counter, totals = aligned((bits.COUNTER_ROWS, bits.WORDS), np.uint64), aligned((2, bits.BLOCK), np.int32)
        counts = np.empty((groups, -(-self._num_samples // 64) * 64), np.int32)
        scores, labels = np.empty((bits.BLOCK, groups), np.int32), np.empty(0, np.int64)
        for start in range(0, counts.shape[1], bits.BLOCK):
            rows.gather(addresses, start // 64, values[1:])
            bits.count(values, padded, counter, totals, labels, scores)
            part = counts[:, start : start + bits.BLOCK]
            part[:] = scores[: part.shape[1]].T
        return counts
