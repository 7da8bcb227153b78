"""Codes as logic: each bit of a code table is an XOR of the comparators at its transitions.

Comparator i says that the level is at least i, for ascending thresholds. As a function of the level, a bit starts as
that of level 0 and flips at each level whose entry differs from the one before: it is the XOR of those comparators.
Equal thresholds cancel in pairs. Exact for every number, NaN and infinities included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

_FANIN = 6
_ODD = {rank: sum(1 << a for a in range(1 << rank) if a.bit_count() & 1) for rank in range(1, _FANIN + 1)}


def lower_code(
    builder: CircuitBuilder, features: NDArray[np.int32], thresholds: NDArray[np.float32], code: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Emit comparators and trees of XOR LUTs of rank up to 6; return the signals (F, z) of the code.

    Args:
        builder: where they go.
        features: int32 (F,), ids of the features.
        thresholds: float32 (F, L), ascending in each row; +inf is never reached.
        code: bool (L + 1, z), the bits of each level.
    """
    signals = np.empty((features.size, code.shape[1]), np.int32)
    for bit in range(code.shape[1]):
        column = code[:, bit]
        left = without_pairs(thresholds[:, np.flatnonzero(column[1:] != column[:-1])])
        counts = np.isfinite(left).sum(axis=1)
        for count in np.unique(counts).tolist():
            rows = np.flatnonzero(counts == count)
            comparators = builder.compare(features[rows, None], left[rows, :count])
            signals[rows, bit] = xor(builder, comparators, inverted=bool(column[0]))
    return signals


def without_pairs(thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave one of each odd run of equal thresholds and none of each even run; the rest is +inf, at the end."""
    places = np.arange(thresholds.shape[1])
    differs = thresholds[:, 1:] != thresholds[:, :-1]
    edge = np.ones((len(thresholds), 1), np.bool_)
    starts = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=1), places, 0), axis=1)
    ends = np.concatenate([differs, edge], axis=1)
    odd = ends & ((places - starts) % 2 == 0)
    kept: NDArray[np.float32] = np.sort(np.where(odd, thresholds, np.float32(np.inf)), axis=1)
    return kept


def xor(builder: CircuitBuilder, signals: NDArray[np.int32], *, inverted: bool) -> NDArray[np.int32]:
    """The signals (F,) of the XOR of each row of (F, m), or of its inverse."""
    if signals.shape[1] == 0:
        return np.full(len(signals), builder.constant(inverted), np.int32)
    while signals.shape[1] > _FANIN:
        whole = signals.shape[1] // _FANIN * _FANIN
        joined = _parity(builder, signals[:, :whole].reshape(-1, _FANIN), inverted=False).reshape(len(signals), -1)
        signals = np.concatenate([joined, signals[:, whole:]], axis=1)
    return _parity(builder, signals, inverted=inverted)


def _parity(builder: CircuitBuilder, signals: NDArray[np.int32], *, inverted: bool) -> NDArray[np.int32]:
    rank = signals.shape[1]
    if rank == 1 and not inverted:
        return signals[:, 0]
    word = _ODD[rank] ^ ((1 << (1 << rank)) - 1 if inverted else 0)
    return builder.lut(signals, np.full(len(signals), word, np.uint64))
