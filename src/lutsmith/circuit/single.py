"""A few samples, one by one: the soonest answer of compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist, checked_tables
from lutsmith.kernels import sample as kernels

_EXACT = (np.dtype(np.uint8), np.dtype(np.bool_), np.dtype(np.float32))
"""Types whose numbers float32 holds: nothing is rounded, and nothing can overflow."""


class Single:
    """Evaluates a circuit on samples, one by one. Immutable, and safe under concurrent callers.

    Results are those of `Comparators.encode`, `Netlist.evaluate` and `Head.counts`, bit for bit. All methods take rows
    (N, F) of numbers and `tables` uint64 (nodes,) to use instead of the netlist's own.

    Args:
        encoder: the comparators, one for each input of the netlist.
        netlist: the LUTs.
        head: its groups are counted, its affine map is the caller's; None if only bits are asked for.
    """

    def __init__(self, encoder: Comparators, netlist: Netlist, head: Head | None = None) -> None:
        sources, ranks = netlist.num_inputs + netlist.num_registers, netlist.ranks
        level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
        order = np.lexsort((ranks, level))
        self._netlist, self._order = netlist, order
        number = np.arange(netlist.num_signals, dtype=np.uint32)  # of each signal, when nodes stand in that order
        number[sources + order] = np.arange(sources, netlist.num_signals, dtype=np.uint32)
        counts = ranks[order]
        starts = np.repeat(netlist.fanin_ptr[:-1][order] - (np.cumsum(counts) - counts), counts)
        first = np.flatnonzero(np.diff(counts, prepend=-1))
        groups = np.stack([counts[first], first, np.diff(np.append(first, counts.size))], axis=1).astype(np.int64)
        self._tables = netlist.tables()[order]
        self._comparators = (encoder.feature.astype(np.uint32), np.array(encoder.threshold))
        self._wires = (netlist.register_init.astype(np.uint8), number[netlist.fanin[np.arange(starts.size) + starts]])
        self._groups = groups
        self._outputs = number[netlist.outputs]
        self._num_groups = 0 if head is None else head.num_groups

    def predict(self, rows: NDArray[Any], *, tables: ArrayLike | None = None) -> NDArray[np.int64]:
        """The group of each sample with most ones, int64 (N,); the lowest wins a tie. Needs a head."""
        labels, counts = np.empty(len(rows), np.int64), np.empty(self._num_groups, np.int32)
        words, numbers = self._words(tables), _numbers(rows)
        for index in range(len(rows)):
            labels[index] = kernels.count_ones(self._values(numbers[index], words), self._outputs, counts)
        return labels

    def counts(self, rows: NDArray[Any], *, tables: ArrayLike | None = None) -> NDArray[np.int32]:
        """The ones in each group, int32 (N, num_groups). Needs a head."""
        counts = np.empty((len(rows), self._num_groups), np.int32)
        words, numbers = self._words(tables), _numbers(rows)
        for index in range(len(rows)):
            kernels.count_ones(self._values(numbers[index], words), self._outputs, counts[index])
        return counts

    def outputs(self, rows: NDArray[Any], *, tables: ArrayLike | None = None) -> NDArray[np.bool_]:
        """The output bits of each sample, bool (N, O)."""
        bits = np.empty((len(rows), self._outputs.size), np.bool_)
        words, numbers = self._words(tables), _numbers(rows)
        for index in range(len(rows)):
            bits[index] = self._values(numbers[index], words)[self._outputs]
        return bits

    def _words(self, tables: ArrayLike | None) -> NDArray[np.uint64]:
        if tables is None:
            return self._tables
        return checked_tables(tables, self._netlist.num_nodes)[self._order]

    def _values(self, sample: NDArray[np.float32], words: NDArray[np.uint64]) -> NDArray[np.uint8]:
        values = np.empty(self._netlist.num_signals, np.uint8)
        kernels.evaluate_sample(sample, *self._comparators, *self._wires, words, self._groups, values)
        return values


def _numbers(rows: NDArray[Any]) -> NDArray[np.float32]:
    """A copy of the rows as float32, infinite where they are too large: kernels are compiled for one type."""
    if rows.dtype in _EXACT:
        return np.array(rows, np.float32, order="C")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(rows, np.float32, order="C")
