from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Accuracy, CircuitBuilder, Metadata
from lutsmith.circuit.word_length import WordLength, snap, snapped, word_length_report
from lutsmith.data.images.digits import load_digits

F32 = np.float32
numbers = st.floats(-1e6, 1e6, width=32)


def words(low, high, bits):
    """The grid, value by value, as the module defines it."""
    span, most = float(high) - float(low), 2**bits - 1
    per_unit = most / span
    per_unit = np.floor(per_unit) if per_unit >= 1 else per_unit
    return (float(low) + np.arange(most + 1) / per_unit).astype(F32)


def fitted(features, thresholds, low, high, shape):
    builder = CircuitBuilder(shape)
    signals = builder.compare(np.asarray(features), np.asarray(thresholds, F32))
    return builder.build(signals, fitted_range=(np.asarray(low, F32), np.asarray(high, F32)))


@settings(max_examples=100, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=20), numbers, numbers, st.integers(1, 12))
def test_snapped_thresholds_are_the_words_below_and_compare_words_as_before(thresholds, one, other, bits):
    low, high = sorted([F32(one), F32(other)])
    assume(high > low)
    at = np.sort(np.array(thresholds, F32))
    got = snap(at, low, high, bits)
    grid = words(low, high, bits)
    assert got.dtype == F32
    assert (got <= np.maximum(at, low)).all()
    assert (np.isin(got, grid) | (got < low)).all()
    assert (np.diff(got) >= 0).all()
    assert np.array_equal(snap(got, low, high, bits), got)
    assert np.array_equal(grid[:, None] > got, grid[:, None] > at)


@settings(max_examples=60, deadline=None)
@given(st.integers(-300, 300), st.integers(1, 255), st.integers(8, 16), st.lists(st.floats(0, 1), min_size=1))
def test_integers_that_fit_the_word_lose_nothing(low, span, bits, shares):
    thresholds = (low + span * np.array(shares)).astype(F32)
    x = np.arange(low, low + span + 1, dtype=F32)[:, None]
    got = snap(thresholds, low, low + span, bits)
    assert np.array_equal(x > got, x > thresholds)


def test_bytes_have_the_grid_of_bytes_and_fractions_of_them_their_own():
    thresholds = np.array([-3, 0, 0.5, 100.7, 254.99, 255, 400, np.inf], F32)
    assert snap(thresholds, 0, 255, 8).tolist() == [-1, 0, 0, 100, 254, 255, 255, np.inf]
    pixels = (np.arange(256, dtype=F32) / F32(255)).astype(F32)
    assert np.array_equal(snap(pixels, 0, 1, 8), pixels)
    assert snap(np.array([0.9999, 1.0], F32), 0, 1, 1).tolist() == [0, 1]


def test_a_constant_feature_has_no_grid():
    thresholds = np.array([0.1, 7.3, -2], F32)
    assert np.array_equal(snap(thresholds, 0.1, 0.1, 4), thresholds)


@pytest.mark.parametrize(("bits", "error"), [(0, ValueError), (25, ValueError), (2.5, TypeError), ("8", TypeError)])
def test_what_is_no_word_length_is_refused(bits, error):
    with pytest.raises(error, match="bits"):
        snap(np.zeros(2, F32), 0, 1, bits)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 99))
def test_a_snapped_circuit_is_the_circuit_on_words(bits, comparators, seed):
    rng = np.random.default_rng(seed)
    features, thresholds = rng.integers(0, 3, comparators), rng.normal(size=comparators)
    builder = CircuitBuilder((3,))
    signals = builder.compare(features, thresholds)
    luts = builder.lut(rng.choice(signals, (20, 3)), rng.integers(0, 2, (20, 8)))
    low, high = np.array([-1, -2, 0], F32), np.array([1, 2, 0], F32)
    circuit = builder.build(
        np.concatenate([luts, signals]), fitted_range=(low, high), metadata=Metadata.from_json({"seed": seed})
    )
    narrow = snapped(circuit, bits)
    grid = np.stack([rng.choice(words(-1, 1, bits), 100), rng.choice(words(-2, 2, bits), 100), rng.normal(size=100)], 1)
    assert np.array_equal(narrow.outputs(grid.astype(F32)), circuit.outputs(grid.astype(F32)))
    assert np.array_equal(narrow.evaluate(grid.astype(F32)), narrow.outputs(grid.astype(F32)))
    pairs = set(zip(narrow.encoder.feature.tolist(), narrow.encoder.threshold.tolist(), strict=True))
    assert len(pairs) == len(narrow.encoder) <= len(circuit.encoder)
    assert narrow.netlist.num_nodes == circuit.netlist.num_nodes
    assert narrow.metadata.to_json() == {"seed": seed, "input_bits": bits}
    again = snapped(narrow, bits)
    assert np.array_equal(again.encoder.threshold, narrow.encoder.threshold)
    assert np.array_equal(again.netlist.fanin, narrow.netlist.fanin)


def test_equal_comparators_are_merged():
    circuit = fitted([0, 0, 1, 0], [0.3, 0.4, 0.3, -0.0], [0, 0], [15, 15], (2,))
    narrow = snapped(circuit, 4)
    assert (narrow.encoder.feature.tolist(), narrow.encoder.threshold.tolist()) == ([0, 1], [0, 0])
    assert narrow.netlist.outputs.tolist() == [0, 0, 1, 0]


def test_an_accuracy_holds_for_as_long_as_no_threshold_moved():
    measured = Metadata(accuracy=Accuracy(0.9, 0.9, "test"), target="y")
    circuit = replace(fitted([0, 0], [2.0, 5.0], [0.0], [15.0], (1,)), metadata=measured)
    same, moved = snapped(circuit, 4), snapped(circuit, 3)
    assert (same.metadata.accuracy, same.metadata.input_bits) == (measured.accuracy, 4)
    assert (moved.metadata.accuracy, moved.metadata.input_bits, moved.metadata.target) == (None, 3, "y")


def test_a_circuit_without_comparators_stays():
    builder = CircuitBuilder((2,))
    circuit = builder.build(np.array([builder.constant(True)]), fitted_range=([0, 0], [1, 1]))
    assert len(snapped(circuit, 4).encoder) == 0


def test_words_keep_their_length():
    builder = CircuitBuilder((2,))
    word, (compared,) = builder.words([0], 6)[0], builder.compare([1], [5.3])
    ends = {"fitted_range": ([0, 0], [63, 14])}
    mixed = builder.build(np.append(word, compared), **ends)
    narrow = snapped(mixed, 3)
    assert narrow.words is mixed.words
    assert narrow.encoder.threshold.tolist() == [4]
    with pytest.raises(ValueError, match="as words already, of up to 6 bits"):
        snapped(builder.build(word, **ends), 3)


def test_a_circuit_without_range_or_head_is_refused():
    builder = CircuitBuilder((2,))
    signals = builder.compare([0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="no fitted_range"):
        snapped(builder.build(signals), 8)
    with pytest.raises(ValueError, match="not a classifier"):
        word_length_report(fitted([0], [0.5], [0], [1], (1,)), np.zeros((2, 1)), [0, 0])


def templates(x, y):
    """A classifier of images by votes: each pixel says whether it is on the side of the mean where the class has it."""
    builder = CircuitBuilder(x.shape[1:])
    pixels = x.reshape(len(x), -1).astype(F32)
    mean = pixels.mean(0)
    above = builder.compare(builder.features.reshape(-1), mean)
    votes = []
    for label in range(10):
        inverted = pixels[y == label].mean(0) < mean
        votes.append(builder.lut(above[:, None], np.stack([inverted, ~inverted], 1)))
    builder.popcount(np.concatenate(votes), 10)
    return builder.build(objective="classification", fitted_range=(pixels.min(0), pixels.max(0)))


def test_the_report_tells_what_each_word_length_costs_on_the_digits():
    data = load_digits()
    circuit = templates(data.x_train, data.y_train)
    report = word_length_report(circuit, data.x_test, data.y_test, word_lengths=(1, 2, 3, 5, 8))
    assert report.accuracy == np.mean(circuit.predict(data.x_test) == data.y_test) > 0.7
    assert report.comparators == len(circuit.encoder)
    assert [row.bits for row in report] == [1, 2, 3, 5, 8]
    assert [row.change for row in report[3:]] == [0, 0]  # pixels are 0 to 16: five bits hold them
    assert report[0].change < 0
    for row in report:
        narrow = snapped(circuit, row.bits)
        accuracy = float(np.mean(narrow.predict(data.x_test) == data.y_test))
        assert row == WordLength(row.bits, accuracy, len(narrow.encoder), accuracy - report.accuracy)
    lines = str(report).splitlines()
    assert len(lines) == 7
    assert lines[0].split() == ["bits", "accuracy", "change", "comparators"]
    assert f"{report.accuracy:.2%}" in lines[-1]
    assert len(word_length_report(circuit, data.x_test, data.y_test)) == 7


def test_labels_that_do_not_fit_are_refused():
    data = load_digits()
    circuit = templates(data.x_train, data.y_train)
    with pytest.raises(ValueError, match=r"y has shape \(3,\) for 360"):
        word_length_report(circuit, data.x_test, [0, 1, 2])
