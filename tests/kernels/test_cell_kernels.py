"""The kernels that learn cells by enumeration, held to their naive forms."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.cells.learning.candidates import answers_of, masks_of, repeated
from lutsmith.ground.arrays import packed
from lutsmith.kernels.cells import arrays, naive, rows, serial


def operands(seed: int, width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, count, width)) < 0.5
    return a, b


def bits_of(words: np.ndarray, count: int) -> np.ndarray:
    return answers_of(words, count)[:, None] >> np.arange(arrays.EXAMPLES) & 1


def test_walks_of_all_tables_are_those_of_plain_python() -> None:
    a, b = operands(0, 5, 70)
    y = np.random.default_rng(1).random((70, 5)) < 0.5
    tables, starts = np.repeat(np.arange(256), 2), np.tile([0, 1], 256)
    x, z, mask = packed(a.T), packed(b.T), packed(np.ones(70, np.bool_))
    states, counts = np.empty((512, 2), np.uint64), np.empty((512, 8, 2), np.int64)
    serial.walk(x, z, tables, starts, states)
    serial.count_stream(x, z, packed(y.T), mask, tables, starts, counts)
    errors = np.zeros((512, 512), np.int64)
    serial.count_pairs(states, x[4], z[4], packed(y[:, 4]), mask, errors)
    bits = np.unpackbits(states.view(np.uint8), axis=1, count=70, bitorder="little")
    for candidate in range(0, 512, 7):
        table, start = int(tables[candidate]), int(starts[candidate])
        walks = np.array([naive.walk(*map(list, pair), table, start) for pair in zip(a + 0, b + 0, strict=True)])
        assert np.array_equal(bits[candidate], walks[:, -1])
        address = a + 2 * b + 4 * walks[:, :-1]
        assert np.array_equal(counts[candidate, :, 0], np.bincount(address.reshape(-1), minlength=8))
        assert np.array_equal(counts[candidate, :, 1], np.bincount(address[y], minlength=8))
        other = 511 - candidate if candidate < 256 else candidate
        address = a[:, 4] + 2 * b[:, 4] + 4 * bits[candidate] + 8 * bits[other]
        ones, all_ = np.bincount(address[y[:, 4]], minlength=16), np.bincount(address, minlength=16)
        assert errors[candidate, other] == np.minimum(ones, all_ - ones).sum()


@pytest.mark.parametrize("width", [1, 2, 5])
def test_arrays_of_many_candidates_are_those_of_plain_python(width: int) -> None:
    a, b = operands(width, width, arrays.EXAMPLES)
    rng = np.random.default_rng(2)
    chosen = rng.integers(0, 256, (2, 70))
    for gate in range(16):
        masks = masks_of(chosen)
        out = np.empty((len(masks), arrays.LANES), np.uint64)
        arrays.array(repeated(a), repeated(b), gate, masks[:, 0].copy(), masks[:, 1].copy(), out)
        found = bits_of(out, 70)
        for candidate in range(0, 70, 3):
            total, carry = chosen[:, candidate].tolist()
            expected = [naive.array(list(x), list(y), gate, total, carry) for x, y in zip(a + 0, b + 0, strict=True)]
            assert found[candidate].tolist() == expected


@pytest.mark.parametrize("result", ["quotient", "remainder", "root"])
@pytest.mark.parametrize("width", [2, 4, 6])
def test_rows_of_many_candidates_are_those_of_plain_python(result: str, width: int) -> None:
    a, b = operands(width, width, arrays.EXAMPLES)
    rng = np.random.default_rng(3)
    chosen, starts = rng.integers(0, 256, (3, 200)), rng.integers(0, 2, 200)
    chosen[:, 0], starts[0] = [0b10010110, 0b10001110, 0b11011000], 0  # a divider's
    masks, begins = masks_of(chosen), masks_of(np.where(starts, 255, 0)[None])[:, 0, 0].copy()
    out = np.empty((len(masks), arrays.LANES), np.uint64)
    if result == "root":
        rows.root(repeated(a), masks, begins, out)
    else:
        rows.divide(repeated(a), repeated(b), masks, begins, result == "remainder", out)
    found = bits_of(out, 200)
    for candidate in range(200):
        tables, start = tuple(chosen[:, candidate].tolist()), int(starts[candidate])
        expected = [naive.rows(list(x), list(y), tables, start, result) for x, y in zip(a + 0, b + 0, strict=True)]
        assert found[candidate].tolist() == expected
