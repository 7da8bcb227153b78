"""The comparators as the packing kernels want them: sorted by feature, in tiles of columns, as bytes and floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.kernels import bits


class Thresholds:
    """Packs blocks of samples into rows of bits. Immutable.

    Args:
        encoder: the comparators.
        offsets: uint32 (C,), byte offset of each comparator's row in the matrix of bits.
    """

    def __init__(self, encoder: Comparators, offsets: NDArray[np.uint32]) -> None:
        order = np.argsort(encoder.feature, kind="stable")
        features, thresholds = encoder.feature[order].astype(np.int64), encoder.threshold[order]
        self._width = max(encoder.num_features, bits.TILE)
        tiles = _tiles(np.unique(features), self._width)
        tile_of = np.searchsorted(tiles, features, side="right") - 1
        columns = (tile_of % 4 * bits.TILE + features - tiles[tile_of]).astype(np.uint8)
        self._tiles: tuple[Any, ...] = (tiles, np.searchsorted(tile_of, np.arange(tiles.size + 1)))
        self._floats: tuple[Any, ...] = (columns, offsets[order], thresholds)
        limits, always = byte_thresholds(thresholds)
        self._bytes: tuple[Any, ...] = (np.where(always, np.uint8(bits.HIGHEST), columns), offsets[order], limits)

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64], scratch: NDArray[np.uint8]) -> None:
        """Write the bits of up to 1,024 rows (n, F) of numbers into a matrix of bits; bits from n up mean nothing.

        Numbers other than uint8 are compared as float32.
        """
        if rows.dtype != np.uint8:
            rows = as_float32(rows)
        itemsize = rows.dtype.itemsize
        if rows.strides[1] != itemsize or rows.strides[0] < 0:
            rows = np.ascontiguousarray(rows)
        words = len(rows) // 64 if rows.shape[1] == self._width else 0
        if words:
            self._pack(rows, 0, words, values, scratch)
        if 64 * words < len(rows):
            rest = np.zeros((-(-len(rows) // 64) * 64 - 64 * words, self._width), rows.dtype)
            rest[: len(rows) - 64 * words, : rows.shape[1]] = rows[64 * words :]
            self._pack(rest, words, len(rest) // 64, values, scratch)

    def _pack(
        self, rows: NDArray[Any], first_word: int, words: int, values: NDArray[np.uint64], scratch: NDArray[np.uint8]
    ) -> None:
        place: tuple[Any, ...] = (values, rows.ctypes.data, rows.strides[0], first_word, words, scratch)
        if rows.dtype == np.uint8:
            bits.pack_bytes(*place, *self._tiles, *self._bytes)
        else:
            bits.pack_floats(*place, *self._tiles, *self._floats)


def as_float32(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers as float32: rounded, infinite where they are too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return rows.astype(np.float32, copy=False)


def byte_thresholds(thresholds: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Thresholds for bytes x: x > t where x > limit or always, exactly.

    For whole x, x > t is x > floor(t); from t = 255 up it never holds, and for t < 0 always.

    Returns:
        limits, uint8, 0 where always; always, bool.
    """
    return np.floor(np.clip(thresholds, 0, 255)).astype(np.uint8), thresholds < 0


def _tiles(features: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """First columns of tiles of sixteen that cover the (sorted) features, none of which reaches beyond `width`."""
    starts: list[int] = []
    for feature in features.tolist():
        if not starts or feature >= starts[-1] + bits.TILE:
            starts.append(min(feature, width - bits.TILE))
    return np.array(starts, np.int64)
