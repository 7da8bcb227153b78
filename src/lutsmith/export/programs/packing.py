"""LUTs as the narrowest arrays that hold them: what table-driven programs carry as constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.export.programs.order import LutList

_UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)
_SIGNED = (np.int8, np.int16, np.int32, np.int64)


@dataclass(frozen=True)
class PackedLuts:
    """LUTs in order, each array in the narrowest type. Immutable.

    Attributes:
        fanin: unsigned, the signals that the LUTs read, one after the other.
        ranks: uint8 (N,); None where every LUT has the same rank, of at least 1.
        rank: the rank that all LUTs share; None where there is none.
        tables: unsigned, the distinct tables, or that of each LUT where this takes fewer bytes; with a bit for every
            entry of the largest, however small the numbers are, so that it can be shifted by any address.
        index: unsigned (N,), the place of each LUT's table in `tables`; None where LUT i has `tables[i]`.
        outputs: unsigned (O,), the signals that leave; None where they are `first_output`, `first_output + 1`, ...
        first_output: the signal of output 0; 0 where there is none.
    """

    fanin: NDArray[Any]
    ranks: NDArray[np.uint8] | None
    rank: int | None
    tables: NDArray[Any]
    index: NDArray[Any] | None
    outputs: NDArray[Any] | None
    first_output: int

    @classmethod
    def of(cls, luts: LutList, ends: NDArray[Any]) -> PackedLuts:
        """Return LUTs, and the signals that leave."""
        ranks = luts.ranks
        same = bool(ranks.size and ranks[0] > 0 and (ranks == ranks[0]).all())
        pool, place = np.unique(luts.tables, return_inverse=True)
        entries = 1 << int(ranks.max(initial=0))
        pool = pool.astype(next(dtype for dtype in _UNSIGNED if np.iinfo(dtype).bits >= entries))
        index = narrowest(place.reshape(-1))
        each = pool[place.reshape(-1)]
        pooled = pool.nbytes + index.nbytes < each.nbytes
        outputs = ends.astype(np.int64)
        first = int(outputs[0]) if outputs.size else 0
        in_a_row = np.array_equal(outputs, first + np.arange(outputs.size))
        return cls(
            fanin=narrowest(luts.fanin),
            ranks=None if same else ranks.astype(np.uint8),
            rank=int(ranks[0]) if same else None,
            tables=pool if pooled else each,
            index=index if pooled else None,
            outputs=None if in_a_row else narrowest(outputs),
            first_output=first,
        )


def narrowest(values: ArrayLike) -> NDArray[Any]:
    """Return integers in the narrowest type that holds them: unsigned where none is negative."""
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.uint8)
    low, high = int(array.min()), int(array.max())
    for dtype in _SIGNED if low < 0 else _UNSIGNED:
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return array.astype(dtype)
    raise ValueError(f"no type of 64 bits holds {low} to {high}")
