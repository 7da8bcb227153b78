"""Rows for the simulation of a circuit: the given ones, and rows at the edges of its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.rows import as_rows
from lutsmith.circuit.words import WordFormats
from lutsmith.logic.words import Words

RANDOM_ROWS = 256
"""Rows that are drawn where no data are given."""

MAX_SINGLE_EDGES = 4096
"""Rows in which one feature alone lies on an edge; with more edges, so many of them are drawn."""

STREAMS = 8
"""Streams that rows are dealt to where a circuit has a state, each run from its initial one."""

MAX_BASE_ROWS = 32
"""Rows that one edge is tried in."""


def sample_rows(circuit: Circuit, X: ArrayLike | None = None, *, seed: int = 0) -> NDArray[Any]:
    """Return the rows of X, or random ones, (N, F): float32, or of the type that `rows_type` returns.

    Random rows are uniform in the range that the circuit was fitted on, else around its thresholds; features that are
    words are any words.

    Raises:
        TypeError, ValueError: X holds no real numbers or does not fit the circuit.
    """
    kind = rows_type(circuit)
    if X is not None:
        rows = as_rows(X, circuit.input_shape)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.ascontiguousarray(rows, kind if rows.dtype.kind == "f" or kind is np.float32 else None)
    rng = np.random.default_rng(seed)
    features = circuit.encoder.num_features
    if circuit.fitted_range is not None:
        low, high = (bound.astype(np.float64) for bound in circuit.fitted_range)
    else:
        finite = circuit.encoder.threshold[np.isfinite(circuit.encoder.threshold)].astype(np.float64)
        low = np.full(features, finite.min(initial=0.0) - 1)
        high = np.full(features, finite.max(initial=0.0) + 1)
    rows = low + rng.random((RANDOM_ROWS, features)) * (high - low)
    whole = np.array_equal(low, np.round(low)) and np.array_equal(high, np.round(high)) and (high - low).max() > 1
    if whole:  # features that may well be integers: half of the rows are
        rows[::2] = np.round(rows[::2])
    if circuit.words is None:
        return rows.astype(np.float32)
    given = rows.astype(kind)
    given[:, circuit.words.formats.feature] = _random_words(circuit.words.formats, RANDOM_ROWS, rng)
    return given


def rows_type(circuit: Circuit) -> type[Any]:
    """Return the type of rows that hold what a circuit reads: float32; where words are longer that of
    `WordFormats.row_type`, but float64 where other features are read.
    """
    words = circuit.words
    if words is None or not words.formats.is_long:
        return np.float32
    return np.float64 if len(circuit.encoder) or circuit.missing.size else words.formats.row_type


def _random_words(formats: WordFormats, count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return numbers (count, K) that stand for words of all lengths up to the full one."""
    patterns = rng.integers(0, 1 << 64, (count, len(formats)), dtype=np.uint64)
    patterns >>= rng.integers(0, 64, patterns.shape).astype(np.uint64) * (rng.random(patterns.shape) < 0.3)
    return formats.numbers(patterns & _masks(formats))


def _masks(formats: WordFormats) -> NDArray[np.uint64]:
    return np.uint64(2**64 - 1) >> (64 - formats.bits).astype(np.uint64)


def edge_rows(circuit: Circuit, words: Words | None, base: NDArray[Any], *, seed: int = 1) -> NDArray[Any]:
    """Return rows (E, F) that lie on edges, of the type of `base`.

    First rows whose features are all at an edge: lowest, highest, 0, 1; each threshold, the number above and the one
    below (in words: the last word that is not above, and the first that is); for floats -0, infinities, NaN, the
    largest and the smallest numbers. Then rows of `base` in which a single feature lies at the edge of a threshold.
    Features that are words are, together and one by one, lowest and highest, and each bit alone. Features whose missing
    values are inputs are missing one by one, and all.

    Args:
        circuit: whose thresholds are meant.
        words: the words that features become, or None for floats.
        base: rows (N, F) that the second kind starts from; zeros where there are none.
        seed: of the choice of base rows and edges.
    """
    features = circuit.encoder.num_features
    if circuit.words is None:
        return np.concatenate([_threshold_rows(circuit, words, base, seed), _missing_rows(circuit, base, seed)])
    formats = circuit.words.formats
    ends = [np.zeros(len(formats), np.uint64), _masks(formats), _masks(formats) >> np.uint64(1)]
    ends += [np.full(len(formats), 1 << bit, np.uint64) & _masks(formats) for bit in range(int(formats.bits.max()))]
    start = base[:1] if len(base) else np.zeros((1, features), rows_type(circuit))
    together = np.repeat(start, len(ends), axis=0)
    together[:, formats.feature] = formats.numbers(np.stack(ends))
    if base.dtype.kind != "f":
        return together
    parts = [_threshold_rows(circuit, words, base.astype(np.float32), seed).astype(base.dtype), together]
    if formats.is_long:  # numbers that are not integers, of features that are read as they are, would be told otherwise
        parts[0] = parts[0][np.isfinite(parts[0]).all(axis=1)]
    return np.concatenate([*parts, _missing_rows(circuit, base, seed)])


def _missing_rows(circuit: Circuit, base: NDArray[Any], seed: int) -> NDArray[Any]:
    """Return rows in which features are missing, of base rows: one by one, and all."""
    formats = None if circuit.words is None else circuit.words.formats
    features = np.unique(circuit.missing)
    if formats is not None:
        features = features[(formats.place(features) < 0) | ~np.bool_(formats.is_long)]
    if not features.size or base.dtype.kind != "f" or not len(base):
        return base[:0]
    rng = np.random.default_rng([seed, 1])
    alone = np.tile(rng.permutation(features)[:MAX_SINGLE_EDGES], max(1, min(MAX_BASE_ROWS, 512 // features.size)))
    rows = base[rng.integers(0, len(base), alone.size + 8)]
    rows[np.arange(alone.size), alone] = np.nan
    rows[alone.size :, features] = np.nan
    return rows


def _threshold_rows(circuit: Circuit, words: Words | None, base: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return the rows of `edge_rows` that lie at thresholds."""
    feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
    features = circuit.encoder.num_features
    rng = np.random.default_rng(seed)
    below, above = _sides(circuit, words)
    together = [np.zeros(features, np.float32), np.ones(features, np.float32)]
    if circuit.fitted_range is not None:
        together += [*circuit.fitted_range]
    if words is None or words.grid is None:
        odd = (-0.0, np.inf, -np.inf, np.nan, np.finfo(np.float32).max, np.finfo(np.float32).min, 1e-45, -1e-45)
        together += [np.full(features, value, np.float32) for value in odd]
        mixed = rng.choice(np.array([*odd, 0.0, 1.0], np.float32), (4, features))
        together += [*mixed]
    else:
        ends = np.array([0, words.grid.highest], np.uint32)
        together += [words.values(np.full((1, features), end, np.uint32))[0] for end in ends]
    order = np.lexsort((threshold, feature))
    place = np.arange(order.size) - np.searchsorted(feature[order], feature[order])  # of a threshold in its feature
    most = int(place.max(initial=-1)) + 1
    for values in (below, threshold, above):
        at = np.tile(base[:1] if len(base) else np.zeros((1, features), np.float32), (most, 1))
        at[place, feature[order]] = values[order]
        together += [*at]
    edges = np.arange(feature.size)
    if 2 * edges.size > MAX_SINGLE_EDGES:
        edges = rng.choice(edges, MAX_SINGLE_EDGES // 2, replace=False)
    elif edges.size:  # as many base rows as there is room for: the rest of a row decides whether an edge shows
        edges = np.tile(edges, min(MAX_BASE_ROWS, MAX_SINGLE_EDGES // (2 * edges.size)))
    start = base if len(base) else np.zeros((1, features), np.float32)
    single = np.repeat(start[rng.integers(0, len(start), edges.size)], 2, axis=0)
    single[0::2][np.arange(edges.size), feature[edges]] = below[edges]
    single[1::2][np.arange(edges.size), feature[edges]] = above[edges]
    return np.concatenate([np.stack(together), single]).astype(np.float32)


def _sides(circuit: Circuit, words: Words | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return, for each comparator, the highest number that it is not true for, and the lowest that it is true for."""
    feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
    own = np.full(feature.size, -1) if circuit.words is None else circuit.words.formats.place(feature)
    if words is None or words.grid is None or (own >= 0).any():
        with np.errstate(over="ignore"):
            return np.nextafter(threshold, np.float32(-np.inf)), np.nextafter(threshold, np.float32(np.inf))
    grid = words.grid[feature]
    limits = words.limits(feature, threshold)
    return grid.value(limits.clip(0, grid.highest)), grid.value((limits + 1).clip(0, grid.highest))


def dealt(rows: NDArray[Any], count: int = STREAMS) -> NDArray[Any]:
    """Return rows (N, F) as streams (S, T, F), S at most `count`: dealt in turn, the first again at the end."""
    streams = min(count, len(rows))
    if not streams:
        return rows[:, None]
    cycles = -(-len(rows) // streams)
    places = np.arange(cycles * streams).reshape(cycles, streams).T
    return np.ascontiguousarray(rows[places % len(rows)])
