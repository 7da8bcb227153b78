"""The inputs of a netlist as rows of bits: comparators by their thresholds, words as bit planes, missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.plan import MAX_ROWS
from lutsmith.circuit.engine.thresholds import Thresholds
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.words import WordBits
from lutsmith.ground.arrays import packed
from lutsmith.kernels.engine import lanes, planes


class Packing:
    """Packs blocks of samples into rows of bits. Immutable.

    Args:
        inputs: what is packed.
        first: the row of the first input.
        step: how many rows later the next one is.
    """

    def __init__(self, inputs: Inputs, first: int, step: int = 1) -> None:
        self.inputs = inputs
        compared, words = len(inputs.comparators), inputs.num_word_bits
        if first + step * len(inputs) >= MAX_ROWS:
            raise ValueError(f"{len(inputs)} inputs are more than the engine holds: {(MAX_ROWS - first) // step}")
        places = (first + step * np.arange(compared)) * lanes.ROW_BYTES
        self._thresholds = Thresholds(inputs.comparators, places.astype(np.uint32))
        self._planes = None if inputs.words is None else _Planes(inputs.words, first + step * compared, step)
        self._missing = slice(first + step * (compared + words), first + step * len(inputs), step)
        self._compares = compared > 0

    def scratch(self) -> NDArray[np.uint8]:
        """New scratch for `pack`; its first `bits.SCRATCH` bytes serve the other kernels of `bits` as well."""
        return self._thresholds.scratch()

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64], scratch: NDArray[np.uint8]) -> None:
        """Write the bits of up to 1,024 rows (n, F) of numbers into a matrix of bits; bits from n up mean nothing."""
        if self._compares:
            self._thresholds.pack(rows, values, scratch)
        if self._planes is not None:
            self._planes.pack(rows, values)
        if self.inputs.missing.size:
            missing = _missing(rows, self.inputs.missing)
            width = -(-len(rows) // 64)
            values[self._missing, :width] = packed(missing.T)

    def rest(self, sample: NDArray[Any], values: NDArray[np.uint8], first: int) -> None:
        """Write the inputs of one sample (F,) after the comparators, as bytes from `first` on."""
        rows, words = sample[None], self.inputs.words
        if words is not None:
            values[first : first + len(words)] = words.encode(rows)[0]
            first += len(words)
        missing = self.inputs.missing
        if missing.size:
            values[first : first + missing.size] = _missing(rows, missing)[0]


class _Planes:
    """The bits of words, grouped by the byte of the word that they are in."""

    def __init__(self, words: WordBits, first: int, step: int) -> None:
        self._formats = words.formats
        keys = np.stack([words.place, words.bit // 8])
        found, group = np.unique(keys, axis=1, return_inverse=True)
        group = group.reshape(-1)
        # a bit that is an input twice goes into a second group: a group has one row for each bit
        order = np.lexsort((words.bit, group))
        same = np.zeros(len(words), np.int64)
        again = (np.diff(group[order]) == 0) & (np.diff(words.bit[order]) == 0)
        for at in np.flatnonzero(again):
            same[order[at + 1]] = same[order[at]] + 1
        copies = np.stack([group, same])
        which, number = np.unique(copies, axis=1, return_inverse=True)
        self._place, octet = found[:, which[0]]
        self._rows = np.full((which.shape[1], 8), planes.NONE, np.uint32)
        self._rows[number.reshape(-1), words.bit % 8] = first + step * np.arange(len(words))
        self._columns = 8 * self._place + octet
        plain_bytes = self._formats.plain & ~self._formats.signed & (self._formats.bits >= 8)
        self._of_bytes = bool(plain_bytes.all())
        low = octet == 0
        self._low = self._formats.feature[self._place[low]].astype(np.int64), self._rows[low]
        self._zero = self._rows[~low][self._rows[~low] != planes.NONE]

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64]) -> None:
        """Write the rows of bits of samples (n, F)."""
        if rows.dtype == np.uint8 and self._of_bytes:  # bytes are words already
            data, columns, targets = rows, *self._low
            values[self._zero] = 0
        else:
            words = self._formats.patterns(rows).astype("<u8", copy=False)
            data, columns, targets = words.view(np.uint8).reshape(len(rows), -1), self._columns, self._rows
        if not (data.flags.c_contiguous and data.flags.writeable):  # the kernel is compiled for one kind of array
            data = np.array(data)
        whole = len(data) // 64 * 64
        planes.pack(values, data[:whole], columns, targets)
        if whole < len(data):
            rest = np.zeros((64, data.shape[1]), np.uint8)
            rest[: len(data) - whole] = data[whole:]
            planes.pack(values[:, whole // 64 :], rest, columns, targets)


def _missing(rows: NDArray[Any], features: NDArray[np.int32]) -> NDArray[np.bool_]:
    chosen = rows[:, features]
    if chosen.dtype.kind != "f":
        return np.zeros(chosen.shape, np.bool_)
    missing: NDArray[np.bool_] = np.isnan(chosen)
    return missing
