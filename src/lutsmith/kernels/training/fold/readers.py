"""Who reads each row: indices sorted by the row that they name, and kept while they stay the same.

Wiring and candidates rarely change, so one sorting serves many steps. A tensor may be changed in ways that torch does
not count (`.data`, a NumPy view): what is kept holds a copy of the indices, and every call compares.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.vectors import i32

KEPT = 1 << 28  # bytes of sorted indices that are kept at most, those of the last call always

Numbers = NDArray[np.int32]


class RowReaders(NamedTuple):
    """Entries of an array of indices, row by row: `entries[first[f]:first[f + 1]]` name row f, in rising order.

    An entry is a place in the flattened array; `slots` are its slots, entries divided by the choices of a slot.
    """

    first: Numbers  # (rows + 1,)
    entries: Numbers
    slots: Numbers


class _Kept(NamedTuple):
    indices: Numbers
    readers: RowReaders

    @property
    def size(self) -> int:
        return int(self.indices.nbytes + sum(array.nbytes for array in self.readers))


_lock = threading.Lock()
_kept: OrderedDict[tuple[int, int, int, int], _Kept] = OrderedDict()


@kernel()
def _sort(address: int, count: int, first: Numbers, entries: Numbers) -> None:
    """A counting sort of `count` int32 indices at an address; `first` holds zeros, one more than there are rows."""
    indices = i32(address)
    for k in range(count):
        first[indices[k] + 1] += 1
    for row in range(len(first) - 1):
        first[row + 1] += first[row]
    for k in range(count):
        row = indices[k]
        entries[first[row]] = k
        first[row] += 1
    for row in range(len(first) - 1, 0, -1):
        first[row] = first[row - 1]
    first[0] = 0


@kernel()
def _same(address: int, kept: Numbers) -> bool:
    """Whether the int32 numbers at an address are those kept."""
    numbers, differ = i32(address), np.int32(0)
    for k in range(len(kept)):
        differ |= numbers[k] ^ kept[k]
    return bool(differ == 0)


def readers_of(indices: Tensor, rows: int) -> RowReaders:
    """Who reads each of `rows` rows, by indices that are contiguous int32 (slots ..., choices), below `rows`."""
    address, choices = indices.data_ptr(), indices.shape[-1]
    key = address, indices.numel(), rows, choices
    with _lock:
        known = _kept.get(key)
    if known is None or not _same(address, known.indices):
        copy = indices.numpy().flatten()
        first, entries = np.zeros(rows + 1, np.int32), np.empty(len(copy), np.int32)
        _sort(copy.ctypes.data, len(copy), first, entries)
        known = _Kept(copy, RowReaders(first, entries, entries // np.int32(max(choices, 1))))
    with _lock:
        _kept[key] = known
        _kept.move_to_end(key)
        while len(_kept) > 1 and sum(each.size for each in _kept.values()) > KEPT:
            _kept.popitem(last=False)
    return known.readers
