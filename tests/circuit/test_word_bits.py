"""Bits of words and missing values as inputs: what the word of a number is, and every reader of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder, Comparators, Metadata, NetlistBuilder
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.words import WordBits, WordFormats
from tests.tools import module


def nearest(x: float, bits: int, signed: bool) -> int:
    """The nearest integer, halves down, saturated; NaN is 0: by Python's integers."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if x != x:
        return 0
    if x in (np.inf, -np.inf):
        return high if x > 0 else low
    whole = int(np.floor(x)) if isinstance(x, float) else int(x)
    return min(max(whole + (x - whole > 0.5), low), high)


def integers(formats: WordFormats, rows: np.ndarray) -> list[list[int]]:
    patterns = formats.patterns(rows)
    return [
        [
            int(word) - ((int(word) >> int(bits) - 1) << int(bits) if signed else 0)
            for word, bits, signed in zip(row, formats.bits, formats.signed, strict=True)
        ]
        for row in patterns.tolist()
    ]


@given(st.integers(1, 64), st.booleans(), st.lists(st.integers(-(2**64), 2**65), min_size=1, max_size=5))
def test_integers_are_words_exactly_and_saturate(bits: int, signed: bool, numbers: list[int]) -> None:
    formats = WordFormats.of([0], bits, signed)
    for dtype in (np.uint64, np.int64, np.uint8, np.int8, np.int32):
        limits = np.iinfo(dtype)
        fitting = [min(max(number, int(limits.min)), int(limits.max)) for number in numbers]
        found = integers(formats, np.array(fitting, dtype)[:, None])
        assert found == [[nearest(number, bits, signed)] for number in fitting]


@given(
    st.integers(1, 64),
    st.booleans(),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=5),
)
def test_floats_are_the_nearest_word_halves_down(bits: int, signed: bool, numbers: list[float]) -> None:
    formats = WordFormats.of([0], bits, signed)
    numbers += [0.5, 1.5, -0.5, float(2**53 + 2), 2.0**52 + 1, -(2.0**63), 2.0**64, 3.0, 0.3, -0.7]
    with np.errstate(over="ignore"):
        read = np.array(numbers).astype(np.float32).astype(float).tolist() if bits <= 24 else numbers
    found = integers(formats, np.array(numbers)[:, None])
    assert found == [[nearest(number, bits, signed)] for number in read]


@given(st.integers(1, 12), st.booleans(), st.integers(0, 2**32))
def test_other_words_count_thresholds_below_a_number(bits: int, signed: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    offset, per_unit = rng.normal(size=3) * 100, np.exp(rng.normal(size=3) * 3)
    formats = WordFormats.of([2, 0, 5], bits, signed, offset, per_unit)
    low = -(1 << bits - 1) if signed else 0
    k = np.arange((1 << bits) - 1)
    first = formats.offset + (low + 0.5) / formats.per_unit
    thresholds = (first[:, None] + k / formats.per_unit[:, None]).astype(np.float32)
    x = rng.normal(size=(20, 6)).astype(np.float32) * 200
    x[:3, formats.feature] = thresholds[:, rng.integers(0, k.size, 3)].T
    x[3], x[4], x[5] = np.nan, np.inf, -np.inf
    counted = (thresholds < x[:, formats.feature, None]).sum(axis=2) + low
    counted[3] = 0
    assert integers(formats, x) == counted.tolist()


def some_inputs(seed: int, *, long: bool = False) -> tuple[Inputs, np.random.Generator]:
    rng = np.random.default_rng(seed)
    features = int(rng.choice([5, 16, 40]))
    words = np.sort(rng.choice(features, int(rng.integers(1, 5)), replace=False))
    bits = rng.integers(1, 65 if long else rng.choice([5, 25]), words.size)
    plain = long | (rng.random(words.size) < 0.4)
    formats = WordFormats.of(
        words,
        bits,
        rng.random(words.size) < 0.4,
        np.where(plain, 0, rng.normal(size=words.size) * rng.choice([1, 100, 1e9])),  # some finer than float32
        np.where(plain, 1, rng.choice([1e-3, 0.05, 0.5, 7.3, 1e4], words.size)),
    )
    place = rng.integers(0, words.size, int(rng.integers(1, 40)))
    read = WordBits(formats.feature[place], rng.integers(0, formats.bits[place]), formats)
    compared = int(rng.integers(0, 9))
    comparators = Comparators(rng.integers(0, features, compared), rng.normal(size=compared) * 50, features)
    return Inputs(comparators, read, rng.integers(0, features, int(rng.integers(0, 4)))), rng


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 3, 5, 63, 64, 65, 1023, 1025]),
    st.sampled_from(["u1", "f4", "f8", "i8", "u8", "?", "f2"]),
)
def test_the_engine_packs_all_kinds_of_inputs(seed: int, count: int, dtype: str) -> None:
    """Holds `kernels.engine.planes` and `engine.packing` to `Inputs.encode`."""
    inputs, rng = some_inputs(seed, long=dtype in ("i8", "u8"))
    builder = NetlistBuilder(len(inputs))
    blocks = Blocks(inputs, builder.build(rng.permutation(len(inputs))))
    with np.errstate(invalid="ignore"):
        rows = (rng.normal(size=(count, inputs.num_features)) * 200).astype(dtype)
    if rows.dtype.kind == "f" and count:
        formats = inputs.words.formats
        for feature, low, per_unit in zip(formats.feature, formats.offset, formats.per_unit, strict=True):
            near = (low + (rng.integers(-9, 40, count) + 0.5) / per_unit).astype(np.float32)
            step = rng.choice([-np.inf, 0, np.inf], count).astype(np.float32)
            with np.errstate(over="ignore"):
                about = np.where(step == 0, near, np.nextafter(near, step)).astype(dtype)
            rows[:, feature] = np.where(rng.random(count) < 0.5, about, rows[:, feature])
        odd = rng.random(rows.shape) < 0.05
        strange = np.array([np.nan, np.inf, -np.inf, -0.0, 0.5, 3e4, 1e-7]).astype(dtype)
        rows[odd] = rng.choice(strange, np.count_nonzero(odd))
    if count % 2:
        rows = np.asfortranarray(rows)
    expected = inputs.encode(rows)[:, blocks._netlist.outputs]
    assert np.array_equal(blocks.outputs(rows), expected)
    rows.setflags(write=False)
    assert np.array_equal(blocks.outputs(rows), expected)


def test_a_feature_is_a_word_of_one_kind() -> None:
    builder = CircuitBuilder((3,))
    signals = builder.words([[0, 2]], 3, signed=True)
    assert signals.shape == (1, 2, 3)
    assert np.array_equal(builder.words(2, 3, signed=True), signals[0, 1])
    for change in ({"signed": False}, {"signed": True, "offset": 1.0}):
        with pytest.raises(ValueError, match="feature 2 is a word of another kind"):
            builder.words(2, 3, **change)
    with pytest.raises(ValueError, match="expected integers in"):
        builder.words(3, 3)
    with pytest.raises(ValueError, match="bits is 65"):
        builder.words(1, 65)
    circuit = builder.build(signals[0, 1, :2])
    assert circuit.words is not None
    assert circuit.words.formats.feature.tolist() == [2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 0], 3), None),
        (([1, 1], 3), "each of them once"),
        (([0], 0), "bits holds 0"),
        (([0], 25, False, 0.5), "expected at most 24 bits, or a plain integer"),
        (([0], 3, False, np.nan), "must be finite"),
        (([0], 3, False, 0, 0), "per_unit above 0"),
        (([-1], 3), "feature holds -1"),
    ],
)
def test_formats_that_cannot_be_are_refused(arguments: tuple, message: str | None) -> None:
    if message is None:
        assert WordFormats.of(*arguments).feature.tolist() == [0, 1]
        return
    with pytest.raises(ValueError, match=message):
        WordFormats.of(*arguments)


def test_bits_that_a_word_has_not_are_refused() -> None:
    formats = WordFormats.of([1, 3], [2, 5])
    with pytest.raises(ValueError, match="bit 2 of feature 1, whose word has 2 bits"):
        WordBits([3, 1], [4, 2], formats)
    with pytest.raises(ValueError, match="feature 2 has no format"):
        WordBits([2], [0], formats)
    with pytest.raises(ValueError, match="feature 3 is a word, and there are 3 features"):
        Inputs(Comparators([], [], 3), WordBits([1], [0], formats))


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_words_become_numbers_and_words_again(seed: int, short: bool) -> None:
    """Of types that hold them all; float64 where there is none, which holds 53 bits, and the ends."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    bits = rng.integers(1, 17 if short else 65, count)
    plain = (bits > 16) | (rng.random(count) < 0.5)
    formats = WordFormats.of(
        np.arange(count), bits, rng.random(count) < 0.5, np.where(plain, 0, 0.5), np.where(plain, 1, 4)
    )
    patterns = rng.integers(0, 1 << 64, (20, count), dtype=np.uint64) >> (64 - formats.bits).astype(np.uint64)
    numbers = formats.numbers(patterns)
    if numbers.dtype == np.float64:
        numbers = formats.numbers(formats.patterns(numbers))
        patterns = formats.patterns(numbers)
    np.testing.assert_array_equal(formats.patterns(numbers), patterns)
    if short:
        assert numbers.dtype == np.float32
    elif numbers.dtype.kind in "iu":
        assert numbers.tolist() == integers(formats, numbers)


def test_tables_are_refused_where_float32_does_not_hold_the_words() -> None:
    """They would be rounded on the way; arrays of integers are not."""
    pandas, pyarrow = module("pandas"), module("pyarrow")
    builder = CircuitBuilder((2,))
    builder.integers({"sum": builder.words(0, 40)})
    circuit = builder.build(metadata=Metadata(feature_names=("a", "b")))
    numbers = np.array([[2**39 + 1, 7], [5, 2]])
    assert circuit.predict(numbers).tolist() == [2**39 + 1, 5]
    assert circuit.predict(numbers.tolist()).tolist() == [2**39 + 1, 5]
    frame = pandas.DataFrame(numbers, columns=["a", "b"])
    for table in (frame, pyarrow.Table.from_pandas(frame), frame.to_dict("records")):
        with pytest.raises(ValueError, match="more than 24 bits, and tables are read as float32"):
            circuit.predict(table)
        with pytest.raises(ValueError, match="give an array of integers or float64"):
            list(circuit.predict_batches(table if not isinstance(table, list) else iter([pyarrow.table(frame)])))
    narrow = CircuitBuilder((2,))
    narrow.integers({"sum": narrow.words(0, 24)})
    assert narrow.build(metadata=circuit.metadata).predict(frame % 2**20).tolist() == [1, 5]
