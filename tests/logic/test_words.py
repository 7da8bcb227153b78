from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Metadata, NetlistBuilder
from lutsmith.logic import Words

F32 = np.float32


def fitted(thresholds, low, high, **fields):
    builder = CircuitBuilder((len(low),))
    signals = builder.compare(np.arange(len(thresholds)) % len(low), np.array(thresholds, F32))
    return builder.build(signals, fitted_range=(np.array(low, F32), np.array(high, F32)), **fields)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 24))
def test_on_the_grid_words_compare_as_numbers_do(seed, bits):
    rng = np.random.default_rng(seed)
    low = rng.normal(size=3) * 10.0 ** rng.integers(-3, 4)
    circuit = fitted(rng.normal(size=9) * 5, low, low + rng.random(3) * 10)
    words = Words.derive(circuit, bits)
    X = (rng.normal(size=(40, 3)) * 10).astype(F32)
    X[0] = np.nan, np.inf, -np.inf
    quantised = words.quantise(X)
    assert quantised.dtype == np.uint32
    assert quantised.max() < 2**bits
    feature = circuit.encoder.feature
    above = quantised[:, feature] > words.limits(feature, circuit.encoder.threshold)
    assert np.array_equal(above, circuit.encoder.encode(words.values(quantised)))


def test_numbers_beyond_float32_are_infinite_and_no_warning():
    X = np.array([[1e300, -1e300, 1e-300]])
    assert Words.float32(3).quantise(X).tolist() == [[0x7F80_0000, 0xFF80_0000, 0]]
    assert Words.fixed(4, np.zeros(3), np.ones(3)).quantise(X).tolist() == [[15, 0, 0]]


def test_float_words_are_the_bits_of_the_numbers_and_lose_nothing():
    words = Words.float32(4)
    X = np.array([[1.0, -0.0, np.nan, -np.inf]])
    bits = words.quantise(X)
    assert [hex(word) for word in bits[0]] == ["0x3f800000", "0x80000000", "0x7fc00000", "0xff800000"]
    assert np.array_equal(words.values(bits), X.astype(F32), equal_nan=True)
    with pytest.raises(ValueError, match="no limits"):
        words.limits(np.array([0], np.int32), np.array([0], F32))


@pytest.mark.parametrize(
    ("thresholds", "high", "metadata", "bits"),
    [
        ([12.5, 200.0, 3.0], 255.0, {}, 8),  # bytes
        ([0.5], 1.0, {}, 1),
        ([0.25, 0.5, 0.75], 1.0, {}, 32),  # floats that happen to span 0..1
        ([0.25, 0.75], 1.0, {"integer_features": True}, 1),
        ([3.2, 5.1], 9.5, {}, 32),
        ([3.2, 5.1], 9.5, {"input_bits": 5}, 5),
        ([7.0], 2.0**20, {}, 32),
    ],
)
def test_the_length_is_derived_from_what_the_features_are(thresholds, high, metadata, bits):
    circuit = fitted(thresholds, [0.0], [high], metadata=Metadata.from_json(metadata))
    assert Words.derive(circuit).bits == bits


def test_words_of_a_given_length_need_a_fitted_range():
    builder = CircuitBuilder((1,))
    circuit = builder.build(builder.compare([0], [0.5]))
    assert Words.derive(circuit).is_float
    with pytest.raises(ValueError, match=r"no fitted_range, which words of 8 bits .* fitted_range=\(low, high\)"):
        Words.derive(circuit, 8)
    ranged = replace(circuit, fitted_range=(np.zeros(1, np.float32), np.ones(1, np.float32)))  # as it says
    assert Words.derive(ranged, 8).bits == 8


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected \(3,\)"):
        Words(3, Words.fixed(8, [0.0], [1.0]).grid)
    with pytest.raises(ValueError, match="X has shape"):
        Words.float32(3).quantise(np.zeros((2, 4)))


def test_categories_whose_fitted_range_is_one_number_keep_their_thresholds_apart():
    comparators = Comparators([0, 0, 0, 1], [-0.5, 0.5, 1.5, 2.5], 2)
    none = np.zeros(2, np.float32)
    circuit = Circuit((2,), comparators, NetlistBuilder(4).build(range(4)), fitted_range=(none, none))
    X = np.array([[0, 0], [1, 3], [2, 2]])
    for words in (Words.derive(circuit), Words.derive(circuit, 4)):
        assert not words.is_float
        assert np.array_equal(circuit.evaluate(words.values(words.quantise(X))), circuit.evaluate(X))


def test_words_that_are_given_stay_and_must_fit():
    circuit = fitted([12.5, 200.0, 3.0], [0.0] * 3, [255.0] * 3)
    words = Words.float32(circuit.encoder.num_features)
    assert Words.of(circuit, words) is words
    assert Words.of(circuit, 5).bits == 5
    with pytest.raises(ValueError, match=r"words of 2 features for a circuit of \d+"):
        Words.of(circuit, Words.float32(2))
