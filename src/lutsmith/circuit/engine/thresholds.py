"""The comparators as the packing kernels want them: sorted by feature, in tiles of columns, or in windows of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.engine.plan import aligned
from lutsmith.kernels.engine import bits, lanes, windows


class Thresholds:
    """Packs blocks of samples into rows of bits. Immutable.

    Args:
        encoder: the comparators.
        offsets: uint32 (C,), byte offset of each comparator's row in the matrix of bits.
        by_windows: whether bytes are compared by `kernels.engine.windows`; by default where the machine can.
    """

    def __init__(self, encoder: Comparators, offsets: NDArray[np.uint32], by_windows: bool | None = None) -> None:
        order = np.argsort(encoder.feature, kind="stable")
        features, thresholds = encoder.feature[order].astype(np.int64), encoder.threshold[order]
        self._width = max(encoder.num_features, bits.TILE)
        tiles = tiles_of(np.unique(features), self._width)
        tile_of = np.searchsorted(tiles, features, side="right") - 1
        columns = (tile_of % 4 * bits.TILE + features - tiles[tile_of]).astype(np.uint8)
        self._tiles: tuple[Any, ...] = (tiles, np.searchsorted(tile_of, np.arange(tiles.size + 1)))
        self._floats: tuple[Any, ...] = (columns, offsets[order], thresholds)
        limits, always = byte_thresholds(thresholds)
        self._bytes: tuple[Any, ...] = (np.where(always, np.uint8(bits.HIGHEST), columns), offsets[order], limits)
        self._windows: tuple[Any, ...] | None = None
        self._scratch_bytes = bits.SCRATCH
        ever = always | (limits < 255)
        wanted = windows.available() if by_windows is None else by_windows
        if wanted and ever.any() and self._width >= windows.WIDTH:  # x > t is x >= floor(t) + 1
            least = np.where(always, 0, np.minimum(limits, 254) + 1).astype(np.uint8)
            self._windows = _windows(features[ever], least[ever], offsets[order][ever], self._width)
            self._never = offsets[order][~ever] // lanes.ROW_BYTES
            self._scratch_bytes += 8 * windows.TOGETHER * windows.WIDTH * (len(self._windows[0]) + windows.TOGETHER)

    def scratch(self) -> NDArray[np.uint8]:
        """New scratch for `pack`; its first `bits.SCRATCH` bytes serve the other kernels of `bits` as well."""
        scratch: NDArray[np.uint8] = aligned((self._scratch_bytes,), np.uint8)
        scratch[bits.HIGHEST * bits.BLOCK : bits.SCRATCH] = 255
        return scratch

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64], scratch: NDArray[np.uint8]) -> None:
        """Write the bits of up to 1,024 rows (n, F) of numbers into a matrix of bits; bits from n up mean nothing.

        Numbers other than uint8 are compared as float32. `scratch` is of `scratch()`.
        """
        if rows.dtype != np.uint8:
            rows = as_float32(rows)
        for part, first_word, words in whole_words(rows, self._width):
            self._pack(part, first_word, words, values, scratch)

    def _pack(
        self, rows: NDArray[Any], first_word: int, words: int, values: NDArray[np.uint64], scratch: NDArray[np.uint8]
    ) -> None:
        place: list[Any] = [values, rows.ctypes.data, rows.strides[0], first_word, words, scratch[: bits.SCRATCH]]
        if rows.dtype != np.uint8:
            bits.pack_floats(*place, *self._tiles, *self._floats)
        elif self._windows is None:
            bits.pack_bytes(*place, *self._tiles, *self._bytes)
        else:
            if self._never.size:
                values[self._never] = 0
            given: list[Any] = [*place[:-1], scratch[bits.SCRATCH :].view(np.uint64), *self._windows]
            windows.pack(*given)


def whole_words(rows: NDArray[Any], width: int) -> Iterator[tuple[NDArray[Any], int, int]]:
    """Yield rows as kernels read them, 64 times `words` of at least `width` numbers that lie side by side, with the
    first word and `words`; what is copied for that is filled up with zeros.
    """
    if rows.strides[1] != rows.dtype.itemsize or rows.strides[0] < 0:
        rows = np.ascontiguousarray(rows)
    words = len(rows) // 64 if rows.shape[1] == width else 0
    if words:
        yield rows, 0, words
    if 64 * words < len(rows):
        rest = np.zeros((-(-len(rows) // 64) * 64 - 64 * words, width), rows.dtype)
        rest[: len(rows) - 64 * words, : rows.shape[1]] = rows[64 * words :]
        yield rest, words, len(rest) // 64


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


def tiles_of(features: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """First columns of tiles of sixteen that cover the (sorted) features, none of which reaches beyond `width`."""
    starts: list[int] = []
    for feature in features.tolist():
        if not starts or feature >= starts[-1] + bits.TILE:
            starts.append(min(feature, width - bits.TILE))
    return np.array(starts, np.int64)


def _windows(
    features: NDArray[np.int64], limits: NDArray[np.uint8], offsets: NDArray[np.uint32], width: int
) -> tuple[Any, ...]:
    """Starts, order, limits, counts and rows for `windows.pack`, of comparators sorted by feature."""
    starts: list[int] = []
    members: list[list[int]] = []
    for number, feature in enumerate(features.tolist()):
        if not starts or len(members[-1]) == windows.WIDTH or feature >= starts[-1] + windows.WIDTH:
            starts.append(min(feature, width - windows.WIDTH))
            members.append([])
        members[-1].append(number)
    total = -(-len(starts) // windows.TOGETHER) * windows.TOGETHER
    first, counts = np.zeros(total, np.int64), np.zeros(total, np.int64)
    order, least = aligned((total, windows.WIDTH), np.uint8), aligned((total, windows.WIDTH), np.uint8)
    rows = np.zeros((total, windows.WIDTH), np.uint32)
    order[:], least[:] = 0, 0
    for window, source in enumerate(sorted(range(len(starts)), key=lambda source: -len(members[source]))):
        chosen = np.array(members[source])
        first[window], counts[window] = starts[source], chosen.size
        order[window, : chosen.size] = features[chosen] - starts[source]
        least[window, : chosen.size] = limits[chosen]
        rows[window, : chosen.size] = offsets[chosen]
    by_comparator = rows.reshape(-1, windows.TOGETHER, windows.WIDTH).transpose(0, 2, 1)
    return first, order, least, counts, np.ascontiguousarray(by_comparator)
