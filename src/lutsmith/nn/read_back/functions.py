"""The signals of a circuit, numbered by what they compute: equal numbers are equal functions of the features.

The numbers come from the circuit alone, level by level:

- a signal that depends on one feature (an input, or LUTs over inputs of one feature) is known by its values at all
  points of that feature, which is exhaustive (`points`); each constant has one number, whatever it is made of;
- any other LUT is known by its table and the numbers of what it reads, in order.

The numbers are sound: all signals with the same number compute one function. They are not complete: equal functions of
several features that are built differently have different numbers. A lookup that finds nothing shows that the circuit
does not hold this LUT.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.inputs import Inputs
from lutsmith.ground.arrays import packed

Numbers = NDArray[np.int64]
Words = NDArray[np.uint64]

MISSING = -1
"""No signal of the circuit is known to compute this."""

_CONSTANT, _MANY = -1, -2  # in the place of the one feature that a signal depends on
_FANIN = 6
_ONES = np.uint64(2**64 - 1)
_CHUNK = 1 << 21  # words that are worked on at a time


class Functions:
    """The functions that the signals of a circuit compute.

    Args:
        circuit: without registers.
        points: float32 (P, F), as `points.points` gives them for all thresholds of the circuit's inputs.

    Attributes:
        points: as given.
        signals: int64 (S,), the number of each signal's function. 0 and 1 are the constants.
    """

    def __init__(self, circuit: Circuit, points: NDArray[np.float32]) -> None:
        netlist = circuit.netlist
        self.points = points
        self._words = len(points) // 64
        self._narrow: dict[bytes, int] = {}  # (feature, values) to number
        self._luts: dict[bytes, int] = {}  # (rank, what it reads, table) to number
        self._count = 2
        self._vectors = np.stack([np.zeros(self._words, np.uint64), np.full(self._words, _ONES)])
        self._row = np.zeros(netlist.num_signals, np.int64)  # of each signal's values, where it has one feature
        self._owner = np.full(netlist.num_signals, _MANY, np.int64)
        self.signals = np.zeros(netlist.num_signals, np.int64)
        inputs, features = np.arange(netlist.num_inputs), circuit.inputs.feature.astype(np.int64)
        step = max(1, 64 * _CHUNK // max(1, len(points)))
        for start in range(0, inputs.size, step):
            part = inputs[start : start + step]
            bits = _alone(circuit.inputs.kept(part)).encode(points)
            self._number_narrow(part, features[part], packed(bits.T))
        ranks, tables, first = netlist.ranks, netlist.tables(), netlist.num_inputs
        for begin, end in zip(netlist.level_ptr[:-1].tolist(), netlist.level_ptr[1:].tolist(), strict=True):
            for rank in np.unique(ranks[begin:end]).tolist():
                nodes = begin + np.flatnonzero(ranks[begin:end] == rank)
                reads = netlist.fanin[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)]
                self._number_nodes(first + nodes, reads, tables[nodes])

    def of_bits(self, features: NDArray[Any], values: Words) -> Numbers:
        """Return the numbers of functions of one feature each, int64 (E,); `MISSING` where no signal computes it.

        Args:
            features: integers (E,).
            values: words (E, P / 64), the values at the feature's points.
        """
        owner, constant = _owners(features, values)
        keys = _narrow_keys(owner, values)
        found = np.array([self._narrow.get(key, MISSING) for key in keys], np.int64).reshape(len(values))
        return np.where(owner == _CONSTANT, constant, found)

    def of_luts(self, reads: Numbers, tables: Words) -> Numbers:
        """Return the numbers of LUTs that read these functions, int64 (W,); `MISSING` where no node matches.

        Args:
            reads: int64 (W, n), n up to 6, the numbers of what each input reads, input 0 first.
            tables: words (W,), bit a is the value at address a.
        """
        return np.array([self._luts.get(key, MISSING) for key in _lut_keys(reads, tables)], np.int64)

    def same_reads(self, reads: Numbers) -> int | None:
        """Return the table of a node that reads exactly these functions (n,) in this order; None if there is no such
        node.
        """
        prefix = _lut_keys(reads[None], np.zeros(1, np.uint64))[0][:-8]
        match = next((key for key in self._luts if key.startswith(prefix)), None)
        return None if match is None else int(np.frombuffer(match[-8:], np.uint64)[0])

    def _number_nodes(self, signals: NDArray[Any], fanin: NDArray[np.int32], tables: Words) -> None:
        owners = self._owner[fanin]
        highest = owners.max(axis=1, initial=_CONSTANT)
        lowest = np.where(owners >= 0, owners, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
        narrow = (owners != _MANY).all(axis=1) & ((highest == _CONSTANT) | (lowest == highest))
        step = max(1, _CHUNK // (self._words << fanin.shape[1]))
        chosen = np.flatnonzero(narrow)
        for start in range(0, chosen.size, step):
            part = chosen[start : start + step]
            values = _looked_up(tables[part], self._vectors[self._row[fanin[part]]])
            self._number_narrow(signals[part], highest[part], values)
        known = narrow.tolist()
        for key, signal, has_number in zip(
            _lut_keys(self.signals[fanin], tables), signals.tolist(), known, strict=True
        ):
            if has_number:
                self._luts[key] = int(self.signals[signal])
            else:
                number = self._luts.get(key)
                if number is None:
                    number = self._luts[key] = self._count
                    self._count += 1
                self.signals[signal] = number

    def _number_narrow(self, signals: NDArray[Any], features: NDArray[np.int64], values: Words) -> None:
        """Number signals that depend on one feature each, or on none, by their values (m, P / 64)."""
        owner, constant = _owners(features, values)
        self._owner[signals] = owner
        self.signals[signals] = constant
        self._row[signals] = constant  # the first two vectors are those of the constants
        others = np.flatnonzero(owner != _CONSTANT)
        rows = len(self._vectors) + np.arange(others.size)
        self._row[signals[others]] = rows
        self._vectors = np.concatenate([self._vectors, values[others]])
        numbers = []
        for key in _narrow_keys(owner[others], values[others]):
            number = self._narrow.get(key)
            if number is None:
                number = self._narrow[key] = self._count
                self._count += 1
            numbers.append(number)
        self.signals[signals[others]] = numbers


def _alone(inputs: Inputs) -> Inputs:
    """Return inputs without the formats of words that none of them is a bit of."""
    words = inputs.words
    return (
        inputs
        if words is None
        else replace(inputs, words=replace(words, formats=words.formats[np.unique(words.place)]))
    )


def _owners(features: NDArray[Any], values: Words) -> tuple[Numbers, Numbers]:
    """Return the feature that each function depends on, `_CONSTANT` where its values are, and 1 where they are ones."""
    ones = (values == _ONES).all(axis=1)
    constant = ones | ~values.any(axis=1)
    return np.where(constant, _CONSTANT, features).astype(np.int64), ones.astype(np.int64)


def _looked_up(tables: Words, inputs: Words) -> Words:
    """Return the values (m, words) of LUTs with `tables` (m,) at inputs (m, rank, words): Shannon's expansion."""
    rank = inputs.shape[1]
    entries = (tables[:, None] >> np.arange(1 << rank, dtype=np.uint64)) & np.uint64(1)
    values = np.broadcast_to((entries * _ONES)[:, :, None], (len(tables), 1 << rank, inputs.shape[2]))
    for place in range(rank):
        low, high = values[:, 0::2], values[:, 1::2]
        values = low ^ ((low ^ high) & inputs[:, place, None])
    return values[:, 0]


def _narrow_keys(features: Numbers, values: Words) -> list[bytes]:
    return _bytes(np.concatenate([features.astype(np.uint64)[:, None], values], axis=1))


def _lut_keys(reads: Numbers, tables: Words) -> list[bytes]:
    """A LUT as eight words: rank, the numbers of six inputs (0 where it has fewer), table. Equal keys, equal LUTs."""
    keys = np.zeros((len(reads), 2 + _FANIN), np.uint64)
    keys[:, 0] = reads.shape[1]
    keys[:, 1 : 1 + reads.shape[1]] = reads.astype(np.uint64)
    keys[:, -1] = tables
    return _bytes(keys)


def _bytes(rows: NDArray[np.uint64]) -> list[bytes]:
    data, size = rows.tobytes(), 8 * rows.shape[1]
    return [data[start : start + size] for start in range(0, len(data), size)]
