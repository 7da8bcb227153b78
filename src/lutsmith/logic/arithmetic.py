"""Arithmetic on words of literals, many words at once: comparisons, sums, differences, the largest of several words.

A word is a row of literals, least significant first; arguments are (words, bits). Everything is made for LUTs of six
inputs: a comparison with a constant takes one LUT for five bits, and three LUTs turn six bits of one weight into a
count of three bits, so that each LUT saves one bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, Literals, address_bits, table

CARRIED = MAX_RANK - 1
"""Bits of a word that one LUT compares beside what the bits below say."""

_PAIRS = MAX_RANK // 2
"""Bits of two words that one LUT compares."""

_COUNTERS = {
    bits: [table(np.sum(address_bits(bits), axis=0) >> place & 1 == 1) for place in range(bits.bit_length())]
    for bits in range(2, MAX_RANK + 1)
}
"""The tables of the bits of a count of 2 to 6 bits."""


def at_least(logic: FoldingBuilder, words: Literals, bounds: NDArray[Any]) -> Literals:
    """Return the literals (W,) of `word >= bound` for unsigned words (W, b); bounds (W,) are 0 to 2^b, int64 or Python
    integers (objects) for longer words.

    It is a chain from the low bits up, with its short link at the bottom: equal words with bounds that end in the same
    bits share it. Bits below the lowest 1 of a bound cost nothing.
    """
    count, width = words.shape
    result = np.full(count, TRUE, np.int64)
    ends = list(range(width, 0, -CARRIED))[::-1]
    if len(ends) > 1 and ends[0] == 1:  # the lowest link has no carry: six bits fit
        del ends[0]
    start = 0
    for end in ends:
        size = end - start
        address = np.arange(2 << size)
        digit = (bounds >> start & (1 << size) - 1).astype(np.int64)[:, None]
        above, carry = address >> 1, (address & 1).astype(np.bool_)
        tables = table((above > digit) | (above == digit) & carry) if size < MAX_RANK else None
        if tables is None:  # the lowest link: the carry is true
            result = logic.lut(words[:, :end], table(np.arange(1 << size) >= digit))
        else:
            result = logic.lut(np.concatenate([result[:, None], words[:, start:end]], axis=1), tables)
        start = end
    always, never = ((bounds <= 0).astype(np.bool_), (bounds >= 1 << width).astype(np.bool_))
    return np.where(never, FALSE, np.where(always, TRUE, result))


def greater(logic: FoldingBuilder, a: Literals, b: Literals) -> Literals:
    """Return the literals (W,) of `a > b` for unsigned words (W, n).

    A tree: of every three bits, whether a is greater and whether it is at least as great; then three groups a LUT.
    """
    width = a.shape[1]
    if width == 0:
        return np.full(len(a), FALSE, np.int64)
    if _PAIRS < width <= _PAIRS + 2:
        low = greater(logic, a[:, :_PAIRS], b[:, :_PAIRS])
        return logic.lut(_columns(low, a[:, _PAIRS:], b[:, _PAIRS:]), _pair_table(width - _PAIRS, carry=True))
    more, no_less = [], []
    for start in range(0, width, _PAIRS):
        pair = np.concatenate([a[:, start : start + _PAIRS], b[:, start : start + _PAIRS]], axis=1)
        bits = pair.shape[1] // 2
        more.append(logic.lut(pair, _pair_table(bits)))
        no_less.append(logic.lut(pair, _pair_table(bits, or_equal=True)) if start else more[0])
    x, g1, e1, g2, e2 = address_bits(5)
    three = table((g2 | e2 & (g1 | e1 & x)).astype(np.bool_))
    while len(more) > 1:
        groups = [(more[start : start + 3], no_less[start : start + 3]) for start in range(0, len(more), 3)]
        more = [logic.lut(_three(group[0][0], *group), three) for group in groups]
        no_less = [logic.lut(_three(group[1][0], *group), three) for group in groups[1:]]
        no_less = [more[0], *no_less]  # nothing is below the lowest group: it is never asked
    return more[0]


def plus(logic: FoldingBuilder, a: Literals, b: Literals) -> Literals:
    """Return the sums (W, n + 1) of unsigned words (W, n)."""
    sums = minus(logic, a, b ^ 1, borrow=True)  # a - (2^n - 1 - b) - 1 is the sum less 2^n
    return np.concatenate([sums[:, :-1], sums[:, -1:] ^ 1], axis=1)


def minus(logic: FoldingBuilder, a: Literals, b: Literals, *, borrow: bool = False, lowest: int = 0) -> Literals:
    """Return the differences a - b, or a - b - 1 with `borrow`, of unsigned words (W, n): (W, n + 1), two's complement.

    What is borrowed goes up two bits at a time, three at the bottom: a LUT for it, and one for each bit of the result.

    Args:
        logic: where LUTs go.
        a: the words.
        b: what is taken from them, of as many bits.
        borrow: whether one more is taken.
        lowest: bits below it are not needed: they are FALSE, and take no LUT.
    """
    count, width = a.shape
    result = np.full((count, width + 1), FALSE, np.int64)
    carry, start = np.full((count, 1), int(borrow), np.int64), 0
    while start < width:
        size = min(_PAIRS - (start > 0), width - start)
        for place in range(size + 1):  # the last is what is borrowed
            if place < size and start + place < lowest:
                continue
            digits = min(place + 1, size)
            own = slice(start, start + digits)
            address, mask = np.arange(1 << 2 * digits + (start > 0)), (1 << digits) - 1
            taken = address >> 2 * digits if start else int(borrow)
            left = (address & mask) - (address >> digits & mask) - taken
            inputs = [a[:, own], b[:, own], *([carry] if start else [])]
            made = logic.lut(np.concatenate(inputs, axis=1), table(left >> place & 1 == 1))
            result[:, width if place == size else start + place] = made
        carry, start = result[:, width:].copy(), start + size
    result[:, width] = carry[:, 0]
    return result


def choose(logic: FoldingBuilder, second: Literals, a: Literals, b: Literals) -> Literals:
    """Return the words (W, n): b where `second` (W,) is true, else a."""
    s, x, y = address_bits(3)
    chooser = np.repeat(second, a.shape[1])
    return logic.lut(_columns(chooser, a.reshape(-1, 1), b.reshape(-1, 1)), table((x & ~s | y & s) == 1)).reshape(
        a.shape
    )


def total(logic: FoldingBuilder, columns: list[Literals], width: int) -> Literals:
    """Return the sums (W, width), modulo 2^width, of bits with weights: column k is (W, height), each of weight 2^k.

    Column by column from the lowest: six bits, those that are ready first, become their count; fewer than six only when
    nothing else is to come. FALSE fills up rows that have fewer bits than others.
    """
    count = len(columns[0]) if columns else 0
    waiting = [*columns[:width], *[np.zeros((count, 0), np.int64)] * (width - len(columns))]
    sums = np.full((count, width), FALSE, np.int64)
    for place in range(width):
        bits, ready = _sorted(logic, waiting[place])
        now = 0
        while bits.shape[1] > 1:
            now = max(now, int(ready[min(MAX_RANK, ready.size) - 1]))
            groups = max(1, int(np.searchsorted(ready, now, side="right")) // MAX_RANK)
            size = min(MAX_RANK, bits.shape[1])
            taken = bits[:, : groups * size].reshape(-1, size)
            rest = [bits[:, groups * size :]]
            for weight, counter in enumerate(_COUNTERS[size]):
                counted = logic.lut(taken, counter).reshape(count, groups)
                if weight == 0:
                    rest.append(counted)
                elif place + weight < width:
                    waiting[place + weight] = np.concatenate([waiting[place + weight], counted], axis=1)
            bits, ready = _sorted(logic, np.concatenate(rest, axis=1))
        if bits.shape[1]:
            sums[:, place] = bits[:, 0]
    return sums


def popcount(logic: FoldingBuilder, bits: Literals) -> Literals:
    """Return how many of the bits (W, n) of each row are ones, as words (W, width) of the fewest bits that hold n."""
    return total(logic, [bits], bits.shape[1].bit_length())


def any_of(logic: FoldingBuilder, bits: Literals) -> Literals:
    """Return the literals (W,) of whether any of the bits (W, n) is one."""
    while bits.shape[1] > 1:
        fill = np.full((len(bits), -bits.shape[1] % MAX_RANK), FALSE, np.int64)
        groups = np.concatenate([bits, fill], axis=1).reshape(-1, MAX_RANK)
        bits = logic.lut(groups, np.uint64(2**64 - 2)).reshape(len(bits), -1)
    return bits[:, 0] if bits.shape[1] else np.full(len(bits), FALSE, np.int64)


def argmax(logic: FoldingBuilder, words: Literals) -> Literals:
    """Return the number of the largest of unsigned words (C, n), as a word (max(1, ceil(log2 C)),) of literals.

    A tournament: neighbours meet, and the higher number wins only where its word is greater. So the lowest wins a tie.
    """
    index = np.zeros((len(words), 0), np.int64)
    while len(words) > 1:
        pairs = len(words) // 2
        low, high = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
        second = greater(logic, words[high], words[low])
        won = np.concatenate([choose(logic, second, index[low], index[high]), second[:, None]], axis=1)
        left = np.concatenate([index[2 * pairs :], np.full((len(words) - 2 * pairs, 1), FALSE, np.int64)], axis=1)
        index = np.concatenate([won, left])
        if pairs == 1 and len(words) == 2:
            break
        words = np.concatenate([choose(logic, second, words[low], words[high]), words[2 * pairs :]])
    return index[0] if index.shape[1] else np.full(1, FALSE, np.int64)


def signed_digits(numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return digits -1, 0, 1 of weights 1, 2, 4, ... that add up to the integers, each of the shape of `numbers`.

    These are the canonical signed digits: no two neighbouring digits are both different from 0, so few digits are
    needed.
    """
    digits = []
    rest = numbers.copy()
    while rest.any():
        digit = np.where(rest & 1, 2 - (rest & 3), 0)
        digits.append(digit)
        rest = rest - digit >> 1
    return digits


def _sorted(logic: FoldingBuilder, bits: Literals) -> tuple[Literals, NDArray[np.int64]]:
    """Return the bits of each row, those that are ready first in front, FALSE behind and where no row has more left
    out; and when each place is ready in all rows.
    """
    ready = np.where(bits == FALSE, np.iinfo(np.int64).max, logic.depth(bits))
    order = np.argsort(ready, axis=1, kind="stable")
    bits, ready = np.take_along_axis(bits, order, axis=1), np.take_along_axis(ready, order, axis=1)
    used = int((bits != FALSE).sum(axis=1).max(initial=0))
    bits, ready = bits[:, :used], ready[:, :used]
    latest: NDArray[np.int64] = np.maximum.accumulate(np.where(bits == FALSE, 0, ready).max(axis=0, initial=0))
    return bits, latest


def _pair_table(bits: int, *, carry: bool = False, or_equal: bool = False) -> NDArray[np.uint64]:
    """The table of a > b: inputs are the bits of a, then those of b; with `carry`, what lower bits say before them."""
    address = np.arange(1 << 2 * bits + carry)
    a, b = address >> carry & (1 << bits) - 1, address >> bits + carry
    low = address & 1 if carry else int(or_equal)
    return table((a > b) | (a == b) & (low == 1))


def _three(lowest: Literals, more: list[Literals], no_less: list[Literals]) -> Literals:
    """The inputs of the LUT that joins up to three groups, the lowest first; groups that are not there are equal."""
    joined = [literals for pair in zip(more[1:], no_less[1:], strict=True) for literals in pair]
    absent = [np.full_like(lowest, FALSE), np.full_like(lowest, TRUE)] * (3 - len(more))
    return np.stack([lowest, *joined, *absent], axis=1)


def _columns(first: Literals, *others: Literals) -> Literals:
    return np.concatenate([first[:, None], *others], axis=1)
