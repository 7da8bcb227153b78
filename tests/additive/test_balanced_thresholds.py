"""Thresholds of columns with common values."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.additive.encoding import Encoding
from lutsmith.encodings.balanced import balanced_column


def slow(values: list[float], count: int) -> list[float]:
    """The definition, with fractions: bins grow until no value that is not common is larger than one."""
    rows = {value: values.count(value) for value in sorted(set(values))}
    if len(rows) <= count + 1:
        return list(rows)[:-1]
    common: set[float] = set()
    while True:
        size = Fraction(sum(n for value, n in rows.items() if value not in common), count + 1 - len(common))
        more = {value for value, n in rows.items() if n > size} - common
        if not more:
            break
        common |= more
    found, total = [], Fraction(0)
    for value, n in rows.items():
        before = total // size
        total += min(n, size)
        if total // size > before:
            found.append(value)
    return [value for value in found if value != max(rows)]


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.sampled_from([1, 1, 2, 3, 50])), min_size=1, max_size=40),
    st.integers(1, 12),
)
def test_thresholds_are_those_of_the_definition(drawn: list[tuple[int, int]], count: int) -> None:
    values = [float(value) / 4 for value, times in drawn for _ in range(times)]
    found = balanced_column(np.array(values, np.float32), count)
    assert found.dtype == np.float32
    assert found.tolist() == slow(values, count)
    assert len(found) <= count


def test_rows_beside_a_common_value_are_told_apart() -> None:
    values = np.concatenate([np.zeros(10_000), np.arange(1, 1001)]).astype(np.float32)
    found = balanced_column(values, 10)
    assert found[0] == 0
    np.testing.assert_allclose(np.diff(found), 100, atol=1)
    everywhere = balanced_column(np.arange(1100, dtype=np.float32), 10)
    np.testing.assert_allclose(np.diff(everywhere), 100, atol=1)


def test_the_encoder_has_bits_where_quantiles_have_none() -> None:
    x = np.concatenate([np.zeros(10_000), np.arange(1, 1001), [np.nan]]).astype(np.float32)[:, None]
    assert len(Encoding.fit(x, 10, encoder="distributive")) == 2  # above 0, and above 1
    encoding = Encoding.fit(x, 10, encoder="balanced")
    bits = np.unpackbits(encoding.packed(x).view(np.uint8), axis=1, bitorder="little", count=len(x))
    np.testing.assert_array_equal(bits, x[:, 0] > balanced_column(x[:-1, 0], 10)[:, None])
