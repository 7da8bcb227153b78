"""The bits of additive learning are the signals of its circuits, on every number that there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.additive.encoding import Encoding
from lutsmith.circuit import CircuitBuilder

NUMBERS = [0.0, -0.0, 1.0, 2.5, -3.0, np.nan, np.inf, -np.inf, 3e38, 1e-45]


@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.sampled_from([1, 2, 63, 64, 65, 200]),
    bits=st.integers(1, 9),
    named=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_bits_are_the_signals_of_the_circuit(seed: int, samples: int, bits: int, named: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.choice([0, 1, 1.5, 2, 7, -4, np.nan], (samples, 3)).astype(np.float32)
    x[:, 2] = rng.integers(0, 4, samples)
    encoding = Encoding.fit(x, bits, (2,) if named else ())
    if len(encoding) == 0:
        return
    builder = CircuitBuilder((3,))
    circuit = builder.build(encoding.emit(builder))
    asked = np.concatenate([x, rng.choice(NUMBERS, (70, 3)).astype(np.float32)])
    found = np.unpackbits(encoding.packed(asked).view(np.uint8), axis=1, bitorder="little")[:, : len(asked)]
    np.testing.assert_array_equal(found.T, circuit.outputs(asked))
    assert found.shape[0] == len(encoding)


def test_thresholds_are_quantiles_that_tell_rows_apart() -> None:
    x = np.concatenate([np.arange(100.0), np.full(20, np.nan)])[:, None]
    encoding = Encoding.fit(x, 3)
    assert encoding.above.tolist() == [25.0, 50.0, 75.0]
    assert Encoding.fit(np.array([[1.0], [2.0], [2.0], [5.0]]), 7).above.tolist() == [1.0, 2.0]
    assert len(Encoding.fit(np.array([[4.0], [4.0]]), 7)) == 0
    assert len(Encoding.fit(np.full((3, 1), np.nan), 7)) == 0


def test_names_have_a_bit_each() -> None:
    encoding = Encoding.fit(np.array([[0.0], [2.0], [2.0], [np.nan]]), 1, (0,))
    said = np.unpackbits(encoding.packed(np.array([[0.0], [1.0], [2.0], [np.nan]])).view(np.uint8), axis=1)
    assert encoding.named.tolist() == [0, 1]
    assert np.unpackbits(encoding.packed(np.array([[2.0]])).view(np.uint8), axis=1, bitorder="little")[
        :, 0
    ].tolist() == [0, 1]
    assert said.sum() == 2


@pytest.mark.parametrize("samples", [0, 1, 64])
def test_what_stands_beyond_the_last_sample_is_zero(samples: int) -> None:
    encoding = Encoding(np.zeros(1, np.int32), np.zeros(1, np.float32), np.full(1, np.inf, np.float32))
    words = encoding.packed(np.ones((samples, 1), np.float32))
    assert words.shape == (1, -(-samples // 64))
    assert np.unpackbits(words.view(np.uint8)).sum() == samples
