"""Cross entropy under a change of output bits, on packed rows: only samples whose outputs change cost anything.

With probabilities p_c of classes and scores that rise by d_c, the loss of a sample with label y rises by
log(1 + sum_c p_c (exp(d_c / tau) - 1)) - d_y / tau. The samples that change are listed, so that what follows, the
logarithm and the sums over addresses of a table, goes through them alone; the logarithm is arithmetic on vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types

from lutsmith.kernels.compiler import kernel

NOISE = 1e-12
"""What a sample's loss rises by is 0 below this: rounding, which gains nothing."""

STEEPEST = 16.0
"""By how much scores over tau may change for `rises`: what is left of a probability of 1 is then right to 1e-9."""

COMPILING = "compiling the kernels of search, once per machine, about 3 s"

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns


@intrinsic
def first_bit(_: Any, word: Any) -> Any:
    """The place of the lowest bit of a word that is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@kernel()
def _logarithms(values: Any, exponents: Any) -> None:
    """Replace values, finite and above 0, by their natural logarithms; `exponents` is room, int64, for as many."""
    words = values.view(np.int64)
    for place in range(values.size):
        word = words[place]
        exponent = (word >> 52) - 1023
        word = (word & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000
        high = word > 0x3FF6A09E667F3BCC  # the root of 2
        exponents[place] = exponent + (1 if high else 0)
        words[place] = word - (1 << 52 if high else 0)
    for place in range(values.size):
        root = (values[place] - 1.0) / (values[place] + 1.0)
        square = root * root
        total = 1.0 / 23
        total = total * square + 1.0 / 21
        total = total * square + 1.0 / 19
        total = total * square + 1.0 / 17
        total = total * square + 1.0 / 15
        total = total * square + 1.0 / 13
        total = total * square + 1.0 / 11
        total = total * square + 1.0 / 9
        total = total * square + 1.0 / 7
        total = total * square + 1.0 / 5
        total = total * square + 1.0 / 3
        total = total * square + 1.0
        values[place] = 2.0 * root * total + exponents[place] * 0.6931471805599453


@kernel()
def votes_of(now: Any, differ: Any, votes: Any) -> None:
    """Add what 64 samples' bits count more than before they differed; without branches: eight samples at once."""
    then = now ^ differ
    for place in range(64):
        bit = np.uint64(place)
        votes[place] += np.int64(now >> bit & np.uint64(1)) - np.int64(then >> bit & np.uint64(1))


@kernel()
def _by_classes(
    word: Any, rows: Any, shares: Any, labels: Any, factors: Any, votes: Any, totals: Any, own: Any
) -> None:
    """Fill in 1 + sum_c p_c (exp(d_c / tau) - 1) and d_y of 64 samples, where groups are classes; `rows` are those that
    differ: how they do, what they are now, and their groups.
    """
    differ, now, groups = rows
    totals[:], own[:] = 1.0, 0
    begin, middle, row = 64 * word, factors.size // 2, 0
    while row < groups.size:
        group = groups[row]
        if row + 1 == groups.size or groups[row + 1] != group:  # alone in its group, as most are
            up, down = differ[row] & now[row], differ[row] & ~now[row]
            plus, minus = factors[middle + 1], factors[middle - 1]
            share, label = shares[group, begin : begin + 64], labels[begin : begin + 64]
            for place in range(64):
                rise = up >> np.uint64(place) & np.uint64(1)
                fall = down >> np.uint64(place) & np.uint64(1)
                totals[place] += share[place] * (plus if rise else (minus if fall else 0.0))
                own[place] += np.int64(rise) - np.int64(fall) if label[place] == group else 0
            row += 1
            continue
        votes[:] = 0
        while row < groups.size and groups[row] == group:
            votes_of(now[row], differ[row], votes)
            row += 1
        for place in range(64):
            totals[place] += shares[group, begin + place] * factors[middle + votes[place]]
            own[place] += votes[place] if labels[begin + place] == group else 0


@kernel()
def _by_weights(word: Any, rows: Any, shares: Any, labels: Any, weights: Any, tau: Any, votes: Any, scores: Any,
                totals: Any, own: Any) -> None:  # fmt: skip
    """As `_by_classes`, where groups count for several classes; `scores` is room, int64 (C, 64)."""
    differ, now, groups = rows
    totals[:], scores[:] = 1.0, 0
    for row in range(groups.size):
        votes[:] = 0
        votes_of(now[row], differ[row], votes)
        for score in range(len(scores)):
            for place in range(64):
                scores[score, place] += votes[place] * weights[score, groups[row]]
    for place in range(64):
        sample = 64 * word + place
        own[place] = scores[labels[sample], place]
        for score in range(len(scores)):
            if scores[score, place] != 0:
                totals[place] += shares[score, sample] * np.expm1(scores[score, place] / tau)


@kernel(COMPILING)
def rises(before: Any, after: Any, groups: Any, weights: Any, shares: Any, labels: Any, factors: Any, tau: float,
          samples: Any, values: Any, room: Any, exponents: Any) -> int:  # fmt: skip
    """List the samples whose outputs change, and by how much their cross entropy rises; return how many there are.

    No score over tau may change by more than `STEEPEST`; `rises_of_scores` has no such limit.

    Args:
        before: uint64 (K, W), rows of outputs as they were.
        after: uint64 (K, W), as they are.
        groups: int64 (K,), ascending, the group of each.
        weights: int32 (C, G), or (0, 0): group c is class c.
        shares: float64 (C, 64 W), the probabilities of classes before.
        labels: int64 (64 W,), below C.
        factors: float64 (2 K' + 1,), exp(d / tau) - 1 for d from -K' to K', K' >= K; of groups that are classes.
        tau: above 0.
        samples: int32 (64 W,): the samples, ascending.
        values: float64 (64 W,): their rises.
        room: float64 (64 W,).
        exponents: int64 (64 W,), room as well.
    """
    rows, width = before.shape
    one, least, count = np.uint64(1), np.finfo(np.float64).tiny, 0
    differ, now, group = np.empty(rows, np.uint64), np.empty(rows, np.uint64), np.empty(rows, np.int64)
    votes, own, totals = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64)
    scores = np.empty((len(weights), 64), np.int64)
    for word in range(width):
        found, some = 0, np.uint64(0)
        for row in range(rows):
            bits = before[row, word] ^ after[row, word]
            if bits:
                differ[found], now[found], group[found] = bits, after[row, word], groups[row]
                some |= bits
                found += 1
        if not found:
            continue
        changed = differ[:found], now[:found], group[:found]
        if len(weights) == 0:
            _by_classes(word, changed, shares, labels, factors, votes, totals, own)
        else:
            _by_weights(word, changed, shares, labels, weights, tau, votes, scores, totals, own)
        if some == ~np.uint64(0):
            for place in range(64):
                samples[count + place] = 64 * word + place
                values[count + place] = max(totals[place], least)
                room[count + place] = own[place]
            count += 64
            continue
        while some:
            place = first_bit(some)
            some &= some - one
            samples[count], values[count], room[count] = 64 * word + place, max(totals[place], least), own[place]
            count += 1
    _logarithms(values[:count], exponents[:count])
    for place in range(count):
        value = values[place] - room[place] / tau
        values[place] = value if abs(value) >= NOISE else 0.0
    return count


@kernel()
def _risen(before: Any, after: Any, groups: Any, weights: Any, word: int, bit: Any, out: Any) -> None:
    """Write by how much a sample's scores of classes rise with a change; arguments as for `rises`, `out` int64 (C,)."""
    one = np.uint64(1)
    out[:] = 0
    for row in range(len(before)):
        votes = np.int64(after[row, word] >> bit & one) - np.int64(before[row, word] >> bit & one)
        if votes != 0 and len(weights) == 0:
            out[groups[row]] += votes
        elif votes != 0:
            for score in range(out.size):
                out[score] += votes * weights[score, groups[row]]


@kernel()
def _loss(scores: Any, label: int, tau: float) -> Any:
    """The cross entropy of scores (C,), to a relative precision also where it is tiny, and finite where it is large."""
    top = scores.argmax()
    others = 0.0
    for score in range(scores.size):
        if score != top:
            others += np.exp((scores[score] - scores[top]) / tau)
    return np.log1p(others) + (scores[top] - scores[label]) / tau


@kernel()
def rises_of_scores(before: Any, after: Any, groups: Any, weights: Any, scores: Any, labels: Any, tau: float,
                    samples: Any, values: Any) -> int:  # fmt: skip
    """What `rises` lists, from the scores of classes, int32 (C, 64 W), before: slower, and right for any change of
    theirs, where probabilities and factors of `rises` leave what numbers hold.
    """
    rows, width = before.shape
    one, count = np.uint64(1), 0
    now, then = np.empty(len(scores), np.int64), np.empty(len(scores), np.int64)
    for word in range(width):
        some = np.uint64(0)
        for row in range(rows):
            some |= before[row, word] ^ after[row, word]
        while some:
            place = first_bit(some)
            some &= some - one
            sample = 64 * word + place
            _risen(before, after, groups, weights, word, np.uint64(place), now)
            for score in range(now.size):
                then[score] = scores[score, sample]
                now[score] += then[score]
            value = _loss(now, labels[sample], tau) - _loss(then, labels[sample], tau)
            samples[count], values[count] = sample, value if abs(value) >= NOISE else 0.0
            count += 1
    return count


@kernel()
def follow(before: Any, after: Any, groups: Any, weights: Any, scores: Any, shares: Any, tau: float) -> None:
    """Let the scores of classes, int32 (C, 64 W), and their probabilities, float64 (C, 64 W), follow a change of
    outputs; the other arguments are as for `rises`.
    """
    rows, width = before.shape
    one = np.uint64(1)
    risen = np.empty(len(shares), np.int64)
    for word in range(width):
        some = np.uint64(0)
        for row in range(rows):
            some |= before[row, word] ^ after[row, word]
        while some:
            place = first_bit(some)
            some &= some - one
            sample = 64 * word + place
            _risen(before, after, groups, weights, word, np.uint64(place), risen)
            top, total = np.int64(-(2**62)), 0.0
            for score in range(risen.size):
                risen[score] += scores[score, sample]
                scores[score, sample] = risen[score]
                top = max(top, risen[score])
            for score in range(risen.size):
                shares[score, sample] = np.exp((risen[score] - top) / tau)
                total += shares[score, sample]
            for score in range(risen.size):
                shares[score, sample] /= total


@kernel()
def addresses(reads: Any, places: Any) -> None:
    """Write the address of every sample, uint8 (64 W,), where a LUT reads rows, uint64 (n, W), the least significant
    bit first; without branches: many samples at once.
    """
    for word in range(reads.shape[1]):
        part = places[64 * word : 64 * word + 64]
        part[:] = 0
        for row in range(len(reads)):
            bits = reads[row, word]
            for place in range(64):
                part[place] |= np.uint8((bits >> np.uint64(place) & np.uint64(1)) << np.uint64(row))


@kernel()
def sums_at(places: Any, samples: Any, values: Any, parts: Any, sums: Any) -> None:
    """Add the values of listed samples, and their squares, to the sums of their parts and addresses.

    Args:
        places: uint8 (N,), of `addresses`.
        samples: int32 (M,).
        values: float64 (M,).
        parts: uint8 (N,), of every sample, which of the P parts it belongs to.
        sums: float64 (P, 2**n, 2), of values and of squares.
    """
    for place in range(samples.size):
        sample = samples[place]
        at, value = sums[parts[sample], places[sample]], values[place]
        at[0] += value
        at[1] += value * value


@kernel()
def gains(samples: Any, values: Any, own: Any, parts: Any, part: int, scale: float, out: Any) -> None:
    """Write what each sample of a part gains where a node's output is 1 and not 0, in integers; the others gain 0.

    Args:
        samples: of `rises`, of inverting the node.
        values: likewise.
        own: uint64 (W,), what the node says.
        parts: uint8 (N,), of every sample.
        part: the one that counts.
        scale: integers a nat.
        out: int32 (N,).
    """
    out[:] = 0
    for place in range(samples.size):
        sample = samples[place]
        if parts[sample] == part:
            says = np.int64(own[sample >> 6] >> np.uint64(sample & 63) & np.uint64(1))
            out[sample] = np.int32(np.rint(values[place] * scale * (2 * says - 1)))
