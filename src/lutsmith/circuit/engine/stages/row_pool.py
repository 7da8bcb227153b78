"""Memory for rows of bits that several evaluations share: a row is written once, and freed when nobody holds it."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages.packed import row_addresses, row_matrix

CHUNK_BYTES = 1 << 22
"""Memory that is asked for at a time, where a row is not larger."""


class RowPool:
    """Rows of equal length, numbered, with how many hold each. Safe under concurrent callers.

    Args:
        matrix: the first rows, of `row_matrix`; they are held once.
        num_samples: the bits of a row.

    Attributes:
        addresses: int64, where each row begins in memory. It is replaced as the pool grows; numbers stay.
    """

    def __init__(self, matrix: NDArray[np.uint64], num_samples: int) -> None:
        self._num_samples = num_samples
        self._chunks = [matrix]
        self._holders = np.ones(len(matrix), np.int32)
        self._free: list[int] = []
        self._returned: deque[NDArray[np.int64]] = deque()
        self._lock = threading.Lock()
        self.addresses = row_addresses(matrix)

    @property
    def nbytes(self) -> int:
        """The memory of all rows, in bytes."""
        return sum(chunk.nbytes for chunk in self._chunks)

    def take(self, count: int) -> NDArray[np.int64]:
        """Return int64 (count,), rows that nobody else holds."""
        with self._lock:
            while self._returned:
                self._let_go(self._returned.popleft())
            if len(self._free) < count:
                self._grow(count - len(self._free))
            taken = np.array(self._free[len(self._free) - count :], np.int64)
            del self._free[len(self._free) - count :]
            self._holders[taken] = 1
        return taken

    def hold(self, rows: NDArray[np.int64]) -> None:
        """Hold rows, each of them once more."""
        with self._lock:
            self._holders[rows] += 1

    def drop(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Hold rows once less. Those that nobody else holds are returned: they are still the caller's, to be used."""
        with self._lock:
            self._holders[rows] -= 1
            alone: NDArray[np.int64] = rows[self._holders[rows] == 0]
            self._holders[alone] = 1
        return alone

    def free(self, rows: NDArray[np.int64]) -> None:
        """Hold rows once less, and leave those that nobody holds to others. It may be called by the garbage collector,
        in the middle of anything: it takes no lock.
        """
        self._returned.append(rows)

    def _let_go(self, rows: NDArray[np.int64]) -> None:
        self._holders[rows] -= 1
        self._free.extend(rows[self._holders[rows] == 0].tolist())

    def _grow(self, count: int) -> None:
        row_bytes = self._chunks[0].strides[0]
        chunk = row_matrix(max(count, CHUNK_BYTES // row_bytes), self._num_samples)
        first = self.addresses.size
        self._chunks.append(chunk)
        self._holders = np.concatenate([self._holders, np.zeros(len(chunk), np.int32)])
        self.addresses = np.concatenate([self.addresses, row_addresses(chunk)])
        self._free[:0] = range(first, first + len(chunk))  # below those that were in use lately
