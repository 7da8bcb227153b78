"""Bits: comparisons, counts and unpacked bytes are those of plain NumPy, at every edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lutsmith.circuit import Comparators
from lutsmith.circuit.engine.plan import aligned
from lutsmith.circuit.engine.thresholds import Thresholds, byte_thresholds
from lutsmith.kernels.engine import bits, lanes, windows

EDGES = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -1e-45, 0.5, 1, 254.5, 255, 256, -1, 3e38, -3e38, 1e300])
SAMPLES = (1, 2, 63, 64, 65, 1000, 1023, 1024)


def matrix(rows: int) -> NDArray[np.uint64]:
    values: NDArray[np.uint64] = aligned((rows, bits.WORDS), np.uint64)
    values[:] = np.random.default_rng(rows).integers(0, 2**64, values.shape, dtype=np.uint64)
    values[0] = 0
    return values


def unpacked(values: NDArray[np.uint64], samples: int) -> NDArray[np.bool_]:
    """bool (samples, rows), by NumPy."""
    words = values.astype("<u8").view(np.uint8)
    return np.unpackbits(words, axis=1, bitorder="little")[:, :samples].T.astype(bool)


def pack(encoder: Comparators, rows: NDArray) -> NDArray[np.bool_]:
    """The packed bits, in every way that this machine has of packing them."""
    offsets = ((1 + np.arange(len(encoder))) * 8 * bits.WORDS).astype(np.uint32)
    found = []
    for by_windows in {False, windows.available()}:
        values = matrix(1 + len(encoder))
        thresholds = Thresholds(encoder, offsets, by_windows)
        thresholds.pack(rows, values, thresholds.scratch())
        found.append(unpacked(values[1:], len(rows)))
    assert all(np.array_equal(each, found[0]) for each in found)
    return found[0]


def numbers(rng: np.random.Generator, shape: tuple[int, int], dtype: str) -> NDArray:
    if np.dtype(dtype).kind == "f":
        values = np.where(rng.random(shape) < 0.5, rng.choice(EDGES, shape), rng.normal(0, 100, shape).round())
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(dtype)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    info = np.iinfo(dtype)
    small = rng.integers(max(info.min, -300), min(info.max, 300), shape, dtype, endpoint=True)
    return np.where(rng.random(shape) < 0.5, small, rng.integers(info.min, info.max, shape, dtype, endpoint=True))


@given(
    seed=st.integers(0, 2**32),
    samples=st.sampled_from(SAMPLES),
    features=st.sampled_from((1, 2, 15, 16, 17, 63, 64, 65, 90, 500)),
    comparators=st.integers(0, 40) | st.integers(60, 700),
    dtype=st.sampled_from(("uint8", "bool", "float32", "float64", "float16", "int64", "uint64", "int8", "uint16")),
)
@settings(deadline=None, max_examples=150)
def test_packed_bits_are_the_comparisons_of_the_specification(seed, samples, features, comparators, dtype):
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        edges = EDGES[~np.isnan(EDGES)].astype(np.float32)
    ties = rng.integers(-2, 258, comparators).astype(np.float32) / rng.choice([1, 2])
    thresholds = np.where(rng.random(comparators) < 0.3, rng.choice(edges, comparators), ties)
    encoder = Comparators(rng.integers(0, features, comparators), thresholds, features)
    rows = numbers(rng, (samples, features), dtype)
    assert (pack(encoder, rows.view(np.uint8) if dtype == "bool" else rows) == encoder.encode(rows)).all()


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows_in_any_layout_are_packed(dtype):
    rng = np.random.default_rng(0)
    encoder = Comparators(rng.integers(0, 40, 100), rng.integers(0, 255, 100), 40)
    rows = rng.integers(0, 256, (300, 40)).astype(dtype)
    wide = np.zeros((300, 100), dtype)
    wide[:, 10:50] = rows
    odd = np.frombuffer(b"x" + rows.tobytes(), np.uint8)[1:].view(dtype).reshape(rows.shape)
    swapped = rows.astype(np.dtype(dtype).newbyteorder())
    for given_rows in (wide[:, 10:50], np.asfortranarray(rows), rows[::-1][::-1], odd, swapped):
        assert (pack(encoder, given_rows) == encoder.encode(rows)).all()
    for given_rows in (rows[::-1], rows[::3], np.broadcast_to(rows[:1], (70, 40))):
        assert (pack(encoder, given_rows) == encoder.encode(given_rows)).all()


def test_byte_thresholds_are_exact_for_every_byte():
    thresholds = np.concatenate([EDGES[~np.isnan(EDGES)], np.arange(-2, 258), np.arange(-2, 258) + 0.5])
    with np.errstate(over="ignore"):
        thresholds = thresholds.astype(np.float32)
    thresholds = np.concatenate([thresholds, np.nextafter(thresholds, -np.inf), np.nextafter(thresholds, np.inf)])
    x = np.arange(256, dtype=np.uint8)[:, None]
    limits, always = byte_thresholds(thresholds)
    assert (((x > limits) | always) == (x.astype(np.float32) > thresholds)).all()


@given(
    seed=st.integers(0, 2**32),
    samples=st.sampled_from(SAMPLES),
    classes=st.integers(1, 12),
    blocks=st.integers(1, 40),
    density=st.sampled_from((0.0, 0.1, 0.5, 1.0)),
)
@settings(deadline=None, max_examples=80)
def test_counts_and_labels_are_those_of_sums(seed, samples, classes, blocks, density):
    rng = np.random.default_rng(seed)
    ones = rng.random((50, 1024)) < density
    ones[0] = False
    values = aligned((50, bits.WORDS), np.uint64)
    values[:] = np.packbits(ones, axis=1, bitorder="little").view("<u8")
    rows = rng.integers(0, 50, (classes, 8 * blocks))
    labels, scores = np.empty(samples, np.int64), np.empty((samples, classes), np.int32)
    counter, totals = aligned((bits.COUNTER_ROWS, bits.WORDS), np.uint64), aligned((2, bits.BLOCK), np.int32)
    counter[:] = rng.integers(0, 2**64, counter.shape, dtype=np.uint64)
    bits.count(values, (rows * 8 * bits.WORDS).astype(np.uint32), counter, totals, labels, scores)
    expected = ones[rows].sum(axis=1).T[:samples]
    assert (scores == expected).all()
    assert (labels == expected.argmax(axis=1)).all()


@pytest.mark.parametrize(("samples", "outputs"), [(64, 64), (128, 192), (1024, 64)])
def test_unpacked_bytes_are_the_bits(samples, outputs):
    values = matrix(30)
    rows = np.random.default_rng(1).integers(0, 30, outputs)
    result = aligned((samples, outputs), np.uint8)
    bits.unpack(values, (rows * 8 * bits.WORDS).astype(np.uint32), aligned((bits.SCRATCH,), np.uint8), result)
    assert (result == unpacked(values, samples)[:, rows]).all()


@pytest.mark.parametrize("rank", range(7))
def test_every_address_of_a_table_is_read_at_every_rank(rank):
    """The inputs of the LUTs count through all addresses; tables are random, all zeros, all ones and single bits."""
    single = np.uint64(1) << np.arange(1 << rank, dtype=np.uint64)
    random = np.random.default_rng(rank).integers(0, 2**64, 100, dtype=np.uint64)
    tables = np.concatenate([random, single, ~single, np.array([0, 2**64 - 1], np.uint64)])
    first = lanes.HEADER_ROWS
    values = aligned((first + 6 + tables.size, lanes.WORDS), np.uint64)
    lanes.fill_header(values)
    address = np.arange(lanes.BLOCK) % (1 << rank)
    for slot in range(6):
        values[first + slot] = np.packbits(address >> slot & 1, bitorder="little").view("<u8")
    offsets = np.tile((first + np.arange(rank)) * lanes.ROW_BYTES, tables.size)
    fanin = np.concatenate([offsets, np.zeros(lanes.PADDING)]).astype(np.uint32)
    lanes.evaluate(values, fanin, tables, np.array([[rank, 0, tables.size, 0, first + 6, 1]]))
    expected = tables[:, None] >> address.astype(np.uint64) & np.uint64(1)
    found = unpacked(values[first + 6 :], lanes.BLOCK).T
    assert (found == expected).all()
