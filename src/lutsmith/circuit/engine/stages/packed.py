"""Samples packed once: the input bits of a netlist, 64 samples a word, for as many evaluations as are wanted.

The bits of a signal on all samples are a row, and a row is blocks of 1,024 samples, as `kernels.engine.lanes` takes
them, one after the other. Rows lie in matrices whose width is an odd number of blocks, so that the same block of many
rows falls into many sets of a cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.plan import aligned
from lutsmith.ground.arrays import MAX_SIGNALS, booleans, integers, packed, unpacked
from lutsmith.kernels.engine import lanes

BLOCK, WORDS = lanes.BLOCK, lanes.WORDS


class PackedSamples:
    """The bits of N samples, 64 a word. Immutable: any number of evaluations, of any threads, share one.

    `Stages.pack` makes them of raw samples; `of_bits` and `of_words` of bits.

    Attributes:
        words: uint64 (I, ceil(N / 64)), read-only: bit b of word w of row i is input i of sample 64 w + b; bits beyond
            the last sample are 0.
        num_samples: N.
        addresses: int64 (I,), where each row begins in memory; rows are 64-byte aligned and of whole blocks.
    """

    words: NDArray[np.uint64]
    num_samples: int
    addresses: NDArray[np.int64]

    def __init__(self, matrix: NDArray[np.uint64], num_samples: int) -> None:
        """Take a matrix of `row_matrix` over; it is the object's from now on. Kernels read whole blocks of its rows."""
        width = WORDS * (blocks_of(num_samples) | 1)
        if not (isinstance(matrix, np.ndarray) and matrix.dtype == np.uint64 and matrix.shape[1:] == (width,)):
            raise TypeError("PackedSamples are made by Stages.pack of samples, or by of_bits and of_words of bits")
        clear_tail(matrix, num_samples)
        matrix.setflags(write=False)
        self._matrix, self.num_samples = matrix, num_samples
        self.words, self.addresses = matrix[:, : -(-num_samples // 64)], row_addresses(matrix)

    @classmethod
    def of_bits(cls, bits: ArrayLike) -> PackedSamples:
        """Pack booleans, or integers 0 and 1, (N, I).

        Raises:
            TypeError, ValueError: they are something else, or of another shape.
        """
        table = booleans("bits", bits)
        if table.ndim != 2:
            raise ValueError(f"bits has shape {table.shape}, expected (samples, inputs)")
        matrix = row_matrix(table.shape[1], len(table))
        matrix[:, : -(-len(table) // 64)] = packed(table.T)
        return cls(matrix, len(table))

    @classmethod
    def of_words(cls, words: ArrayLike, num_samples: int) -> PackedSamples:
        """Copy bits that are packed already, uint64 (I, ceil(N / 64)). Those beyond the last sample become 0.

        Raises:
            TypeError, ValueError: words of another type or shape.
        """
        given = np.asarray(words)
        count = int(integers("num_samples", [num_samples], low=0, high=MAX_SIGNALS)[0])
        if given.ndim != 2 or given.shape[1] != -(-count // 64):
            raise ValueError(f"words has shape {given.shape}, expected (inputs, {-(-count // 64)}) for {count} samples")
        if given.dtype != np.uint64:
            raise TypeError(f"words must be uint64, not {given.dtype}")
        matrix = row_matrix(len(given), count)
        matrix[:, : given.shape[1]] = given
        return cls(matrix, count)

    @classmethod
    def of_matrix(cls, matrix: NDArray[np.uint64], num_samples: int) -> PackedSamples:
        """Share the `matrix` of other packed samples, such as one in memory that processes share and that is read-only.
        It is copied only where its rows are not aligned.

        Raises:
            TypeError: it is not such a matrix.
        """
        width = WORDS * (blocks_of(num_samples) | 1)
        if not isinstance(matrix, np.ndarray) or matrix.dtype != np.uint64 or matrix.shape[1:] != (width,):
            raise TypeError(f"expected the matrix of other PackedSamples, uint64 (inputs, {width})")
        if matrix.ctypes.data % 64 or not matrix.flags.c_contiguous or matrix.flags.writeable:
            own = row_matrix(len(matrix), num_samples)
            own[:] = matrix
            return cls(own, num_samples)
        found = object.__new__(cls)
        found._matrix, found.num_samples = matrix, num_samples
        found.words, found.addresses = matrix[:, : -(-num_samples // 64)], row_addresses(matrix)
        return found

    @property
    def matrix(self) -> NDArray[np.uint64]:
        """The memory of the bits, read-only, for `of_matrix`: rows of whole blocks."""
        return self._matrix

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedSamples.of_words, (self.words, self.num_samples)

    def __repr__(self) -> str:
        return f"PackedSamples({self.num_samples} samples, {self.num_inputs} inputs, {self.nbytes / 1e6:.1f} MB)"

    def __len__(self) -> int:
        """N, the number of samples."""
        return self.num_samples

    @property
    def num_inputs(self) -> int:
        """I, the bits of a sample."""
        return len(self._matrix)

    @property
    def nbytes(self) -> int:
        """The memory that the bits take, in bytes."""
        return self._matrix.nbytes

    def bits(self) -> NDArray[np.bool_]:
        """Return the bits, bool (N, I)."""
        return unpacked(self.words, self.num_samples)


def blocks_of(num_samples: int) -> int:
    """Return how many blocks hold so many samples."""
    return -(-num_samples // BLOCK)


def row_matrix(rows: int, num_samples: int) -> NDArray[np.uint64]:
    """Return room for rows of bits, uint64 (rows, at least WORDS a block), 64-byte aligned and not set."""
    matrix: NDArray[np.uint64] = aligned((rows, WORDS * (blocks_of(num_samples) | 1)), np.uint64)
    return matrix


def row_addresses(matrix: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return int64 (rows,), where each row of a matrix begins in memory."""
    addresses: NDArray[np.int64] = matrix.ctypes.data + np.arange(len(matrix), dtype=np.int64) * matrix.strides[0]
    return addresses


def clear_tail(matrix: NDArray[np.uint64], num_samples: int) -> None:
    """Set the bits of rows beyond the last sample to 0."""
    if num_samples % 64:
        matrix[:, num_samples // 64] &= np.uint64((1 << num_samples % 64) - 1)
    matrix[:, -(-num_samples // 64) :] = 0


def fill_state(matrix: NDArray[np.uint64], state: NDArray[np.bool_]) -> None:
    """Write what registers hold, bool (N, R), into a matrix of R rows."""
    matrix[:, : -(-len(state) // 64)] = packed(state.T)
    clear_tail(matrix, len(state))


def header(num_samples: int) -> NDArray[np.uint64]:
    """Return a header for `scattered.Scattered`, of rows of so many samples."""
    rows: NDArray[np.uint64] = aligned((lanes.HEADER_ROWS + 1, WORDS), np.uint64)
    lanes.fill_header(rows)
    rows[-1] = packed(np.arange(BLOCK) <= (num_samples - 1) % BLOCK)
    return rows
