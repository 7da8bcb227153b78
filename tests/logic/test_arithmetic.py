import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.logic import Port
from lutsmith.logic.arithmetic import (
    any_of,
    argmax,
    at_least,
    choose,
    greater,
    minus,
    plus,
    popcount,
    signed_digits,
    total,
)  # fmt: skip
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, address_bits, table

seeds = st.integers(0, 10_000)


def ones(outputs, bits):
    """The netlist of these literals, evaluated."""
    logic, literals = outputs
    return logic.build(literals).evaluate(bits)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), seeds)
def test_folded_luts_are_the_function_that_was_asked_for(rank, seed):
    rng = np.random.default_rng(seed)
    logic = FoldingBuilder()
    literals = np.concatenate([logic.input(3), [FALSE, TRUE]])
    reads = rng.choice(literals, (20, rank))
    reads = np.where(reads > TRUE, reads ^ rng.integers(0, 2, reads.shape), reads)
    tables = rng.integers(0, 2, (20, 1 << rank)).astype(bool)
    made = logic.lut(reads, table(tables))
    second = rng.choice(made, (20, 2)) ^ rng.integers(0, 2, (20, 2))
    netlist = logic.build(np.concatenate([made, logic.lut(second, np.uint64(0b0110))]))
    bits = np.array(address_bits(3)).T == 1
    values = np.concatenate([[False, True], np.zeros(6, bool)])
    for row, got in zip(bits, netlist.evaluate(bits), strict=True):
        values[2::2], values[3::2] = row, ~row
        first = tables[np.arange(20), values[reads] @ (1 << np.arange(rank))]
        of = {int(literal): bool(value) for literal, value in zip(made, first, strict=True)}
        of |= {literal ^ 1: not value for literal, value in of.items()}
        assert np.array_equal(got[:20], first)
        assert got[20:].tolist() == [of[int(a)] != of[int(b)] for a, b in second]


def test_whatever_is_made_of_words_is_literals():
    """Of one word and of no bits too."""
    for count, width in ((1, 1), (1, 3), (2, 0), (2, 2), (5, 3)):
        logic = FoldingBuilder()
        words = logic.input(count * width).reshape(count, width)
        for made in (argmax(logic, words), any_of(logic, words), greater(logic, words, words)):
            assert made.dtype == np.int64
            assert made.ndim == 1
        assert argmax(logic, words).size == max(1, (count - 1).bit_length())


def test_what_folds_away_costs_no_lut():
    logic = FoldingBuilder()
    a, b = logic.input(2)
    xor = np.uint64(0b0110)
    same = logic.lut([[a, a], [a, FALSE], [a, a ^ 1], [TRUE, TRUE], [b, TRUE]], xor)
    assert same.tolist() == [FALSE, a, TRUE, FALSE, b ^ 1]
    twice = logic.lut([[a, b], [a, b]], xor)
    assert twice[0] == twice[1]
    assert logic.build(twice).num_nodes == 1
    assert logic.depth(twice).tolist() == [1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), seeds)
def test_words_are_compared_with_constants(width, seed):
    rng = np.random.default_rng(seed)
    high = 1 << width
    bounds = np.concatenate([rng.integers(0, high + 1, 12), [0, high, high - 1, high // 2]])
    near = np.clip(np.concatenate([bounds - 1, bounds, bounds + 1, rng.integers(0, high, 20)]), 0, high - 1)
    logic = FoldingBuilder()
    word = np.repeat(logic.input(width)[None], bounds.size, axis=0)
    got = ones((logic, at_least(logic, word, bounds)), Port("w", width).bits(near[:, None]))
    assert np.array_equal(got, near[:, None] >= bounds)


def test_thresholds_of_a_byte_share_what_is_below():
    logic = FoldingBuilder()
    word = np.repeat(logic.input(8)[None], 257, axis=0)
    netlist = logic.build(at_least(logic, word, np.arange(257)))
    luts = sum(count for rank, count in netlist.luts_by_rank().items() if rank)
    assert luts == 254 + 6, "one a threshold but 128, which is the top bit; six for the low three bits, but 4"
    assert netlist.depth == 2


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 34), seeds)
def test_words_are_compared_with_one_another(width, seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 1 << width, (40, 1))
    b = np.where(rng.random((40, 1)) < 0.5, a ^ 1 << rng.integers(0, width, (40, 1)), a)
    logic = FoldingBuilder()
    words = logic.input(2 * width).reshape(2, 1, width)
    port = Port("ab", width, 2)
    got = ones((logic, greater(logic, *words)), port.bits(np.concatenate([a, b], axis=1)))
    assert np.array_equal(got, a > b)
    assert logic.depth(greater(logic, *words))[0] <= 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=5), st.integers(1, 10), seeds)
def test_bits_of_all_weights_are_summed(heights, width, seed):
    rng = np.random.default_rng(seed)
    logic = FoldingBuilder()
    available = np.concatenate([logic.input(12), [FALSE, TRUE]])
    columns = [rng.choice(available, (3, height)) for height in heights]
    bits = rng.random((30, 12)) < 0.5
    values = np.concatenate([bits, np.tile([False, True], (30, 1))], axis=1)
    place = {int(literal): at for at, literal in enumerate(available)}
    sums = total(logic, columns or [np.zeros((3, 0), np.int64)], width)
    got = ones((logic, sums.reshape(-1)), bits).reshape(30, 3, width) @ (1 << np.arange(width))
    wanted = np.zeros((30, 3), np.int64)
    for weight, column in enumerate(columns):
        where = np.vectorize(place.get, otypes=[np.int64])(column)
        wanted += values[:, where].sum(axis=2) << weight
    assert np.array_equal(got, wanted % (1 << width))


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 64, 400])
def test_a_popcount_costs_about_a_lut_a_bit(size):
    logic = FoldingBuilder()
    counts = popcount(logic, logic.input(size)[None])
    assert counts.shape == (1, size.bit_length())
    netlist = logic.build(counts[0])
    bits = np.random.default_rng(0).random((50, size)) < np.linspace(0, 1, 50)[:, None]
    assert np.array_equal(netlist.evaluate(bits) @ (1 << np.arange(size.bit_length())), bits.sum(axis=1))
    assert netlist.num_nodes <= size + size.bit_length()
    assert netlist.depth <= 12


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), seeds)
def test_the_lowest_of_the_largest_words_is_found(count, width, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, rng.integers(1, 1 << width, endpoint=True), (40, count))
    logic = FoldingBuilder()
    label = argmax(logic, logic.input(count * width).reshape(count, width))
    assert label.size == max(1, (count - 1).bit_length())
    got = ones((logic, label), Port("w", width, count).bits(words)) @ (1 << np.arange(label.size))
    assert np.array_equal(got, words.argmax(axis=1))


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 50])
def test_any_and_choose(count):
    logic = FoldingBuilder()
    bits, flag = logic.input(count), logic.input(1)
    either = np.append(any_of(logic, bits[None]), choose(logic, flag, bits[None], bits[None] ^ 1))
    rows = np.concatenate([np.zeros((1, count + 1), bool), np.eye(count + 1, dtype=bool)])
    got = ones((logic, either), rows)
    assert np.array_equal(got[:, 0], rows[:, :count].any(axis=1))
    assert np.array_equal(got[:, 1:], rows[:, :count] ^ rows[:, count:])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_signed_digits_make_the_number_up_and_are_never_neighbours(numbers):
    digits = np.array(signed_digits(np.array(numbers)), np.int64).reshape(-1, len(numbers))
    assert [sum(int(d) << k for k, d in enumerate(column)) for column in digits.T] == numbers
    assert not (digits[1:] & digits[:-1] & 1).any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 12), st.booleans(), seeds)
def test_words_are_added_and_subtracted(width, lowest, borrow, seed):
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 1 << width, (200, 2))
    pairs[:4] = [[0, 0], [0, (1 << width) - 1], [(1 << width) - 1, 0], [(1 << width) - 1] * 2]
    bits = (pairs[:, :, None] >> np.arange(width) & 1).reshape(200, -1) == 1
    logic = FoldingBuilder()
    a, b = logic.input(2 * width).reshape(2, 1, width)
    less, more = minus(logic, a, b, borrow=borrow, lowest=lowest), plus(logic, a, b)
    found = ones((logic, np.concatenate([less, more], axis=1)[0]), bits)
    weights = 1 << np.arange(width + 1)
    sums = found[:, width + 1 :] @ weights
    weights[width] *= -1
    expected = pairs[:, 0] - pairs[:, 1] - borrow
    below = min(lowest, width)
    assert np.array_equal(found[:, : width + 1] @ weights, expected >> below << below)
    assert np.array_equal(sums, pairs.sum(axis=1))


def test_a_difference_of_bytes_takes_twelve_luts():
    logic = FoldingBuilder()
    a, b = logic.input(16).reshape(2, 1, 8)
    assert logic.build(minus(logic, a, b)[0]).num_nodes == 12
